"""What a phone sends: idempotent, checked by digest, kept even when late; parallel repeats make one row."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from sqlalchemy import func, select

from inspection.registry.consents.errors import NoProcessingBasis
from inspection.registry.consents.models import Purpose
from inspection.users.authority import HumanNeeded
from inspection.users.models import ScopeLevel, UserRole
from inspection.visits import digest, service, uploads
from inspection.visits.errors import (
    DigestMismatch,
    DigestRequired,
    IdReused,
    NotAPicture,
    NotReadable,
    NotYourVisit,
    PhotoNotFound,
    PictureTooLarge,
    UnfitOfficer,
    VisitNotFound,
    VisitOver,
)
from inspection.visits.models import CheckIn, Finding, OccupantMet, Photo, VisitKind, VisitResult, VisitStatus
from inspection.visits.pictures import LARGEST, content_type
from storage.audit.models import AuditEntry, AuditPayload, body_json
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database
from storage.ids import new_id
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.problems import Forbidden, NotFound
from storage.vault.service import Vault
from tests.factories import make_user
from tests.office.road import CALM, INSIDE, Road

JPEG = b"\xff\xd8\xff\xe0" + b"made up, no picture" * 40


@pytest.fixture
async def road(database: Database, vault: Vault, clock: SimulatedClock) -> Road:
    road = await Road.make(database, vault, clock)
    await road.accept()
    return road


def bodies(road: Road) -> dict[str, tuple[Any, str, type[Any], bytes]]:
    """For each kind of upload: the service, its id's name, its table and a body."""
    return {
        "check-in": (uploads.put_check_in, "check_in_id", CheckIn, road.check_in_body()),
        "photo": (uploads.put_photo, "photo_id", Photo, JPEG),
        "occupant": (
            uploads.put_occupant, "occupant_id", OccupantMet,
            json.dumps({"described_as": "自称租客", "lives_here": True, "since": "2026年1月"}).encode(),
        ),
        "finding": (
            uploads.put_finding, "finding_id", Finding,
            json.dumps({"outcome": "unfounded", "statement": "承租人一家在住", "vulnerability": CALM}).encode(),
        ),
    }  # fmt: skip


KINDS = ("check-in", "photo", "occupant", "finding")


async def send(road: Road, kind: str, visit: uuid.UUID, key: uuid.UUID, objects: Objects, **more: Any) -> Any:
    put, name, _, body = bodies(road)[kind]
    extra = {"objects": objects} if kind == "photo" else {}
    options = {"by": road.first, "body": body} | more
    sent = options.pop("body")
    return await road.send(put, visit, sent, **{name: key}, **extra, **options)


async def rows(road: Road, kind: str, key: uuid.UUID) -> int:
    table = bodies(road)[kind][2]
    async with road.transaction() as session:
        return (await session.scalar(select(func.count()).select_from(table).where(table.id == key))) or 0


@pytest.mark.parametrize("kind", KINDS)
async def test_the_same_again_is_success_and_other_bytes_are_refused(road: Road, objects: Objects, kind: str) -> None:
    visit, key = await road.plan(), new_id()
    body = bodies(road)[kind][3]
    first = await send(road, kind, visit, key, objects, body=body)
    road.wait(hours=3)
    again = await send(road, kind, visit, key, objects, body=body)
    columns = type(first).__table__.columns.keys()
    assert {c: getattr(first, c) for c in columns} == {c: getattr(again, c) for c in columns}
    with pytest.raises(IdReused) as reused:
        await send(road, kind, visit, key, objects, body=body + b" ")
    assert (reused.value.status, reused.value.code) == (409, "id-reused")
    other_visit = await road.plan()
    with pytest.raises(IdReused):
        await send(road, kind, other_visit, key, objects, body=body)
    assert await rows(road, kind, key) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_parallel_repeats_make_one_row(road: Road, objects: Objects, kind: str) -> None:
    visit, key = await road.plan(), new_id()
    body = bodies(road)[kind][3]
    found = await asyncio.gather(*(send(road, kind, visit, key, objects, body=body) for _ in range(5)))
    assert {row.id for row in found} == {key}
    assert await rows(road, kind, key) == 1
    async with road.transaction() as session:
        stored = await session.scalar(
            select(func.count()).select_from(StoredObject).where(StoredObject.estate_id == road.world.estate_id)
        )
        audited = await session.scalar(
            select(func.count()).select_from(AuditPayload).where(body_json()["payload"]["item_id"].astext == str(key))
        )
    assert stored == (kind == "photo")
    assert audited == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_bytes_must_be_those_of_the_digest(road: Road, objects: Objects, kind: str) -> None:
    visit, key = await road.plan(), new_id()
    for header in (None, "", "sha-512=:AAAA:", "sha-256=:!!:", "sha-256=:AAAA:", "sha-256=abc"):
        with pytest.raises(DigestRequired):
            await send(road, kind, visit, key, objects, content_digest=header)
    with pytest.raises(DigestMismatch) as mismatch:
        await send(road, kind, visit, key, objects, content_digest=digest.header(b"other"))
    assert "勿删除" in mismatch.value.title_zh
    assert await rows(road, kind, key) == 0


