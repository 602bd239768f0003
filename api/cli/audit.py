"""`ruhu audit`."""

import csv
import json
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import click

from api.cli.common import json_option, open_house, run_async, settings, write_json

SHANGHAI = ZoneInfo("Asia/Shanghai")
EXIT_WRONG, EXIT_UNCHECKED = 1, 2
PAGE = 500


@click.group()
def audit() -> None:
    """审计记录 / The audit log."""


@audit.command()
@click.option(
    "--heads", "heads_dir", type=click.Path(path_type=Path, exists=True, file_okay=False), default=None, metavar="DIR",
    help="另外保存的签名摘要副本 / a folder with copies of heads, as RUHU_AUDIT_HEADS_DIR keeps them.",
)  # fmt: skip
@click.option(
    "--public-key", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None, metavar="FILE",
    help="核验所用的公钥 / public keys to verify with, as `ruhu audit public-key` prints them.",
)  # fmt: skip
@json_option
@run_async
async def verify(heads_dir: Path | None, public_key: Path | None, json_to: str | None) -> None:
    """核验审计记录 / Proves the audit log, or names the first thing that is wrong with it.

    退出码 / exit code: 0 无误 / sound; 1 有误 / something is wrong; 2 未能核验 / it could not be checked.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from api.sealing import head_stores
    from storage.audit import report
    from storage.audit.keys import BadKey, public_file, read_public
    from storage.audit.verify import verify as check
    from storage.objects.store import FilesystemStore, StoreFailed

    async with open_house() as house:
        try:
            keys = read_public(public_key or public_file(house.settings.audit_key_file))
            found = await check(
                house.database, stores=head_stores(house), keys=keys, progress=show_progress,
                taken_away=[] if heads_dir is None else [FilesystemStore(heads_dir)],
            )  # fmt: skip
        except (OSError, BadKey, StoreFailed, SQLAlchemyError) as error:
            why = str(error) if isinstance(error, BadKey | StoreFailed) else type(error).__name__
            click.echo(f"未能核验 / could not be checked: {why}", err=True)
            sys.exit(EXIT_UNCHECKED)
    if json_to is not None:
        write_json(report.as_json(found), json_to)
    else:
        click.echo("\n".join(report.as_text(found)))
    if not found.sound:
        sys.exit(EXIT_WRONG)


def show_progress(links: int) -> None:
    """Says how far it is, on a terminal."""
    if sys.stderr.isatty():
        click.echo(f"\r{links}", nl=False, err=True)


@audit.command(name="public-key")
def print_public_key() -> None:
    """签名公钥 / Prints the public keys of the log. Keep a copy where no administrator can reach it."""
    from storage.audit.keys import BadKey, public_file, public_line, read_public

    path = public_file(settings().audit_key_file)
    try:
        keys = read_public(path)
    except (OSError, BadKey):
        click.echo(
            f"没有公钥 / no public key yet: {path.name}; 后台处理封存首批记录时生成 / the worker makes it", err=True
        )
        sys.exit(EXIT_UNCHECKED)
    click.echo("".join(public_line(public) for public in keys.values()), nl=False)


@audit.command()
@click.option("--reason", required=True, help="查询理由 / why; it goes into the log.")
@click.option("--actor", type=click.UUID, default=None, help="操作人 / who acted (user id).")
@click.option("--action", default=None, help="动作前缀 / how the action begins.")
@click.option("--object-kind", default=None, help="对象类型 / kind of object.")
@click.option("--object", "object_id", type=click.UUID, default=None, help="对象编号 / id of the object.")
@click.option("--person", type=click.UUID, default=None, help="涉及的人 / about this person.")
@click.option("--estate", type=click.UUID, default=None, help="小区 / estate.")
@click.option("--purpose", default=None, help="处理目的 / purpose.")
@click.option("--since", type=click.DateTime(), default=None, help="起（北京时间） / from, Shanghai time.")
@click.option("--until", type=click.DateTime(), default=None, help="止（不含） / before, Shanghai time.")
@click.option("--csv", "csv_to", default=None, metavar="FILE", help="写入 CSV 文件 / a table into FILE.")
@click.option(
    "--json", "json_to", is_flag=False, flag_value="-", default=None, metavar="[FILE]",
    help="每行一个 JSON；可指定文件 / JSON lines, to standard output or into FILE.",
)  # fmt: skip
@run_async
async def search(
    reason: str, actor: uuid.UUID | None, action: str | None, object_kind: str | None, object_id: uuid.UUID | None,
    person: uuid.UUID | None, estate: uuid.UUID | None, purpose: str | None, since: datetime | None,
    until: datetime | None, csv_to: str | None, json_to: str | None,
) -> None:  # fmt: skip
    """查询审计记录（查询留痕） / Searches the log, newest first; the search goes into the log too."""
    from storage.audit.search import Wanted

    wanted = Wanted(
        actor_user_id=actor, action=action, object_kind=object_kind, object_id=object_id, subject_id=person,
        estate_id=estate, purpose=purpose, since=since and since.replace(tzinfo=SHANGHAI),
        until=until and until.replace(tzinfo=SHANGHAI),
    )  # fmt: skip
    shown = 0
    async with open_house() as house:
        if json_to is not None:
            with click.open_file(json_to, "w", encoding="utf-8") as file:
                shown = await write_lines(pages(house, wanted, reason), file)
        elif csv_to is not None:
            with click.open_file(csv_to, "w", encoding="utf-8-sig") as file:
                shown = await write_csv(pages(house, wanted, reason), file)
        else:
            async for row in pages(house, wanted, reason):
                who = row["actor_user_id"] or row["actor_kind"]
                click.echo(f"{row['at']}  {row['action']:32} {who}  {row['reason'] or ''}")
                shown += 1
    click.echo(f"{shown} 条 / entries", err=True)


async def pages(house: Any, wanted: Any, reason: str) -> AsyncIterator[dict[str, Any]]:  # noqa: ANN401 - imported late
    """Everything that is found, page by page; every page is on record."""
    from api.routes.audit import item, logins_of
    from storage.audit.search import search as look
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    after: tuple[datetime, uuid.UUID] | None = None
    began = house.clock.now()
    while True:
        async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
            found = await look(
                session, wanted=wanted, after=after, limit=PAGE, reason=reason, actor=Actor.system("cli"), now=began
            )
            logins = await logins_of(session, found)
            rows = [plain(item(one, logins)) for one in found]
        for row in rows:
            yield row
        if len(found) < PAGE:
            return
        after = (found[-1].entry.at, found[-1].entry.id)


def plain(row: Any) -> dict[str, Any]:  # noqa: ANN401 - imported late
    """A row of simple values; the time is Shanghai's."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(row)
    return found | {"at": row.at.astimezone(SHANGHAI).isoformat()}


async def write_lines(rows: AsyncIterator[dict[str, Any]], file: IO[str]) -> int:
    """One JSON object on each line."""
    shown = 0
    async for row in rows:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
        shown += 1
    return shown


async def write_csv(rows: AsyncIterator[dict[str, Any]], file: IO[str]) -> int:
    """A table; no cell is read as a formula by the program that opens it."""
    shown = 0
    writer: Any = None
    async for row in rows:
        if writer is None:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
        writer.writerow({name: cell(value) for name, value in row.items()})
        shown += 1
    return shown


def cell(value: object) -> str:
    """A value as a cell."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
