"""An installation of the previous release, seeded in all its main tables, upgraded: nothing lost, and it works."""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from sqlalchemy import select, text

from api.app import make_app
from api.context import Context
from api.house import House
from api.upgrade import upgrade_urls
from api.wiring import make_ports
from api.worker import Worker
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.enrolment.templates import open_vector, template_place
from inspection.registry.households.models import Person
from inspection.registry.households.papers import ID_NUMBER, opened, place
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls, Role, SystemScope, urls_for
from storage.migrations import runner
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.postgres.lease import Lease, create_database
from storage.settings import Settings
from storage.vault.service import Vault
from tests.conftest import START
from tests.fakes import StillEngine

SEED = (Path(__file__).parent / "seed_0006.sql").read_text()
NAME = "test_upgrade_seeded"
ESTATE, TENANT, PHOTO, VISIT, CASE = (
    uuid.UUID(f"01950000-0000-7000-8000-{number:012x}") for number in (0x1, 0x7, 0x17, 0x18, 0x1B)
)
TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
 AND relnamespace = 'public'::regnamespace AND relname NOT IN ('alembic_version', 'procrastinate_events') ORDER BY 1
"""
# What a migration moves elsewhere or works out anew, by table: said here, so that nothing else can change unseen.
MOVED = {
    "app_user": {"failed_logins", "locked_until"},  # tries are counted by account and by address
    "audit_entry": {"payload", "reason"},  # into audit_payload, where they can be erased
}


def content(cluster: Lease) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as JSON."""
    with psycopg.connect(cluster.cluster.url("postgres", NAME)) as connection:
        return {
            str(table): [
                row
                for (row,) in connection.execute(
                    sql.SQL("SELECT to_jsonb(t) FROM {} t").format(sql.Identifier(str(table)))
                )
            ]
            for (table,) in connection.execute(TABLES).fetchall()
        }


@pytest.fixture(scope="module")
def urls(cluster: Lease, test_settings: Settings) -> Iterator[DatabaseUrls]:
    """A seeded database of schema 0006."""
    found = urls_for(replace(test_settings, database_name=NAME), cluster)
    with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(NAME)))
        create_database(connection, NAME)
        assert runner.upgrade(found, "0006")[1] == "0006"
        with psycopg.connect(found.by_role[Role.OWNER]) as seeding:
            seeding.execute("SELECT set_config('ruhu.scope', 'system', true)")
            seeding.execute(SEED.encode())
        yield found
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(NAME)))


@pytest.fixture(scope="module")
def upgraded(
    cluster: Lease, urls: DatabaseUrls, vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]]]:
    """The content before and after."""
    clock = SimulatedClock(tmp_path_factory.mktemp("upgrade") / "clock.json", start=START)
    before = content(cluster)
    assert upgrade_urls(urls, vault, now=clock.now()) == ("0006", runner.newest())
    return before, content(cluster)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(
    upgraded: object, urls: DatabaseUrls, vault: Vault, test_settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[House]:  # fmt: skip
    """The upgraded installation, with the object that its store held."""
    folder = tmp_path_factory.mktemp("upgraded")
    clock = SimulatedClock(folder / "clock.json", start=START)
    key, ciphertext = [line.split()[-1] for line in SEED.splitlines()[3:5]]
    store = FilesystemStore(folder / "objects")
    store.put(key, bytes.fromhex(ciphertext))
    database, objects = Database(urls, pool_size=3), Objects(store, vault)
    yield House(replace(test_settings, data_dir=folder), clock, urls, database, vault, objects, None)
    await database.dispose()
    objects.close()


def test_every_seeded_row_is_there_unchanged(
    upgraded: tuple[dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]]],
) -> None:
    before, after = upgraded
    assert [name for name, rows in before.items() if not rows and not name.startswith("procrastinate")] == []
    changed = []
    for table, rows in before.items():
        moved = MOVED.get(table, set())
        for row in rows:
            kept = {name: value for name, value in row.items() if name not in moved}
            if not any(kept == {name: found.get(name) for name in kept} for found in after[table]):
                changed.append((table, row))
    assert changed == []
    assert "种子原因" in str(after["audit_payload"])
    assert '"number": "1"' in str(after["audit_payload"]) or "'number': '1'" in str(after["audit_payload"])


async def test_what_was_sealed_still_opens(house: House) -> None:
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        key = await house.vault.subject_key(session, estate_id=ESTATE, subject_id=TENANT, now=house.clock.now())
        person = await session.get_one(Person, TENANT)
        assert person.id_number_sealed is not None
        assert opened(key, person.id_number_sealed, place(ESTATE, TENANT, ID_NUMBER)) == "999999198001010018"
        template = await session.scalar(select(FaceTemplate))
        assert template is not None
        assert template.sealed is not None
        where = template_place(estate_id=ESTATE, person_id=TENANT, engine="sface", template_id=template.id)
        assert open_vector(key, template.sealed, place=where).shape == (128,)


async def test_people_sign_in_and_see_their_work(house: House) -> None:
    context = Context(
        settings=house.settings, clock=house.clock, database=house.database, vault=house.vault, objects=house.objects,
        ports=make_ports(), engine=StillEngine(),
    )  # fmt: skip
    transport = httpx.ASGITransport(make_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://ruhu") as client:
        signed_in = await client.post(
            "/api/v1/session", json={"login": "seed-manager", "password": "seeded-password-2026"}
        )
        assert signed_in.status_code == 200, signed_in.text
        client.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"
        for path, expected in {
            "/api/v1/cases": "种子-2026-0001",
            f"/api/v1/cases/{CASE}": "种子-2026-0001",
            f"/api/v1/estates/{ESTATE}/households": "SH001",
            "/api/v1/leads": "种子线索",
            f"/api/v1/visits/{VISIT}": str(PHOTO),
        }.items():
            answer = await client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert expected in answer.text, path
        photo = await client.get(
            f"/api/v1/visits/{VISIT}/photos/{PHOTO}", params={"purpose": "tenancy_compliance", "reason": "核对照片"}
        )
        assert (photo.status_code, photo.content) == (200, b"seeded photograph")


async def test_the_worker_goes_on_with_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.worker.make_engine", lambda _: StillEngine())
    worker = Worker(house)
    for task in worker.tasks().values():
        async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
            await task(session)
    await worker.evaluate()
    async with worker.app.open_async():
        await worker.app.run_worker_async(wait=False, install_signal_handlers=False, delete_jobs="successful")
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        left = await session.scalars(text("SELECT task_name FROM procrastinate_jobs WHERE status = 'failed'"))
        assert list(left) == []
        seeded = await session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE lock = 'seed'"))
    assert seeded == 0
