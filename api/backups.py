"""Backups, restores and drills as the command line and the worker run them."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import update

from api.erasure import Erasure
from api.house import House, clock_for, store_for
from api.upgrade import upgrade_urls
from inspection.users.models import RefreshFamily
from storage.audit.keys import BadKey, public_file, read_public
from storage.audit.queries import last_head
from storage.audit.report import as_text
from storage.audit.service import Actor
from storage.audit.verify import verify as verify_audit
from storage.backup import drill as drills
from storage.backup import restore as restores
from storage.backup import service
from storage.backup.copying import copy_back
from storage.backup.errors import RestoreFailed, RestoreRefused
from storage.backup.make import Made, Request, make_backup
from storage.backup.manifest import OBJECTS, PARTIAL, Manifest
from storage.backup.rotation import Kept, to_delete
from storage.backup.tools import find_tools
from storage.backup.verify import (
    complete_backups,
    mark_verified,
    read_objects,
    require_whole,
    was_verified,
)
from storage.database import Database, Role, SystemScope, urls_for
from storage.migrations import runner
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore, ObjectStore, StoreFailed
from storage.postgres.lease import acquire
from storage.settings import Settings
from storage.vault.crypto import SealBroken
from storage.vault.key_check import NAME as MASTER
from storage.vault.key_check import checks_in_use, vault_of
from storage.vault.service import Vault

SHANGHAI = ZoneInfo("Asia/Shanghai")
Say = Callable[[str], None]


def silent(_: str) -> None:
    """Says nothing."""


async def take(
    house: House, directory: Path, *, incremental: bool, actor: Actor, verify: bool = False, say: Say = silent
) -> Made:
    """Makes a backup, verifies it if asked, and notes it in the database (when that is at this release's schema)."""
    tools = find_tools(house.settings)
    checks = await asyncio.to_thread(checks_in_use, house.urls.by_role[Role.OWNER], house.vault)
    made = await asyncio.to_thread(
        make_backup,
        Request(
            owner_url=house.urls.by_role[Role.OWNER], tools=tools, store=house.objects.store,
            key_checks=checks, product_version=version("ruhu"), directory=directory,
            now=house.clock.now(), incremental=incremental, say=say,
        ),
    )  # fmt: skip
    verified_at: datetime | None = None
    if verify:
        await asyncio.to_thread(require_whole, made.directory, tools=tools, say=say)
        verified_at = house.clock.now()
        mark_verified(made.directory, digest=made.digest, now=verified_at)
    if made.manifest.revision == runner.newest():
        async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
            service.record_backup(
                session, made=made, finished_at=house.clock.now(), verified_at=verified_at, actor=actor
            )
    return made


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    database: str
    replaced: str | None
    epoch: int
    objects: int
    objects_new: int
    buried: int
    jobs_requeued: int
    erased_again: int
    ledger_damage: int


def require_key(manifest: Manifest, vault: Vault) -> None:
    """Refuses a backup that needs a master key that is not at hand."""
    at_hand = {value.hex() for value in vault.check_values.values()}
    if MASTER not in manifest.key_checks or not set(manifest.key_checks.values()) <= at_hand:
        raise RestoreRefused(
            "主密钥不符：该备份是用另一把主密钥写成的，请放回原来的密钥文件（RUHU_MASTER_KEY_FILE）",
            "The backup was written with another master key: put the right key file in place (RUHU_MASTER_KEY_FILE)",
        )


async def restore(
    settings: Settings, directory: Path, *, put_aside: bool, reason: str, actor: Actor, say: Say = silent
) -> Restored:
    """Restores a backup: checks everything first, then objects, database, upgrade, aftermath, ledger.

    Nothing serves the database until the last step; a restore that was stopped is run again. The master key is never
    made here. Raises `BackupDamaged`, `RestoreRefused` (nothing changed), `RestoreFailed`, `SettingsError`.
    """
    tools = find_tools(settings)
    say("检查备份 / checking the backup")
    checked = await asyncio.to_thread(require_whole, directory, tools=tools, say=say)
    manifest = checked.manifest
    vault = vault_of(settings)
    require_key(manifest, vault)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lease = await asyncio.to_thread(acquire, settings, say=say) if settings.database_url is None else None
    urls = urls_for(settings, lease)
    owner = urls.by_role[Role.OWNER]
    clock = clock_for(settings)
    database = Database(urls, pool_size=2)
    objects = Objects(store_for(settings), vault)
    try:
        target = await asyncio.to_thread(restores.look_at, owner)
        restores.refuse_newer(manifest, target)
        tools.check("pg_restore", max(manifest.server_version, target.server_version))
        if target.state is restores.State.USED and not put_aside:
            raise RestoreRefused(
                f"数据库 {target.name} 不为空；如要替换请加 --replace（原库改名保留）",
                f"The database {target.name} is not empty; with --replace it is renamed and kept",
            )
        if target.state is restores.State.USED and target.others:
            raise RestoreRefused(
                f"数据库 {target.name} 正在使用中：请先停止 serve 与 worker",
                f"The database {target.name} is in use by {target.others} connections: stop serve and worker first",
            )
        say("文件 / objects")
        entries = read_objects(directory, manifest)
        new = await asyncio.to_thread(copy_back, objects.store, entries, source=directory / OBJECTS, say=say)
        replaced: str | None = None
        if target.state is restores.State.USED:
            admins = (
                [lease.cluster.url("postgres", "postgres")]
                if lease is not None
                else [restores.on_database(url, "postgres") for url in (settings.database_url or owner, owner)]
            )
            replaced = await asyncio.to_thread(restores.set_aside, admins, name=target.name, now=clock.now())
            say(f"原库已改名保留 / the old database is kept as {replaced}")
        say("数据库 / database")
        await asyncio.to_thread(restores.prepare, owner, backup_id=manifest.backup_id)
        await asyncio.to_thread(restores.load_dump, owner, tools=tools, directory=directory)
        now = clock.now()
        await asyncio.to_thread(upgrade_urls, urls, vault, now=now)
        async with database.transaction(Role.OWNER, SystemScope()) as session:
            epoch = await service.begin_epoch(
                session, manifest=manifest, replaced_epoch=target.epoch, reason=reason, now=now, actor=actor,
                replaced=replaced,
            )  # fmt: skip
            buried = await service.bury_lost_objects(session, manifest=manifest, now=now)
            requeued = await service.requeue_jobs(session)
            await session.execute(
                update(RefreshFamily).where(RefreshFamily.ended_at.is_(None)).values(ended_at=now, ended_why="restore")
            )
        say("抹除台账 / erasure ledger")
        erasure = Erasure(database=database, settings=settings, clock=clock, vault=vault, objects=objects)
        replayed = await erasure.replay()
        for damage in replayed.damage:
            say(f"台账有损坏 / the ledger is damaged: {damage}")
        await asyncio.to_thread(restores.finish, owner)
    except StoreFailed as error:
        raise RestoreFailed(f"对象存储不可用：{error}", f"The object store failed: {error}") from error
    finally:
        await database.dispose()
        objects.close()
        if lease is not None:
            lease.release()
    return Restored(
        manifest=manifest, database=target.name, replaced=replaced, epoch=epoch, objects=len(entries),
        objects_new=new, buried=buried, jobs_requeued=requeued, erased_again=replayed.erased,
        ledger_damage=len(replayed.damage),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill found; no findings means the backup can be restored and read."""

    manifest: Manifest
    tables: int
    rows: int
    opened: int
    findings: list[str]


async def drill(
    settings: Settings, vault: Vault, directory: Path, *, sample: int, now: datetime, say: Say = silent
) -> Drilled:
    """Restores into a server of its own, compares every table, opens `sample` objects, upgrades; leaves nothing."""
    tools = find_tools(settings)
    checked = await asyncio.to_thread(require_whole, directory, tools=tools, say=say)
    manifest = checked.manifest
    vault = vault.fresh()  # what this backup's database tells of keys is not the running one's
    require_key(manifest, vault)
    server = drills.scratch_server(settings)
    urls = await asyncio.to_thread(server.__enter__)
    objects = Objects(FilesystemStore(directory / OBJECTS), vault)
    database = Database(urls, pool_size=1)
    try:
        owner = urls.by_role[Role.OWNER]
        restores.refuse_newer(manifest, restores.look_at(owner))
        say("恢复演练 / restoring on trial")
        await asyncio.to_thread(restores.prepare, owner, backup_id=manifest.backup_id)
        await asyncio.to_thread(restores.load_dump, owner, tools=tools, directory=directory)
        findings = await asyncio.to_thread(drills.compare, owner, manifest)
        findings += [f"object {i} was missing from the store when the backup was taken" for i in manifest.missing]
        await asyncio.to_thread(upgrade_urls, urls, vault, now=now)
        findings += await audit_findings(settings, database, FilesystemStore(directory / OBJECTS))
        async with database.transaction(Role.OWNER, SystemScope()) as session:
            await service.bury_lost_objects(session, manifest=manifest, now=now)
        opened = 0
        for object_id in await asyncio.to_thread(drills.some_objects, owner, sample):
            try:
                async with database.transaction(Role.SYSTEM, SystemScope()) as session:
                    await objects.get(session, object_id=object_id, now=now)
                opened += 1
            except (SealBroken, LookupError, OSError) as error:
                findings.append(f"object {object_id} does not open: {type(error).__name__}")
    finally:
        await database.dispose()
        objects.close()
        await asyncio.to_thread(server.__exit__, None, None, None)
    return Drilled(manifest, len(manifest.tables), sum(t.rows for t in manifest.tables.values()), opened, findings)


async def audit_findings(settings: Settings, database: Database, store: ObjectStore) -> list[str]:
    """What the verification of the restored audit log says; a log of which nothing was sealed yet says nothing."""
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        if await last_head(session) is None:
            return []
    try:
        keys = read_public(public_file(settings.audit_key_file))
    except (OSError, BadKey):
        return ["the audit log could not be verified: its public keys are not at hand"]
    report = await verify_audit(database, stores=[store], keys=keys)
    return [f"audit log: {line}" for line in as_text(report)] if report.faults else []


async def drill_and_note(house: House, directory: Path, *, sample: int, actor: Actor, say: Say = silent) -> Drilled:
    """Drills, and notes the result in the live database."""
    done = await drill(house.settings, house.vault, directory, sample=sample, now=house.clock.now(), say=say)
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        service.record_drill(
            session, backup_id=done.manifest.backup_id, opened=done.opened, findings=done.findings,
            now=house.clock.now(), actor=actor,
        )  # fmt: skip
    return done


def rotate(parent: Path, *, keep: int) -> list[str]:
    """Removes old backups of a folder; tells which."""
    kept = [
        Kept(directory.name, manifest.taken_at, was_verified(directory, digest))
        for directory, manifest, digest in complete_backups(parent)
    ]
    gone = to_delete(kept, keep=keep)
    for name in gone:
        # Renamed first: a removal that is interrupted leaves no folder that looks whole.
        doomed = parent / f"{name}{PARTIAL}"
        (parent / name).rename(doomed)
        shutil.rmtree(doomed)
    return gone


async def scheduled_backup(house: House) -> None:
    """The worker's daily backup into RUHU_BACKUP_DIR: made, verified, and older ones let go. Without it: nothing."""
    parent = house.settings.backup_dir
    if parent is None:
        return
    name = f"{house.clock.now().astimezone(SHANGHAI):%Y%m%d-%H%M%S}"
    await take(house, parent / name, incremental=True, actor=Actor.system("worker"), verify=True)
    await asyncio.to_thread(rotate, parent, keep=house.settings.backup_keep)


async def scheduled_drill(house: House) -> None:
    """The worker's drill with the newest backup, where RUHU_BACKUP_DRILL asks for it."""
    parent = house.settings.backup_dir
    if parent is None or not house.settings.backup_drill:
        return
    found = await asyncio.to_thread(complete_backups, parent)
    if found:
        newest = max(found, key=lambda f: f[1].taken_at)[0]
        await drill_and_note(house, newest, sample=50, actor=Actor.system("worker"))


def into(settings: Settings, url: str | None) -> Settings:
    """The settings with another target database."""
    return settings if url is None else replace(settings, database_url=url, role_urls=())


def made_json(made: Made) -> dict[str, Any]:
    """A finished backup as JSON."""
    manifest = made.manifest
    return {
        "backup_id": str(manifest.backup_id), "directory": str(made.directory),
        "taken_at": manifest.taken_at.isoformat(), "revision": manifest.revision, "epoch": manifest.epoch,
        "manifest_sha256": made.digest, "tables": len(manifest.tables),
        "rows": sum(t.rows for t in manifest.tables.values()), "objects": manifest.objects,
        "object_bytes": manifest.object_bytes, "linked": made.linked, "dump_bytes": manifest.dump.size,
        "destroyed_meanwhile": [str(i) for i in manifest.destroyed_meanwhile],
        "missing": [str(i) for i in manifest.missing],
    }  # fmt: skip
