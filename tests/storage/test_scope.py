"""Row-level security: no scope, no rows; the serving roles own nothing and bypass nothing."""

import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from inspection.registry.households.models import Person
from inspection.registry.places.models import Estate
from inspection.users.models import ScopeLevel, UserRole
from storage.database import Database, EstateScope, Role, SystemScope, UserScope
from storage.vault.service import Vault
from tests.factories import make_user, make_world

NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def estates_seen(database: Database, role: Role, scope: EstateScope | SystemScope | UserScope) -> set[uuid.UUID]:
    async with database.transaction(role, scope) as session:
        return set(await session.scalars(select(Estate.id)))


@pytest.mark.asvs("v5.0.0-8.4.1")
async def test_no_scope_shows_no_rows(database: Database, vault: Vault) -> None:
    await make_world(database, vault, now=NOW)
    for role in (Role.OWNER, Role.APP, Role.SYSTEM):
        async with database.transaction(role, EstateScope(())) as session:
            assert await session.scalar(select(func.count()).select_from(Person)) == 0


async def test_the_system_scope_opens_nothing_for_the_serving_role(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW)
    assert await estates_seen(database, Role.APP, SystemScope()) == set()
    assert world.estate_id in await estates_seen(database, Role.SYSTEM, SystemScope())


async def test_the_owner_in_the_systems_scope_sees_every_scoped_table(database: Database) -> None:
    """A backup is taken as the owner: a table whose rows it cannot see would be missing in it."""
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        blind = await session.scalars(
            text(
                "SELECT c.relname FROM pg_class c WHERE c.relforcerowsecurity AND NOT EXISTS ("
                "SELECT 1 FROM pg_policies p WHERE p.tablename = c.relname AND p.permissive = 'PERMISSIVE'"
                " AND p.cmd IN ('ALL', 'SELECT') AND (p.roles && ARRAY['ruhu_owner', 'public']::name[]))"
            )
        )
    assert list(blind) == []


@pytest.mark.parametrize(
    ("level", "length"), [(ScopeLevel.DISTRICT, 6), (ScopeLevel.STREET, 9), (ScopeLevel.COMMUNITY, 12)]
)
@pytest.mark.asvs("v5.0.0-8.2.2")
async def test_a_grant_covers_its_division_and_its_role_only(
    database: Database, vault: Vault, level: ScopeLevel, length: int
) -> None:
    code = f"99{uuid.uuid4().int % 10**10:010}"
    inside = await make_world(database, vault, now=NOW, division_code=code, flats=1)
    changed = str((int(code[length - 1]) + 1) % 10)
    outside = await make_world(
        database, vault, now=NOW, division_code=code[: length - 1] + changed + code[length:], flats=1
    )
    user = await make_user(database, now=NOW, role=UserRole.MANAGER, level=level, code=code[:length])
    seen = await estates_seen(database, Role.APP, UserScope(user, frozenset({UserRole.MANAGER})))
    assert inside.estate_id in seen
    assert outside.estate_id not in seen
    assert await estates_seen(database, Role.APP, UserScope(user, frozenset({UserRole.INSPECTOR}))) == set()


@pytest.mark.asvs("v5.0.0-8.3.1")
async def test_rows_cannot_be_written_into_a_foreign_estate(database: Database, vault: Vault) -> None:
    mine = await make_world(database, vault, now=NOW, flats=1)
    theirs = await make_world(database, vault, now=NOW, flats=1)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction(Role.APP, mine.scope) as session:
            session.add(Person(estate_id=theirs.estate_id, name="外人", created_at=NOW))


@pytest.mark.asvs("v5.0.0-13.2.2")
async def test_serving_roles_own_nothing_and_bypass_nothing(database: Database) -> None:
    async with database.transaction(Role.OWNER, EstateScope(())) as session:
        roles = await session.execute(
            text(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
                "WHERE rolname IN ('ruhu_app', 'ruhu_intake', 'ruhu_system')"
            )
        )
        found = roles.all()
        owned = await session.scalar(
            text(
                "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner "
                "WHERE r.rolname IN ('ruhu_app', 'ruhu_intake', 'ruhu_system')"
            )
        )
        unprotected = await session.scalars(
            text(
                "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                "AND a.attname = 'estate_id' AND NOT a.attisdropped "
                "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace "
                "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
            )
        )
        names = set(unprotected)
    assert len(found) == 3
    assert not any(any(flags) for _, *flags in found)
    assert owned == 0
    assert names == set()


async def test_partitions_are_out_of_reach(database: Database) -> None:
    for role in (Role.APP, Role.INTAKE, Role.SYSTEM):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.transaction(role, EstateScope(())) as session:
                await session.execute(text("SELECT 1 FROM raw_delivery_default"))


@pytest.mark.parametrize(
    "table",
    ["visit", "finding", "violation_case", "case_step", "case_evidence", "evidence_review", "measure", "service"],
)
async def test_the_worker_writes_nothing_that_people_decide(database: Database, table: str) -> None:
    """A machine never decides: its database role cannot write a step, whatever the code does."""
    for statement in (f"INSERT INTO {table} DEFAULT VALUES", f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):  # noqa: S608
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.transaction(Role.SYSTEM, SystemScope()) as session:
                await session.execute(text(statement))


@pytest.mark.parametrize("table", ["audit_entry", "case_step", "check_in", "photo", "finding", "case_evidence"])
@pytest.mark.asvs("v5.0.0-16.4.2")
async def test_records_cannot_be_changed_or_deleted(database: Database, table: str) -> None:
    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):  # noqa: S608 - fixed names
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.transaction(Role.APP, EstateScope(())) as session:
                await session.execute(text(statement))
