"""Gates, passes and faces made up for tests on the real database.

`FakeEngine` reads "pictures" that carry their own embedding, so that who resembles whom is a test's own choice.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import select

from gate_integration.devices.models import CaptureMode, Credential, DeviceContact, DevicePerson, GateDevice, GateLevel
from gate_integration.faces.quality import MANY_FACES, NO_FACE
from gate_integration.faces.reasons import Reason, UnusablePicture
from gate_integration.faces.records import Analysis, Box, Face, PictureStats, Probe, Quality, Vector
from gate_integration.intake.models import PassEvent
from gate_integration.intake.ports import CredentialFacts, NewPass
from gate_integration.intake.resolve import facts
from gate_integration.sightings.models import Sighting
from gate_integration.sightings.service import SightingService
from storage.database import Database, Role, SystemScope
from storage.ids import new_id
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import World

NO_FACE_PICTURE = b"none"
CROWD_PICTURE = b"crowd"
GARBAGE = b"garbage"


def random_face(seed: int) -> Vector:
    """A unit vector; those of different seeds are all but orthogonal."""
    vector = np.random.default_rng(seed).standard_normal(128).astype(np.float32)
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


def near(vector: Vector, cosine: float, seed: int = 999) -> Vector:
    """A unit vector at that cosine from `vector`."""
    noise = random_face(seed)
    noise = noise - (noise @ vector) * vector
    noise /= np.linalg.norm(noise)
    found: Vector = (cosine * vector + np.sqrt(1 - cosine**2) * noise).astype(np.float32)
    return found


def picture_of(vector: Vector, *, poor: bool = False) -> bytes:
    """Bytes that `FakeEngine` sees this face in; a poor one carries a warning."""
    return (b"poor" if poor else b"face") + vector.astype("<f4").tobytes()


class FakeEngine:
    """Implements `faces.records.Engine` on `picture_of`."""

    engine_id = "fake"
    model_hash = "0123456789ab"

    def analyse(self, data: bytes) -> list[Face]:
        if data == GARBAGE:
            raise UnusablePicture("not-a-picture", "不是图片", "not a picture")
        if data == NO_FACE_PICTURE:
            return []
        vector = np.frombuffer(data[4:], "<f4").astype(np.float32)
        quality = Quality(eye_distance=60, yaw=0, brightness=120, contrast=50, sharpness=100)
        return [Face(Box(0, 0, 100, 130), np.zeros((5, 2), np.float32), 0.95, vector, 13.0, quality)]

    def inspect(self, data: bytes) -> Analysis:
        faces = tuple(self.analyse(data))
        return Analysis(faces, len(faces), PictureStats(480, 640, 120.0))

    def probe(self, data: bytes) -> Probe:
        if data == CROWD_PICTURE:
            return Probe(None, MANY_FACES, 3)
        try:
            faces = self.analyse(data)
        except UnusablePicture as unusable:
            return Probe(None, unusable.reason, 0)
        if not faces:
            return Probe(None, NO_FACE, 0)
        poor = Reason("small", "小", "small", refuses=False) if data.startswith(b"poor") else None
        return Probe(faces[0], poor, 1)


async def make_gate(
    database: Database,
    world: World,
    *,
    now: datetime,
    level: GateLevel = GateLevel.ENTRANCE,
    capture_mode: CaptureMode = CaptureMode.SNAPSHOT,
    unit_id: uuid.UUID | None = None,
    camera: bool = True,
) -> GateDevice:
    """A gate of the world that was heard of at `now`, and is from then on by `stay_in_contact`."""
    device = GateDevice(
        id=new_id(), estate_id=world.estate_id, name="测试门禁", vendor="hikvision", serial=new_id().hex,
        model="", firmware="", capture_mode=capture_mode, level=level,
        building_id=world.building_id if level != GateLevel.ESTATE else None,
        entrance_id=world.entrance_id if level in {GateLevel.ENTRANCE, GateLevel.UNIT} else None,
        unit_id=unit_id, direction="both", camera=camera, exit_recorded=True, reports_strangers=True, profile={},
        created_at=now,
    )  # fmt: skip
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        session.add(device)
        await session.flush()
        session.add(DeviceContact(device_id=device.id, estate_id=world.estate_id, last_contact_at=now))
    return device


async def stay_in_contact(database: Database, device: GateDevice, *, until: datetime) -> None:
    """The device was heard of until then."""
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        contact = await session.get_one(DeviceContact, device.id)
        contact.last_contact_at = until


async def make_card(database: Database, vault: Vault, world: World, index: int) -> CredentialFacts:
    """A card of the household at `index`."""
    credential_id = new_id()
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        session.add(
            Credential(id=credential_id, estate_id=world.estate_id, kind="card",
                       number_index=vault.index("card", credential_id.hex), household_id=world.households[index],
                       unit_id=None, person_id=None, valid_from=datetime(2025, 1, 1).date())  # noqa: DTZ001 - a day
        )  # fmt: skip
    return CredentialFacts(credential_id, "card", world.households[index], None, None)


async def put_on_device(
    database: Database, device: GateDevice, person_id: uuid.UUID, *, now: datetime, has_face: bool = True
) -> DevicePerson:
    """An entry of a person on a device."""
    entry = DevicePerson(id=new_id(), estate_id=device.estate_id, device_id=device.id, person_id=person_id,
                         number=new_id().hex, has_face=has_face, since=now)  # fmt: skip
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        session.add(entry)
    return entry


@dataclass(frozen=True)
class Pass:
    """What happened at a gate, before it is stored."""

    device: GateDevice
    at: datetime
    picture: bytes | None = None
    credential: CredentialFacts | None = None
    kind: str = "face"
    outcome: str = "pass"
    entry: DevicePerson | None = None
    replay: bool = False


async def report(
    database: Database, objects: Objects, service: SightingService, passes: list[Pass], *, now: datetime
) -> list[Sighting]:
    """Stores the passes as the drainer does and has them sighted in the same transaction; sightings in their order."""
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        made = []
        for one in passes:
            pictures = []
            if one.picture is not None:
                stored = await objects.put(
                    session, data=one.picture, kind="snapshot", content_type="image/jpeg",
                    estate_id=one.device.estate_id, now=now, expires_at=now + timedelta(days=7),
                )  # fmt: skip
                pictures.append(stored.id)
            event = PassEvent(
                id=new_id(), estate_id=one.device.estate_id, device_id=one.device.id, delivery_id=new_id(),
                kind="access", outcome=one.outcome, credential_kind="card" if one.credential else one.kind,
                credential_id=one.credential.id if one.credential else None,
                device_person_id=one.entry.id if one.entry else None, device_person_no=None, direction="in",
                door_no=1, code="5/75", counter=None, device_time_text=one.at.isoformat(), device_time=one.at,
                received_at=one.at, effective_at=one.at, effective_reason="device-clock", replay=one.replay,
                marked=None, pictures=[{"object_id": str(found), "index": 0} for found in pictures], extra={},
            )  # fmt: skip
            session.add(event)
            made.append(
                NewPass(event, facts(one.device), one.entry.person_id if one.entry else None, one.credential,
                        tuple(pictures))
            )  # fmt: skip
        await service.sight(session, events=made, now=now)
        rows = await session.scalars(select(Sighting).where(Sighting.pass_event_id.in_([one.event.id for one in made])))
        by_event = {row.pass_event_id: row for row in rows}
        return [by_event[one.event.id] for one in made]
