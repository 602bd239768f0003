"""`ruhu registry`."""

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.common import EXIT_PROBLEM, json_option, open_house, run_async, write_json

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from inspection.registry.imports.report import Report

KINDS = {"units": "房源", "households": "住户", "people": "人员", "members": "成员", "leases": "合同"}


@click.group()
def registry() -> None:
    """住户登记 / The register."""


@registry.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--estate", type=click.UUID, default=None, help="小区编号；仅有一个小区时可省略 / estate id.")
@click.option("--apply", "apply_it", is_flag=True, help="正式导入；默认只试运行 / import; the default is a dry run.")
@click.option("--create-units", is_flag=True, help="允许新建房源 / make units that are new.")
@json_option
@run_async
async def import_file(
    file: Path, estate: uuid.UUID | None, apply_it: bool, create_units: bool, json_to: str | None
) -> None:
    """导入住户名册 CSV / Compares a CSV file with the register, and with --apply brings the register up to it."""
    import msgspec

    from inspection.registry.imports.errors import ImportRefused
    from inspection.registry.imports.report import Report
    from inspection.registry.imports.service import import_register
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    try:
        async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
            report = await import_register(
                session, vault=house.vault, estate_id=estate or await only_estate(session),
                content=file.read_bytes(), apply=apply_it, create_units=create_units, actor=Actor.system("cli"),
                now=house.clock.now(),
            )  # fmt: skip
    except ImportRefused as refused:
        report = msgspec.convert(refused.extra["report"], Report)
    if json_to is not None:
        write_json(msgspec.to_builtins(report), json_to)
    else:
        tell(report)
    if not report.acceptable:
        sys.exit(EXIT_PROBLEM)


async def only_estate(session: "AsyncSession") -> uuid.UUID:
    """The one estate there is; a usage error when there are none or several."""
    from inspection.registry.places import queries

    found = await queries.estates(session, text_filter=None, after=None, limit=2)
    if len(found) != 1:
        raise click.UsageError("请用 --estate 指定小区 / name the estate with --estate")
    return found[0].id


def tell(report: "Report") -> None:
    """The report as lines for a person."""
    for issue in report.issues:
        where = f"第{issue.row}行" if issue.row else "文件"
        value = f"「{issue.value}」" if issue.value else ""
        click.echo(f"{issue.severity}  {where} {issue.column} {value} {issue.zh} / {issue.en} [{issue.code}]")
    if report.issues_left_off:
        click.echo(f"另有 {report.issues_left_off} 条未列出 / more were left off")
    for kind, count in report.counts.items():
        click.echo(
            f"{KINDS[kind]} {kind}: 新增 {count.new} new, 变更 {count.changed} changed, "
            f"未变 {count.unchanged} unchanged"
        )
    if report.applied:
        click.echo("已导入 / imported")
    elif report.acceptable:
        click.echo("试运行通过，加 --apply 正式导入 / the dry run passed; add --apply to import")
    else:
        click.echo("有错误，未导入 / errors, nothing was imported")
