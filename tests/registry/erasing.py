"""Somebody with one of everything that can be known of a person, and ways to ask for their erasure."""

import os
import subprocess
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api.erasure import Erasure
from gate_integration.devices.models import GateDevice
from gate_integration.enrolment import service as enrolment
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.intake.models import PassEvent, RawDelivery
from gate_integration.sightings.models import Sighting
from gate_integration.sightings.service import SightingService
from inspection.registry.households.models import HouseholdMember, MemberRole, Person
from inspection.registry.households.people import PersonDetails
from inspection.registry.households.service import add_member
from inspection.rights import service as rights
from inspection.rights.models import AskedBy, RightsRequest
from inspection.rights.schemas import Asking, DecisionInput, ErasureInput
from inspection.users.models import ScopeLevel, UserRole
from inspection.visits.models import OccupantMet, Photo, Visit, VisitKind, VisitStatus
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database, EstateScope, Role, SystemScope
from storage.ids import new_id
from storage.objects.jobs import delete_bytes
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.postgres.binaries import find_binaries
from storage.settings import Settings
from storage.vault.models import SubjectKey
from storage.vault.service import Vault
from tests.factories import World, give_consent, make_user
from tests.ids import make_test_number
from tests.recognition import FakeEngine, Pass, make_gate, picture_of, put_on_device, random_face, report

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
ASKING = Asking(asked_by=AskedBy.SELF, asked_on=date(2026, 3, 2), identified_by="身份证原件", paper_number="SQ-1")
SEEN = NOW - timedelta(days=1)
GONE = date(2026, 3, 1)  # still here on that day, gone on the day of NOW


@dataclass
class Known:
    """A person, and everything by which they could be found again."""

    person_id: uuid.UUID
    name: str
    id_number: str
    phone: str
    face: Any
    device: GateDevice
    number: str
    secrets: list[bytes]
    objects: list[uuid.UUID]
    visit_photo: uuid.UUID
    event_id: uuid.UUID


@dataclass
class Desk:
    """Two managers of an estate and the erasure over its database."""

    database: Database
    vault: Vault
    objects: Objects
    world: World
    clerk: Actor
    chief: Actor
    erasure: Erasure

    async def ask(self, person_id: uuid.UUID, *, now: datetime = NOW) -> RightsRequest:
        """The clerk records the request."""
        async with self.database.transaction(Role.APP, self.world.scope) as session:
            return await rights.ask_erasure(
                session, person_id=person_id, data=ErasureInput(asking=ASKING), actor=self.clerk, now=now
            )

    async def grant(self, request_id: uuid.UUID, *, held: bool = False, now: datetime = NOW) -> RightsRequest:
        """The chief grants it."""
        async with self.database.transaction(Role.APP, self.world.scope) as session:
            return await rights.decide(
                session, vault=self.vault, request_id=request_id, data=DecisionInput(granted=True, reason="依法删除"),
                held=held, actor=self.chief, now=now,
            )  # fmt: skip

    async def erase(self, person_id: uuid.UUID, *, now: datetime = NOW) -> RightsRequest:
        """Asked, granted, carried out, bytes deleted."""
        asked = await self.ask(person_id, now=now)
        await self.grant(asked.id, now=now)
        await self.erasure.carry_out()
        await self.delete_bytes()
        return await self.request(asked.id)

    async def delete_bytes(self) -> None:
        """What the worker's job does."""
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            await delete_bytes(session, objects=self.objects, now=NOW, wait=True)

    async def request(self, request_id: uuid.UUID) -> RightsRequest:
        """The request as it stands."""
        async with self.database.transaction(Role.APP, self.world.scope) as session:
            return await session.get_one(RightsRequest, request_id)

    async def row(self, table: type[Any], row_id: uuid.UUID) -> Any:
        """A row, or None."""
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            return await session.get(table, row_id)


async def make_desk(
    database: Database, vault: Vault, objects: Objects, world: World, clock: SimulatedClock, settings: Settings,
    folder: Path,
) -> Desk:  # fmt: skip
    """A desk over a world; the ledger lies in `folder`."""
    clerk, chief = [
        await make_user(database, now=NOW, role=UserRole.MANAGER, level=ScopeLevel.ESTATE, code=str(world.estate_id))
        for _ in range(2)
    ]
    erasure = Erasure(
        database=database, settings=replace(settings, ledger=folder / "ledger"), clock=clock, vault=vault,
        objects=objects,
    )  # fmt: skip
    return Desk(database, vault, objects, world, Actor.user(clerk), Actor.user(chief), erasure)


async def move_in(desk: Desk, *, seed: int, leaves: date | None = None, household: int = 0) -> uuid.UUID:
    """Somebody is registered with a household, until a day or for good."""
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        row = await add_member(
            session, vault=desk.vault, household_id=desk.world.households[household],
            person=PersonDetails(name=f"龘䶮{seed}号", id_number=number_of(seed), phone=phone_of(seed)),
            role=MemberRole.CO_RESIDENT, valid_from=date(2025, 1, 1), valid_to=leaves, actor=desk.clerk, now=NOW,
        )  # fmt: skip
        return row.person_id


