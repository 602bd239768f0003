"""`ruhu db`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from api.cli.common import EXIT_SETTINGS, fail_settings, json_option, open_house, run_async, settings, write_json
from storage.settings import SettingsError

EXIT_FAULTS = 2
FOLDER = click.Path(file_okay=False, path_type=Path)
EXISTING = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def db() -> None:
    """数据库 / The database."""


@db.command()
@run_async
async def upgrade() -> None:
    """升级到当前版本 / Brings the database to this release's schema; harmless when it is there."""
    async with open_house() as house:
        from storage.migrations.runner import newest

        click.echo(f"{newest()} {house.settings.database_name}")


def progress(text: str) -> None:
    """Says how far it is, on standard error."""
    click.echo(text, err=True)


async def house_as_it_is() -> Any:  # noqa: ANN401 - a House, imported lazily
    """The house without an upgrade: a backup before an upgrade must not bring the upgrade about."""
    from api.house import open_house as open_it

    try:
        return await asyncio.to_thread(open_it, settings(), say=progress)
    except SettingsError as error:
        fail_settings(error)


def actor() -> Any:  # noqa: ANN401 - an Actor, imported lazily
    """Whoever sits at the command line."""
    from storage.audit.service import Actor

    return Actor.system("cli")


@db.command()
@click.argument("directory", type=FOLDER)
@click.option(
    "--incremental-objects", is_flag=True,
    help="与同级最近备份相同的文件以硬链接保存 / link objects that the newest backup beside DIRECTORY holds.",
)  # fmt: skip
@click.option("--verify", is_flag=True, help="完成后立即校验 / verify it when it is made.")
@json_option
@run_async
async def backup(directory: Path, incremental_objects: bool, verify: bool, json_to: str | None) -> None:
    """备份数据库与文件 / Backs up database and objects into a new folder DIRECTORY, while the system runs.

    The master key, the key that signs the audit log and the erasure ledger are not in it: keep them elsewhere.
    Exit code 2: the backup is good, but bytes of some objects were missing from the object store already.
    """
    from api.backups import made_json, take

    house = await house_as_it_is()
    try:
        made = await take(
            house, directory, incremental=incremental_objects, verify=verify, actor=actor(), say=progress
        )  # fmt: skip
    finally:
        await house.close()
    body = made_json(made)
    if json_to is not None:
        write_json(body, json_to)
    else:
        click.echo(f"备份完成 / backed up: {made.directory}")
        click.echo(f"  表 / tables {body['tables']}，行 / rows {body['rows']}，文件 / objects {body['objects']}")
    if made.manifest.missing:
        click.echo(f"存储中缺失的文件 / objects missing from the store: {len(made.manifest.missing)}", err=True)
        sys.exit(EXIT_FAULTS)


@db.command("verify-backup")
@click.argument("directory", type=EXISTING)
@json_option
@run_async
async def verify_backup(directory: Path, json_to: str | None) -> None:
    """校验备份 / Checks every byte of a backup against its manifest; needs neither database nor key.

    Exit code 2 when something is damaged or missing; each fault is named.
    """
    from storage.backup.tools import find_tools
    from storage.backup.verify import verify

    found = await asyncio.to_thread(verify, directory, tools=find_tools(settings()), say=progress)
    body = {
        "backup_id": str(found.manifest.backup_id), "taken_at": found.manifest.taken_at.isoformat(),
        "manifest_sha256": found.digest, "objects": found.objects, "faults": found.faults,
        "key_checks": found.manifest.key_checks,
    }  # fmt: skip
    if json_to is not None:
        write_json(body, json_to)
    else:
        click.echo("备份完好 / the backup is whole" if not found.faults else "备份有损坏 / the backup is damaged")
    for fault in found.faults:
        click.echo(f"  {fault}", err=True)
    sys.exit(EXIT_FAULTS if found.faults else 0)


@db.command()
@click.argument("directory", type=EXISTING)
@click.option("--yes", is_flag=True, help="不再询问 / do not ask.")
@click.option("--into", "into_url", default=None, metavar="URL", help="目标数据库 / target instead of DATABASE_URL.")
@click.option(
    "--replace", "put_aside", is_flag=True, help="原库改名保留 / rename and keep a database that is not empty."
)
@click.option("--reason", default="restore", show_default=True, help="记入审计的原因 / why, for the audit log.")
@json_option
@run_async
async def restore(
    directory: Path, yes: bool, into_url: str | None, put_aside: bool, reason: str, json_to: str | None
) -> None:
    """恢复备份 / Restores a backup: into an empty database, or in place of one that is kept under another name.

    Everything is checked before anything is changed, the master key too. An interrupted restore is run again; until
    then nothing is served. Everybody has to sign in again afterwards.
    """
    from api.backups import into, restore

    if not yes:
        click.confirm("确定恢复？ / Restore?", abort=True, err=True)
    try:
        done = await restore(
            into(settings(), into_url), directory, put_aside=put_aside, reason=reason, actor=actor(), say=progress
        )
    except SettingsError as error:
        for sentence in error.problems:
            click.echo(f"设置有误 / settings: {sentence}", err=True)
        sys.exit(EXIT_SETTINGS)
    body = {
        "backup_id": str(done.manifest.backup_id), "taken_at": done.manifest.taken_at.isoformat(),
        "database": done.database, "kept_as": done.replaced, "epoch": done.epoch, "objects": done.objects,
        "objects_new": done.objects_new, "objects_buried": done.buried, "jobs_requeued": done.jobs_requeued,
        "erased_again": done.erased_again, "ledger_damage": done.ledger_damage,
    }  # fmt: skip
    if json_to is not None:
        write_json(body, json_to)
        return
    if done.erased_again:
        click.echo(f"已再次抹除 / people erased again: {done.erased_again}")
    click.echo(f"恢复完成 / restored: {done.database}, {done.manifest.taken_at.isoformat()}")
    if done.replaced is not None:
        click.echo(f"原库保留为 / the old database is kept as {done.replaced}")


@db.command()
@click.argument("directory", type=EXISTING)
@click.option("--objects", "sample", type=click.IntRange(0), default=50, show_default=True,
              help="随机打开的文件数 / objects to open at random.")  # fmt: skip
@json_option
@run_async
async def drill(directory: Path, sample: int, json_to: str | None) -> None:
    """恢复演练 / Restores on trial into a server of its own, compares every table, opens objects, leaves nothing.

    The live data is not touched; the result is noted in it. Exit code 2 when something was not as it should be.
    """
    from api.backups import drill_and_note

    async with open_house() as house:
        done = await drill_and_note(house, directory, sample=sample, actor=actor(), say=progress)
    body = {
        "backup_id": str(done.manifest.backup_id), "taken_at": done.manifest.taken_at.isoformat(),
        "passed": not done.findings, "tables": done.tables, "rows": done.rows, "objects_opened": done.opened,
        "findings": done.findings,
    }  # fmt: skip
    if json_to is not None:
        write_json(body, json_to)
    else:
        click.echo("演练通过 / the drill passed" if not done.findings else "演练未通过 / the drill failed")
    for finding in done.findings:
        click.echo(f"  {finding}", err=True)
    sys.exit(EXIT_FAULTS if done.findings else 0)
