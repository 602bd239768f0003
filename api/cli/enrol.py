"""`ruhu enrol`."""

import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.common import EXIT_PROBLEM, json_option, open_house, run_async, write_json

if TYPE_CHECKING:
    from gate_integration.bulk_enrolment.schemas import PhotoImportView, PhotoLineView

MOST_SHOWN = 100
CHUNK = 1 << 20


@click.group()
def enrol() -> None:
    """人脸建档 / Enrolment of faces."""


@enrol.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--estate", type=click.UUID, default=None, help="小区编号；仅有一个小区时可省略 / estate id.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="逐行结果 CSV/XLSX / write every line.")
@click.option("--yes", is_flag=True, help="检查后直接建档，不再询问 / enrol without asking.")
@json_option
@run_async
async def photos(file: Path, estate: uuid.UUID | None, report: Path | None, yes: bool, json_to: str | None) -> None:
    """检查照片压缩包（含同意登记表），确认后建档 / Checks a ZIP with consents and, once confirmed, enrols."""
    import msgspec

    from api.cli.registry import only_estate
    from api.wiring import make_engine
    from gate_integration.bulk_enrolment import queries, service, sheets
    from gate_integration.bulk_enrolment.jobs import Workshop
    from gate_integration.bulk_enrolment.models import ImportStatus
    from gate_integration.bulk_enrolment.schemas import PhotoImportView, PhotoLineView
    from inspection.registry.exports.sheets import SheetForm
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    actor = Actor.system("cli")
    async with open_house() as house:

        def system() -> Any:  # noqa: ANN401 - a transaction
            return house.database.transaction(Role.SYSTEM, SystemScope())

        async def look(import_id: uuid.UUID) -> tuple[PhotoImportView, list[PhotoLineView]]:
            async with system() as session:
                found = await service.get_import(session, import_id=import_id)
                view = PhotoImportView.of(found, await queries.tally(session, import_id=import_id))
                lines = await queries.lines(session, import_id=import_id, state=None, after=None, limit=None)
            return view, [PhotoLineView.of(line, name) for line, name in lines]

        shop = Workshop(
            house.database, house.vault, house.objects, house.clock, make_engine(house), watch=show_progress
        )
        async with system() as session:
            estate = estate or await only_estate(session)
        row = await service.hand_in(
            system, vault=house.vault, objects=house.objects, estate_id=estate, content=parts_of(file),
            name=file.name, queue=False, actor=actor, now=house.clock.now(),
        )  # fmt: skip
        await shop.check(import_id=row.id)
        view, lines = await look(row.id)
        if json_to is None:
            tell(view, lines)
        if view.status is ImportStatus.CHECKED:
            asked = json_to is None and sys.stdin.isatty() and view.lines_ready > 0
            go = yes or (asked and click.confirm("建档？/ enrol?", err=True))
            now = house.clock.now()
            async with system() as session:
                if go:
                    await service.confirm(session, import_id=row.id, queue=False, actor=actor, now=now)
                else:
                    await service.cancel(session, import_id=row.id, objects=house.objects, actor=actor, now=now)
            if go:
                await shop.apply(import_id=row.id)
            view, lines = await look(row.id)
    if report is not None:
        form = SheetForm.CSV if report.suffix.lower() == ".csv" else SheetForm.XLSX
        report.write_bytes(sheets.report(lines, form))
    if json_to is not None:
        write_json(msgspec.to_builtins(view) | {"lines": msgspec.to_builtins(lines)}, json_to)
    else:
        click.echo(outcome(view))
    if view.status not in {ImportStatus.APPLIED, ImportStatus.CANCELLED}:
        sys.exit(EXIT_PROBLEM)


async def parts_of(file: Path) -> AsyncIterator[bytes]:
    """A file's bytes, part by part."""
    with file.open("rb") as opened:
        while part := opened.read(CHUNK):
            yield part


def show_progress(done: int, total: int) -> None:
    """How far it is, on standard error of a terminal."""
    if sys.stderr.isatty():
        click.echo(f"\r{done}/{total}", nl=False, err=True)


def tell(view: "PhotoImportView", lines: "list[PhotoLineView]") -> None:
    """The report as lines for a person."""
    if view.refused_code:
        click.echo(f"{view.refused_zh} / {view.refused_en} [{view.refused_code}]")
    for line in [one for one in lines if one.code or one.reasons][:MOST_SHOWN]:
        remarks = "；".join(reason.zh for reason in line.reasons)
        click.echo(f"{line.state}  {line.shown}  {line.zh} / {line.en} [{line.code}] {remarks}")
    for count in view.tally:
        click.echo(f"{count.state} {count.number}  {count.zh}")


def outcome(view: "PhotoImportView") -> str:
    """How it ended, in a line."""
    from gate_integration.bulk_enrolment.models import ImportStatus

    return {
        ImportStatus.APPLIED: f"已建档 {view.lines_applied} 人 / enrolled",
        ImportStatus.CANCELLED: "检查完毕，未建档；加 --yes 建档 / checked, nobody was enrolled; add --yes",
        ImportStatus.REFUSED: "压缩包未采纳 / the archive was not taken",
    }.get(view.status, f"未完成 / not finished: {view.status} {view.id}")


@enrol.command("consent-template")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def consent_template(file: Path) -> None:
    """写出同意登记表模板，扩展名决定格式 / Writes the sheet of consents; the name's ending says CSV or XLSX."""
    from gate_integration.bulk_enrolment.sheets import template
    from inspection.registry.exports.sheets import SheetForm

    file.write_bytes(template(SheetForm.CSV if file.suffix.lower() == ".csv" else SheetForm.XLSX))
    click.echo(f"已写出 / written: {file}")
