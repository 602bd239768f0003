"""`ruhu registry`."""

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.common import EXIT_PROBLEM, json_option, open_house, run_async, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from inspection.registry.imports.jobs import Progress
    from inspection.registry.imports.models import RegistryImportIssue
    from inspection.registry.imports.schemas import ImportView, ReportView

KINDS = {"units": "房源", "households": "住户", "people": "人员", "members": "成员", "leases": "合同"}
MISSING = {"unit": "房源", "household": "住户", "member": "人员"}
MOST_SHOWN = 100
ESTATE = click.option("--estate", type=click.UUID, default=None, help="小区编号；仅有一个小区时可省略 / estate id.")


@click.group()
def registry() -> None:
    """住户登记 / The register."""


@registry.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@ESTATE
@click.option("--sheet", default="", help="工作表名 / the sheet of a workbook; else the first with the headings.")
@click.option("--full-list", is_flag=True, help="完整名册：缺失的记录列出待人处理 / list what the file lacks.")
@click.option("--create-units", is_flag=True, help="允许新建房源 / make units that are new.")
@click.option("--yes", is_flag=True, help="检查无误后直接导入，不再询问 / import without asking.")
@json_option
@run_async
async def import_file(
    file: Path, estate: uuid.UUID | None, sheet: str, full_list: bool, create_units: bool, yes: bool,
    json_to: str | None,
) -> None:  # fmt: skip
    """检查名册 CSV/XLSX，确认后导入 / Checks a file against the register and, once confirmed, imports it."""
    import msgspec

    from inspection.registry.imports import queries, service
    from inspection.registry.imports.jobs import Workshop
    from inspection.registry.imports.models import ImportStatus
    from inspection.registry.imports.schemas import ImportView, IssueView
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    actor = Actor.system("cli")
    async with open_house() as house:

        def system() -> Any:  # noqa: ANN401 - a transaction
            return house.database.transaction(Role.SYSTEM, SystemScope())

        shop = Workshop(house.database, house.vault, house.objects, house.clock, watch=show_progress)
        async with system() as session:
            row = await service.hand_in(
                session, vault=house.vault, objects=house.objects, estate_id=estate or await only_estate(session),
                content=file.read_bytes(), name=file.name, sheet=sheet, full_list=full_list,
                create_units=create_units, queue=False, actor=actor, now=house.clock.now(),
            )  # fmt: skip
        await shop.check(import_id=row.id)
        async with system() as session:
            view = ImportView.of(await service.get_import(session, import_id=row.id))
            issues = await queries.issues(session, import_id=row.id, after=None, limit=MOST_SHOWN)
        if json_to is None and view.report is not None:
            tell(view.report, issues)
        if view.status is ImportStatus.CHECKED:
            go = yes or (json_to is None and sys.stdin.isatty() and click.confirm("导入？/ import?", err=True))
            async with system() as session:
                now = house.clock.now()
                if go:
                    await service.confirm(session, import_id=row.id, queue=False, actor=actor, now=now)
                else:
                    await service.cancel(session, import_id=row.id, actor=actor, now=now)
            if go:
                await shop.apply(import_id=row.id)
            async with system() as session:
                view = ImportView.of(await service.get_import(session, import_id=row.id))
    if json_to is not None:
        shown = msgspec.to_builtins([IssueView.of(i) for i in issues])
        write_json(msgspec.to_builtins(view) | {"issues": shown}, json_to)
    else:
        click.echo(outcome(view))
    if view.status not in {ImportStatus.APPLIED, ImportStatus.CANCELLED}:
        sys.exit(EXIT_PROBLEM)


def show_progress(progress: "Progress") -> None:
    """How far it is, on standard error of a terminal."""
    if not sys.stderr.isatty():
        return
    if progress.records is not None:
        click.echo(f"\r导入 / applied {progress.records[0]}/{progress.records[1]}", nl=False, err=True)
    elif progress.rows is not None:
        click.echo(f"\r检查 / checked {progress.rows[0]}/{max(progress.rows)}", nl=False, err=True)


async def only_estate(session: "AsyncSession") -> uuid.UUID:
    """The one estate there is; a usage error when there are none or several."""
    from inspection.registry.places import queries

    found = await queries.estates(session, text_filter=None, after=None, limit=2)
    if len(found) != 1:
        raise click.UsageError("请用 --estate 指定小区 / name the estate with --estate")
    return found[0].id