def test_the_digest_is_found_among_others() -> None:
    body = b"x"
    assert digest.checked(body, f"sha-512=:AAAA:, {digest.header(body)}") == digest.checked(body, digest.header(body))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", ["done", "cancelled"])
async def test_what_comes_late_is_kept_and_marked(road: Road, objects: Objects, kind: str, end: str) -> None:
    visit = await road.plan()
    if end == "done":
        await road.finish(visit, road.first, VisitResult.NO_ANSWER)
    else:
        async with road.transaction() as session:
            await service.cancel(
                session, visit_id=visit, reason="家中有人住院", actor=Actor.user(road.manager), now=road.now
            )
    row = await send(road, kind, visit, new_id(), objects)
    assert row.late
    async with road.transaction() as session:
        details = await service.get(session, visit_id=visit, actor=Actor.user(road.manager))
    assert details.visit.status == end


@pytest.mark.parametrize("kind", KINDS)
async def test_only_its_officers_write_to_a_visit(road: Road, objects: Objects, kind: str) -> None:
    visit = await road.plan()
    for stranger in (road.other, road.manager):
        with pytest.raises(NotYourVisit):
            await send(road, kind, visit, new_id(), objects, by=stranger)
    with pytest.raises(VisitNotFound):
        await send(road, kind, new_id(), new_id(), objects)
    assert not (await send(road, kind, visit, new_id(), objects, by=road.second)).late


async def test_a_check_in_is_graded_with_reasons(road: Road) -> None:
    visit = await road.plan()
    inside = await road.check_in(visit, road.first)
    assert inside.grade == "A"
    assert inside.reasons[0]["code"] == "within"
    far = await road.send(
        uploads.put_check_in, visit, road.check_in_body(lat=39.95), by=road.second, check_in_id=new_id()
    )
    assert far.grade == "D"
    mocked = await road.send(
        uploads.put_check_in, visit, road.check_in_body(mocked=True), by=road.second, check_in_id=new_id()
    )
    assert mocked.grade == "D"
    assert "模拟" in "".join(reason["zh"] for reason in mocked.reasons)
    nowhere = json.dumps({"phone_time": road.now.isoformat(), "fixes": []}).encode()
    assert (
        await road.send(uploads.put_check_in, visit, nowhere, by=road.second, check_in_id=new_id())
    ).grade == "not_assessed"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"\xff\xfe", b"{}",
        json.dumps({"phone_time": "2026-03-02T09:00:00", "fixes": []}).encode(),
        json.dumps({"phone_time": "9999-12-31T23:59:59-12:00", "fixes": []}).encode(),
        json.dumps({"phone_time": "2026-03-02T09:00:00Z", "fixes": [INSIDE | {"crs": "moon"}]}).encode(),
    ],
)  # fmt: skip
async def test_an_unreadable_check_in_is_refused(road: Road, body: bytes) -> None:
    visit = await road.plan()
    with pytest.raises(NotReadable):
        await road.send(uploads.put_check_in, visit, body, by=road.first, check_in_id=new_id())


async def test_an_occupant_is_somebody(road: Road) -> None:
    visit = await road.plan()
    known = json.dumps({"person_id": str(road.world.tenants[0]), "lives_here": True}).encode()
    row = await road.send(uploads.put_occupant, visit, known, by=road.first, occupant_id=new_id())
    assert row.person_id == road.world.tenants[0]
    nul = json.dumps({"described_as": "a\0b"}).encode()
    for body in (b"{}", json.dumps({"person_id": str(new_id())}).encode(), nul):
        with pytest.raises(NotReadable):
            await road.send(uploads.put_occupant, visit, body, by=road.first, occupant_id=new_id())


