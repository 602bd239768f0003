"""An installation for tests of backups: an own database on the test cluster reached by DATABASE_URL, own objects,
own key; and the means to make another one to restore into."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from api.backups import Restored, restore, take
from api.house import House, open_house
from api.upgrade import upgrade
from storage.audit.service import Actor
from storage.backup.make import Made
from storage.database import EstateScope, Role, SystemScope
from storage.objects.models import StoredObject
from storage.postgres.lease import Lease, create_database
from storage.settings import Settings, load
from tests.conftest import ROOT, clone
from tests.factories import World, make_world

OPERATOR = Actor.system("test")


@dataclass
class Site:
    """A place where an installation is or may be: settings over a database of the test cluster."""

    cluster: Lease
    settings: Settings
    database: str

    @property
    def environment(self) -> dict[str, str]:
        """The same settings for a process."""
        return {
            "RUHU_DATA": str(self.settings.data_dir),
            "RUHU_MASTER_KEY_FILE": str(self.settings.master_key_file),
            "RUHU_CACHE": str(ROOT / ".cache"),
            "RUHU_POSTGRES_DURABLE": "0",
            "DATABASE_URL": str(self.settings.database_url),
        }

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """The house, opened as every process does."""
        house = open_house(self.settings, pool_size=4)
        try:
            upgrade(house)
            yield house
        finally:
            await house.close()

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Asks the database as superuser, past every policy."""
        with psycopg.connect(self.cluster.cluster.url("postgres", self.database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def count(self, table: str) -> int:
        """Rows of a table."""
        with psycopg.connect(self.cluster.cluster.url("postgres", self.database)) as connection:
            row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        return int(row[0]) if row else 0


def site(cluster: Lease, folder: Path, *, key: Path | None = None, template: str | None = None) -> Site:
    """A site with an empty database, or with one at this release's schema."""
    name = f"site_{uuid.uuid4().hex[:10]}"
    if template is not None:
        clone(cluster, template, name)
    else:
        with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
            create_database(connection, name)
    settings = load(
        {
            "RUHU_DATA": str(folder / "data"),
            "RUHU_CACHE": str(ROOT / ".cache"),
            "DATABASE_URL": cluster.cluster.url("postgres", name),
            "RUHU_POSTGRES_DURABLE": "0",
            **({"RUHU_MASTER_KEY_FILE": str(key)} if key is not None else {}),
        }
    )
    return Site(cluster, settings, name)


def drop(found: Site) -> None:
    """Removes the databases of a site, those that a restore put aside too."""
    with psycopg.connect(found.cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
        for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (
            f"{found.database}%",
        )).fetchall():  # fmt: skip
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def furnish(house: House, *, photos: int = 5) -> tuple[World, list[uuid.UUID]]:
    """An estate with people and some encrypted objects."""
    world = await make_world(house.database, house.vault, now=house.clock.now(), flats=2)
    return world, [await add_photo(house, world, f"photo {n}".encode()) for n in range(photos)]


async def add_photo(house: House, world: World, data: bytes) -> uuid.UUID:
    """One encrypted object, committed."""
    async with house.database.transaction(Role.APP, world.scope) as session:
        row = await house.objects.put(
            session, data=data, kind="test-photo", content_type="image/jpeg", estate_id=world.estate_id,
            now=house.clock.now(),
        )  # fmt: skip
    return row.id


async def read_photo(house: House, estate_id: uuid.UUID, object_id: uuid.UUID) -> bytes:
    """The plain bytes of an object."""
    async with house.database.transaction(Role.APP, EstateScope((estate_id,))) as session:
        return await house.objects.get(session, object_id=object_id, now=house.clock.now())


async def unreadable(house: House) -> list[uuid.UUID]:
    """Objects whose rows promise bytes that cannot be had."""
    bad = []
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        from sqlalchemy import select

        for object_id in await session.scalars(select(StoredObject.id).where(StoredObject.destroyed_at.is_(None))):
            try:
                await house.objects.get(session, object_id=object_id, now=house.clock.now())
            except Exception:  # noqa: BLE001 - whatever it is, the object is not there
                bad.append(object_id)
    return bad


async def back_up(house: House, directory: Path, **options: bool) -> Made:
    """A backup, by default a full one that is not verified."""
    return await take(house, directory, incremental=options.pop("incremental", False), actor=OPERATOR, **options)


async def put_back(target: Site, directory: Path, *, replace_old: bool = False) -> Restored:
    """A restore."""
    return await restore(target.settings, directory, put_aside=replace_old, reason="a test", actor=OPERATOR)


def with_backups(found: Site, parent: Path, *, keep: int, drill: bool = False) -> Site:
    """The site with a backup schedule."""
    return replace(found, settings=replace(found.settings, backup_dir=parent, backup_keep=keep, backup_drill=drill))


def start_ruhu(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """`ruhu` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | environment,
    )  # fmt: skip


def ruhu(*arguments: str, **environment: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON of standard output (empty without), standard error."""
    process = start_ruhu(*arguments, **environment)
    out, err = process.communicate(timeout=240)
    return process.returncode, json.loads(out) if out.startswith("{") else {}, err