def tell(report: "ReportView", issues: "Sequence[RegistryImportIssue]") -> None:
    """The report as lines for a person."""
    for issue in issues:
        where = f"第{issue.row}行" if issue.row else "文件"
        value = f"「{issue.value}」" if issue.value else ""
        click.echo(f"{issue.severity}  {where} {issue.column} {value} {issue.zh} / {issue.en} [{issue.code}]")
    more = sum(report.issue_counts.values()) - len(issues)
    if more:
        click.echo(f"另有 {more} 条未列出 / more were left off")
    for kind, count in report.counts.items():
        click.echo(
            f"{KINDS[kind]} {kind}: 新增 {count.new} new, 变更 {count.changed} changed, "
            f"未变 {count.unchanged} unchanged"
        )
    for kind, number in report.missing.items():
        click.echo(f"名册缺失{MISSING[kind]} {kind}: {number} missing")


def outcome(view: "ImportView") -> str:
    """How it ended, in a line."""
    from inspection.registry.imports.models import ImportStatus

    return {
        ImportStatus.APPLIED: "已导入 / imported",
        ImportStatus.CANCELLED: "检查通过，未导入；加 --yes 导入 / the check passed, nothing was imported; add --yes",
        ImportStatus.REFUSED: "有错误，未导入 / errors, nothing was imported",
        ImportStatus.CHECKED: "登记已有变动，请重新导入 / the register has changed meanwhile: import again",
    }.get(view.status, f"未完成 / not finished: {view.status} {view.id}")


@registry.command("imports")
@ESTATE
@json_option
@run_async
async def imports(estate: uuid.UUID | None, json_to: str | None) -> None:
    """导入记录 / The last imports of an estate."""
    import msgspec

    from inspection.registry.imports import queries
    from inspection.registry.imports.schemas import ImportView
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = await queries.of_estate(
            session, estate_id=estate or await only_estate(session), after=None, limit=MOST_SHOWN
        )
        views = [ImportView.of(row) for row in rows]
    if json_to is not None:
        write_json(msgspec.to_builtins(views), json_to)
        return
    for view in views:
        click.echo(
            f"{view.id}  {view.created_at:%Y-%m-%d %H:%M}Z  {view.status:9}  行 {view.rows_checked}/{view.rows_total}"
            f"  记录 {view.records_applied}/{view.records_total}  {view.name}"
        )


@registry.command("cancel")
@click.argument("import_id", type=click.UUID)
@run_async
async def cancel(import_id: uuid.UUID) -> None:
    """取消未完成的导入 / Cancels an import that is not finished."""
    from inspection.registry.imports import service
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await service.cancel(session, import_id=import_id, actor=Actor.system("cli"), now=house.clock.now())
    click.echo("已取消 / cancelled")


@registry.command("template")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def write_template(file: Path) -> None:
    """写出名册模板，扩展名决定格式 / Writes the template; the name's ending says CSV or XLSX."""
    from inspection.registry.exports.sheets import SheetForm
    from inspection.registry.exports.template import template

    file.write_bytes(template(SheetForm.CSV if file.suffix.lower() == ".csv" else SheetForm.XLSX))
    click.echo(f"已写出 / written: {file}")


@registry.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@ESTATE
@click.option("--purpose", required=True, help="access_control | welfare_check | tenancy_compliance")
@click.option("--reason", required=True, help="导出理由，记入审计 / why; it goes to the audit log.")
@click.option("--unmask", is_flag=True, help="完整号码 / whole ID numbers and telephones.")
@run_async
async def export(file: Path, estate: uuid.UUID | None, purpose: str, reason: str, unmask: bool) -> None:
    """导出名册，扩展名决定格式 / Writes the register in the form of the import; the name's ending says CSV or XLSX."""
    from inspection.registry.consents.models import Purpose
    from inspection.registry.exports.service import export_register
    from inspection.registry.exports.sheets import SheetForm
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    if purpose not in list(Purpose):
        raise click.UsageError(f"--purpose: {' | '.join(Purpose)}")
    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        made = await export_register(
            session, vault=house.vault, estate_id=estate or await only_estate(session),
            form=SheetForm.CSV if file.suffix.lower() == ".csv" else SheetForm.XLSX, unmask=unmask,
            purpose=Purpose(purpose), reason=reason, actor=Actor.system("cli"), now=house.clock.now(),
        )  # fmt: skip
    file.touch(mode=0o600)
    file.write_bytes(made.content)
    click.echo(f"已导出 {made.rows} 行 / rows exported: {file}")
    if made.left_off:
        click.echo(f"{made.left_off} 名成员没有身份证号，未列入 / members without an ID number were left off")