@pytest.mark.asvs("v5.0.0-5.2.2")
def test_pictures_are_told_by_content() -> None:
    assert content_type(JPEG) == "image/jpeg"
    assert content_type(b"\x89PNG\r\n\x1a\n...") == "image/png"
    assert content_type(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert content_type(b"\0\0\0\x18ftypheic") == "image/heic"
    for other in (b"", b"GIF89a", b"%PDF", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x18ftypmp42", b"<svg/>"):
        assert content_type(other) is None


async def test_only_pictures_of_a_sane_size_are_taken(road: Road, objects: Objects) -> None:
    visit = await road.plan()
    with pytest.raises(NotAPicture):
        await send(road, "photo", visit, new_id(), objects, body=b"MZ\x90 not a picture")
    with pytest.raises(PictureTooLarge):
        await send(road, "photo", visit, new_id(), objects, body=JPEG + bytes(LARGEST))


async def test_a_photo_is_read_with_purpose_and_reason(road: Road, objects: Objects, vault: Vault) -> None:
    visit, key = await road.plan(), new_id()
    photo = await send(road, "photo", visit, key, objects)
    assert JPEG not in objects.store.get(str(photo.object_id))

    async def read(by: uuid.UUID, photo_id: uuid.UUID = key) -> tuple[bytes, str]:
        async with road.transaction() as session:
            return await service.read_photo(
                session, visit_id=visit, photo_id=photo_id, purpose=Purpose.TENANCY_COMPLIANCE,
                reason="核对入户照片", objects=objects, actor=Actor.user(by), now=road.now,
            )  # fmt: skip

    assert await read(road.manager) == (JPEG, "image/jpeg")
    with pytest.raises(VisitNotFound):
        await read(road.other)
    with pytest.raises(PhotoNotFound):
        await read(road.manager, new_id())
    async with road.transaction() as session:
        views = (await session.scalars(select(AuditEntry).where(AuditEntry.object_id == key))).all()
        assert [(view.actor_user_id, view.purpose, view.reason) for view in views] == [
            (road.manager, "tenancy_compliance", "核对入户照片")
        ]
        await objects.destroy(session, object_id=photo.object_id, now=road.now)
    with pytest.raises(PhotoNotFound):
        await read(road.manager)


async def test_no_basis_no_photo(database: Database, vault: Vault, clock: SimulatedClock, objects: Objects) -> None:
    road = await Road.make(database, vault, clock, bases=(Purpose.ACCESS_CONTROL,))
    await road.accept()
    visit, key = await road.plan(), new_id()
    await send(road, "photo", visit, key, objects)
    with pytest.raises(NoProcessingBasis):
        async with road.transaction() as session:
            await service.read_photo(
                session, visit_id=visit, photo_id=key, purpose=Purpose.TENANCY_COMPLIANCE, reason="核对",
                objects=objects, actor=Actor.user(road.manager), now=road.now,
            )  # fmt: skip


async def test_a_result_is_told_once(road: Road) -> None:
    visit = await road.plan()
    await road.check_in(visit, road.first)
    await road.finish(visit, road.first)
    await road.finish(visit, road.second)
    with pytest.raises(VisitOver):
        await road.finish(visit, road.first, VisitResult.REFUSED)
    cancelled = await road.plan()
    async with road.transaction() as session:
        await service.cancel(session, visit_id=cancelled, reason="取消", actor=Actor.user(road.manager), now=road.now)
    await road.finish(cancelled, road.first)
    async with road.transaction() as session:
        kept = await service.get(session, visit_id=cancelled, actor=Actor.user(road.first))
    assert (kept.visit.status, kept.visit.result) == (VisitStatus.CANCELLED, VisitResult.MET)


async def test_tasks_are_those_of_an_officer(road: Road) -> None:
    mine, _ = await road.plan(), await road.plan(officers=(road.other,))
    async with road.transaction() as session:
        tasks = await service.page(session, officer=road.second, status=VisitStatus.PLANNED)
        everything = await service.page(session, officer=None)
        newest = (everything[0].created_at, everything[0].id)
        rest = await service.page(session, officer=None, before=newest, limit=1)
    assert [(task.id, task.room_no, task.household_number) for task in tasks] == [(mine, "101", "H000")]
    assert len(everything) == 2
    assert [task.id for task in rest] == [everything[1].id]


async def test_planning_asks_for_people_who_can_go(road: Road) -> None:
    auditor = await make_user(
        road.database, now=road.now, role=UserRole.AUDITOR, level=ScopeLevel.ESTATE, code=str(road.world.estate_id)
    )

    async def plan(who: Actor, **more: Any) -> None:
        wanted = {
            "household_id": road.world.households[0], "unit_id": road.world.units[0], "kind": VisitKind.CARE,
            "assigned_to": road.first, "second_officer": None, "due_at": None,
        } | more  # fmt: skip
        async with road.transaction() as session:
            await service.plan(session, actor=who, now=road.now, **wanted)

    manager = Actor.user(road.manager)
    await plan(manager)
    with pytest.raises(UnfitOfficer):
        await plan(manager, assigned_to=auditor)
    with pytest.raises(NotFound):
        await plan(manager, unit_id=road.world.units[1])
    with pytest.raises(Forbidden):
        await plan(Actor.user(road.first))
    with pytest.raises(HumanNeeded):
        await plan(Actor.system("worker"))