async def know_all(desk: Desk, person_id: uuid.UUID, *, seed: int) -> Known:
    """Enrols, enters, sees, pictures, visits and writes about a person."""
    database, world, face = desk.database, desk.world, random_face(seed)
    await give_consent(database, world, person_id, now=NOW)
    async with database.transaction(Role.APP, world.scope) as session:
        enrolled = await enrolment.enrol(
            session, person_id=person_id, photo=picture_of(face), actor=desk.clerk, now=NOW, engine=FakeEngine(),
            vault=desk.vault, objects=desk.objects,
        )  # fmt: skip
    device = await make_gate(database, world, now=NOW)
    entry = await put_on_device(database, device, person_id, now=SEEN)
    matcher = SightingService(engine=FakeEngine(), vault=desk.vault, objects=desk.objects)
    seen = (
        await report(database, desk.objects, matcher, [Pass(device, SEEN, picture_of(face), entry=entry)], now=NOW)
    )[0]
    assert seen.person_id == person_id
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        person = await session.get_one(Person, person_id)
        event = await session.get_one(PassEvent, seen.pass_event_id)
        event.device_person_no = entry.number
        key = await session.get_one(SubjectKey, person_id)
        template = await session.get_one(FaceTemplate, enrolled.template_id)
        for delivery_id, said in ((event.delivery_id, entry.number), (new_id(), person.name)):
            session.add(RawDelivery(id=delivery_id, received_at=NOW, estate_id=world.estate_id, device_id=device.id,
                                    protocol="hikvision", content_type="application/json",
                                    body=f'{{"name": "{said}"}}'.encode(), sealed=False, cutouts=[]))  # fmt: skip
        snapshot = uuid.UUID(event.pictures[0]["object_id"])
        photo_key = await session.get_one(StoredObject, enrolled.object_id)
        secrets = [
            one
            for one in (person.id_number_index, person.phone_index, person.id_number_sealed, person.phone_sealed,
                        key.wrapped, template.sealed, photo_key.wrapped_key)
            if one is not None
        ]  # fmt: skip
        assert len(secrets) == 7
    assert enrolled.object_id is not None
    visit_photo = await visited(desk, person_id, person.name)
    return Known(person_id, person.name, number_of(seed), phone_of(seed), face, device, entry.number, secrets,
                 [enrolled.object_id, snapshot], visit_photo, event.id)  # fmt: skip


async def visited(desk: Desk, person_id: uuid.UUID, name: str, case_id: uuid.UUID | None = None) -> uuid.UUID:
    """A visit at which the person was met and a photo was taken; the photo's object."""
    async with desk.database.transaction(Role.OWNER, SystemScope()) as session:
        assert desk.clerk.user_id is not None
        visit = Visit(
            id=new_id(), estate_id=desk.world.estate_id, household_id=desk.world.households[0],
            unit_id=desk.world.units[0], kind=VisitKind.PATROL, assigned_to=desk.clerk.user_id,
            status=VisitStatus.DONE, let_in_by=name, notes=f"{name}在家", notice_left=False,
            created_by=desk.clerk.user_id, created_at=NOW, case_id=case_id,
        )  # fmt: skip
        session.add(visit)
        stored = await desk.objects.put(
            session, data=b"a flat", kind="visit-photo", content_type="image/jpeg", estate_id=desk.world.estate_id,
            now=NOW,
        )  # fmt: skip
        await session.flush()
        session.add(OccupantMet(id=new_id(), estate_id=desk.world.estate_id, visit_id=visit.id, body_digest=bytes(32),
                                person_id=person_id, described_as=name, statement=f"我是{name}",
                                recorded_by=desk.clerk.user_id, recorded_at=NOW))  # fmt: skip
        session.add(Photo(id=new_id(), estate_id=desk.world.estate_id, visit_id=visit.id, user_id=desk.clerk.user_id,
                          object_id=stored.id, body_digest=bytes(32), content_type="image/jpeg", size=6, caption=name,
                          received_at=NOW))  # fmt: skip
    return stored.id


def number_of(seed: int) -> str:
    """The ID number of the person of a seed."""
    return make_test_number(birth=date(1980, 1, 1), sequence=seed)


def phone_of(seed: int) -> str:
    """The telephone of the person of a seed."""
    return f"138{seed:08}"


def run(program: str, *arguments: str) -> bytes:
    """One of PostgreSQL's programs; what it says."""
    line = [os.fspath(find_binaries(None) / program), *arguments]
    return subprocess.run(line, capture_output=True, check=True).stdout


def dump(url: str) -> str:
    """The whole database as pg_dump writes it."""
    return run("pg_dump", "--dbname", url, "--inserts").decode()


def traces(known: Known, text: str) -> list[str]:
    """What of a person still stands in a dump."""
    wanted = {"name": known.name, "id number": known.id_number, "phone": known.phone, "device number": known.number}
    wanted |= {f"secret {index}": secret.hex() for index, secret in enumerate(known.secrets)}
    wanted |= {"name in a body": known.name.encode().hex(), "number in a body": known.number.encode().hex()}
    return [what for what, value in wanted.items() if value in text]


async def sightings_of(desk: Desk, person_id: uuid.UUID) -> int:
    """How many sightings are matched to the person."""
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        return len((await session.scalars(select(Sighting.id).where(Sighting.person_id == person_id))).all())


async def leave(desk: Desk, person_id: uuid.UUID, last: date) -> None:
    """The person's membership ends."""
    async with desk.database.transaction(Role.SYSTEM, EstateScope((desk.world.estate_id,))) as session:
        row = await session.scalar(select(HouseholdMember).where(HouseholdMember.person_id == person_id))
        assert row is not None
        row.valid_to = last
