"""Retention and holds as users meet them; and after enough years nothing of a furnished estate is left to find."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text, update

from api.retention import retention_plan
from gate_integration.devices.models import Credential, DevicePerson
from gate_integration.intake.models import DeliveryProblem, EventKey, PassEvent, RawDelivery, RawPending
from gate_integration.occupancy.models import Discrepancy
from gate_integration.sightings.models import Pseudonym, Sighting
from inspection.cases.models import Case, CaseEvidence, CaseStep, Deadline, EvidenceReview, Measure, Representation
from inspection.cases.models import Service as Served
from inspection.leads.models import Lead, LeadStatus
from inspection.leads.retention import GONE_ZH
from inspection.registry.households.models import HouseholdMember, Person
from inspection.users.models import ScopeLevel, UserRole
from inspection.visits.models import CheckIn, Finding, OccupantMet, Photo, Visit, VisitStatus
from storage.audit.service import Actor
from storage.database import Database, Role, SystemScope
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.retention.classes import Tools
from storage.retention.run import run_all
from storage.vault.service import Vault
from tests.api.conftest import Server
from tests.api.furnished import furnish
from tests.factories import World, make_world

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
ACTOR = Actor.system("test")
GONE = (
    PassEvent, Sighting, EventKey, RawDelivery, RawPending, DeliveryProblem, Discrepancy, Credential, DevicePerson,
    Case, CaseStep, CaseEvidence, EvidenceReview, Measure, Served, Representation, Deadline, Visit, CheckIn, Photo,
    OccupantMet, Finding,
)  # fmt: skip


async def close_everything(database: Database, world: World, server: Server) -> None:
    """What was open ends today."""
    now, day = server.clock.now(), server.clock.now().date()
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        for table, values in (
            (Case, {"closed_at": now, "state": "closed"}),
            (Visit, {"status": VisitStatus.DONE, "done_at": now}),
            (Discrepancy, {"cleared_at": now}),
            (Credential, {"withdrawn_at": now}),
            (DevicePerson, {"removed_at": now}),
            (HouseholdMember, {"valid_to": day}),
            (Person, {"phone_index": b"index"}),
        ):
            await session.execute(
                update(table).where(table.estate_id == world.estate_id).values(**values)  # type: ignore[attr-defined]
            )
        # As the import itself stores its file: with a date of its own.
        await session.execute(
            update(StoredObject)
            .where(StoredObject.estate_id == world.estate_id, StoredObject.kind == "registry-import")
            .values(expires_at=now)
        )
        cases = select(Case.lead_id).where(Case.estate_id == world.estate_id)
        of_world = update(Lead).where(Lead.estate_id == world.estate_id)
        await session.execute(of_world.where(Lead.id.in_(cases)).values(status=LeadStatus.SETTLED))
        await session.execute(
            of_world.where(Lead.id.not_in(cases)).values(
                status=LeadStatus.DISMISSED, decided_at=now, decision_reason="查无此事"
            )
        )


async def test_when_all_periods_have_passed_nothing_is_left(
    server: Server, database: Database, vault: Vault, objects: Objects
) -> None:
    now = server.clock.now()
    world = await make_world(database, vault, now=now, division_code="999941001001")
    await furnish(database, world, now=now, vault=vault, objects=objects)
    await close_everything(database, world, server)
    plan = retention_plan(objects)

    async def at(days: int) -> dict[str, Any]:
        runs = await run_all(
            database, plan=plan, tools=Tools(vault, objects), now=now + timedelta(days=days), actor=ACTOR
        )
        assert [(run.class_code, run.error, run.remaining) for run in runs if run.error or run.remaining] == []
        assert [run.class_code for run in runs] == [one.described.code for one in plan.classes]
        return {run.class_code: run for run in runs}

    async def left(table: Any) -> int:
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            column = table.estate_id
            return len((await session.execute(select(column).where(column == world.estate_id))).all())

    await at(0)
    assert [table.__name__ for table in GONE if not await left(table)] == ["EventKey"]
    early = await at(730)
    assert early["cases"].rows == 0
    assert await left(Case) == 2
    late = await at(731)
    assert late["cases"].rows > 10
    assert {table.__name__: await left(table) for table in GONE} == {table.__name__: 0 for table in GONE}
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = (await session.scalars(select(StoredObject).where(StoredObject.estate_id == world.estate_id))).all()
        assert rows
        assert [row.kind for row in rows if row.wrapped_key is not None or row.bytes_deleted_at is None] == []
        leads = (await session.scalars(select(Lead).where(Lead.estate_id == world.estate_id))).all()
        assert {(lead.summary_zh, lead.decision_reason) for lead in leads} == {(GONE_ZH, None)}
        people = await session.scalars(select(Person.phone_index).where(Person.estate_id == world.estate_id))
        # Whoever is a guest or worker of later days, or somebody's guardian, keeps the phone.
        assert {index for index in people} <= {None, b"index"}  # noqa: C416 - a set
        forgotten = await session.scalars(select(Pseudonym.forgotten_at).where(Pseudonym.estate_id == world.estate_id))
        assert all(forgotten)
    stored = set(objects.store.keys(""))
    assert not {str(row.id) for row in rows} & stored


async def test_an_open_case_is_refused_by_the_database_itself(
    server: Server, database: Database, vault: Vault, objects: Objects
) -> None:
    now = server.clock.now()
    world = await make_world(database, vault, now=now, division_code="999942001001")
    known = await furnish(database, world, now=now, vault=vault, objects=objects)
    for statement in (
        f"SELECT ruhu_destroy_cases(ARRAY['{known['case_id']}'::uuid])",
        f"SELECT ruhu_destroy_visits(ARRAY['{known['visit_id']}'::uuid])",
    ):
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            with pytest.raises(Exception, match="open"):
                await session.execute(text(statement))


async def test_a_hold_from_request_to_release(
    server: Server, database: Database, vault: Vault, sign_in: SignIn
) -> None:
    now = server.clock.now()
    world = await make_world(database, vault, now=now)
    place = {"level": ScopeLevel.ESTATE, "code": str(world.estate_id)}
    first, second = await sign_in(UserRole.MANAGER, **place), await sign_in(UserRole.ADMINISTRATOR, **place)
    auditor = await sign_in(UserRole.AUDITOR, **place)
    assert (await auditor.get("/api/v1/holds")).json() == {"items": [], "next_cursor": None}
    body = {"scope_kind": "household", "scope_id": str(world.households[0]), "legal_basis": "行政处罚法 46",
            "reason": "法院调取证据", "until": (now + timedelta(days=10)).isoformat()}  # fmt: skip
    for wrong, code in (
        ({"until": (now + timedelta(days=400)).isoformat()}, "hold-too-long"),
        ({"scope_id": str(uuid.uuid4())}, "hold-thing-not-found"),
    ):
        refused = (await first.post("/api/v1/holds", json=body | wrong)).json()
        assert refused["code"] == code
        assert refused["title_zh"]
    assert (await auditor.post("/api/v1/holds", json=body)).status_code == 403
    made = await first.post("/api/v1/holds", json=body)
    assert made.status_code == 201, made.text
    path = f"/api/v1/holds/{made.json()['id']}"
    assert (await first.post(f"{path}/approval")).json()["code"] == "second-person-needed"
    assert (await second.post(f"{path}/approval")).json()["state"] == "in_force"
    assert (await second.post(f"{path}/approval")).json()["code"] == "hold-not-open"
    assert [one["id"] for one in (await auditor.get("/api/v1/holds/expiring")).json()["items"]] == [made.json()["id"]]
    longer = await first.post(
        f"{path}/prolongation", json={"reason": "审理延期", "until": (now + timedelta(days=60)).isoformat()}
    )
    assert (longer.status_code, longer.json()["state"], longer.json()["prolongs_id"]) == (
        201, "requested", made.json()["id"],
    )  # fmt: skip
    pages = [(await auditor.get("/api/v1/holds", params={"limit": 1})).json()]
    pages.append((await auditor.get("/api/v1/holds", params={"limit": 1, "cursor": pages[0]["next_cursor"]})).json())
    assert [page["items"][0]["id"] for page in pages] == [longer.json()["id"], made.json()["id"]]
    assert pages[1]["next_cursor"] is None
    in_force = (await auditor.get("/api/v1/holds", params={"status": "in_force"})).json()["items"]
    assert [one["id"] for one in in_force] == [made.json()["id"]]
    released = await second.post(f"{path}/release", json={"reason": "案件已审结"})
    assert (released.json()["state"], released.json()["release_reason"]) == ("released", "案件已审结")
    assert (await auditor.get(path)).json() == released.json()


async def test_classes_and_runs_are_read(
    server: Server, database: Database, vault: Vault, objects: Objects, sign_in: SignIn
) -> None:
    now = server.clock.now()
    auditor, inspector = await sign_in(UserRole.AUDITOR), await sign_in(UserRole.INSPECTOR)
    classes = (await auditor.get("/api/v1/retention/classes", params={"division_code": "999999"})).json()
    assert [one["code"] for one in classes] == [one.described.code for one in retention_plan(objects).classes]
    sealed = classes[0]
    assert (sealed["amount"], sealed["unit"]) == (72, "hour")
    assert all(one["title_zh"] and one["title_en"] and one["source"] for one in classes)
    await run_all(
        database, plan=retention_plan(objects), tools=Tools(vault, objects), now=now, actor=ACTOR, only="outbox"
    )
    await run_all(
        database, plan=retention_plan(objects), tools=Tools(vault, objects), now=now, actor=ACTOR, only="outbox"
    )
    first = (await auditor.get("/api/v1/retention/runs", params={"class_code": "outbox", "limit": 1})).json()
    (run,) = first["items"]
    assert (run["proven"], run["remaining"], run["error"], len(run["digest"])) == (True, 0, None, 64)
    cursor = {"class_code": "outbox", "cursor": first["next_cursor"]}
    assert (await auditor.get("/api/v1/retention/runs", params=cursor)).json()["items"][0]["id"] != run["id"]
    assert (await inspector.get("/api/v1/retention/runs")).status_code == 403
    assert (await auditor.get("/api/v1/retention/classes", params={"division_code": "x"})).status_code == 400


def test_the_command_line_runs_reports_and_sets(tmp_path: Path) -> None:
    environment = os.environ | {"RUHU_DATA": str(tmp_path / "data"), "RUHU_POSTGRES_DURABLE": "0"}

    def ruhu(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "api.cli", "retention", *arguments],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    ran = ruhu("run", "--json")
    assert ran.returncode == 0, ran.stderr
    assert all(run["proven"] for run in json.loads(ran.stdout))
    refused = ruhu("set", "deliveries", "30", "--jurisdiction", "3203", "--from", "2026-01-01", "--source", "测试")
    assert (refused.returncode, "below-legal-minimum" in refused.stderr) == (1, True)
    told = json.loads(ruhu("report", "--json", "--class", "events").stdout)
    assert [run["class_code"] for run in told["runs"]] == ["events"]
