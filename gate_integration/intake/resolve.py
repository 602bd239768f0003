"""Whose credential and whose number: what the register says at the moment of the event."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import CaptureMode, Credential, DevicePerson, GateDevice
from gate_integration.intake import queries
from gate_integration.intake.models import PassEvent, RawDelivery
from gate_integration.intake.ports import CredentialFacts, DeviceFacts, NewPass
from gate_integration.protocols.records import CredentialKind, Outcome, Record, RecordKind
from storage.clock import local_day
from storage.vault.service import Vault

NUMBERED = frozenset({CredentialKind.CARD, CredentialKind.PIN, CredentialKind.QR})


@dataclass(frozen=True, slots=True)
class Found:
    """One record of one delivery, its device, and when it is taken to have happened."""

    delivery: RawDelivery
    device: GateDevice
    record: Record
    at: datetime
    at_reason: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """Who or what a record names, as registered."""

    credential: CredentialFacts | None = None
    device_person_id: uuid.UUID | None = None
    person_id: uuid.UUID | None = None


def credential_kind(record: Record) -> str:
    """The kind a record's number is registered under; a card that accompanies a face is still a card."""
    return record.credential.value if record.credential in NUMBERED else CredentialKind.CARD.value


async def resolve(session: AsyncSession, found: Sequence[Found], *, vault: Vault) -> list[Resolved]:
    """The registered credential and person of each record, at the moment it is taken to have happened at."""
    numbers = {
        (f.device.estate_id, credential_kind(f.record), f.record.card_no) for f in found if f.record.card_no is not None
    }
    index = {wanted: vault.index(wanted[1], wanted[2].strip()) for wanted in numbers}
    cards = await queries.credentials(
        session, {(estate, kind, index[(estate, kind, n)]) for estate, kind, n in numbers}
    )
    people = await queries.device_people(
        session, {(f.device.id, f.record.person_no) for f in found if f.record.person_no is not None}
    )
    resolved: list[Resolved] = []
    for f in found:
        credential = person = None
        if f.record.card_no is not None:
            wanted = (f.device.estate_id, credential_kind(f.record), f.record.card_no)
            credential = standing_credential(cards.get((wanted[0], wanted[1], index[wanted]), []), f.at)
        if f.record.person_no is not None:
            person = standing_person(people.get((f.device.id, f.record.person_no), []), f.at)
        resolved.append(
            Resolved(
                credential=CredentialFacts(
                    credential.id, credential.kind, credential.household_id, credential.unit_id, credential.person_id
                )
                if credential is not None
                else None,
                device_person_id=person.id if person is not None else None,
                person_id=person.person_id if person is not None else None,
            )
        )
    return resolved


def standing_credential(rows: Sequence[Credential], at: datetime) -> Credential | None:
    """The credential that stood at a moment."""
    day = local_day(at)
    for row in rows:
        if row.valid_from <= day and (row.withdrawn_at is None or row.withdrawn_at > at):
            return row
    return None


def standing_person(rows: Sequence[DevicePerson], at: datetime) -> DevicePerson | None:
    """The person a number meant at a moment; a number that was mapped late counts for earlier events of that number,
    unless it meant somebody else before."""
    for row in rows:
        if row.since <= at and (row.removed_at is None or row.removed_at > at):
            return row
    if len(rows) == 1 and rows[0].removed_at is None:
        return rows[0]
    return None


def new_passes(made: Iterable[tuple[GateDevice, PassEvent, Resolved]]) -> list[NewPass]:
    """The events somebody passed or failed, with what was found out; no pictures but of `snapshot` devices."""
    passes: list[NewPass] = []
    for device, event, who in made:
        if event.kind != RecordKind.ACCESS or event.outcome == Outcome.UNKNOWN:
            continue
        ids: tuple[uuid.UUID, ...] = ()
        if device.capture_mode == CaptureMode.SNAPSHOT:
            ids = tuple(uuid.UUID(p["object_id"]) for p in event.pictures if p["object_id"] is not None)
        passes.append(NewPass(event, facts(device), who.person_id, who.credential, ids))
    return passes


def facts(device: GateDevice) -> DeviceFacts:
    """A device as events need it."""
    return DeviceFacts(
        id=device.id,
        estate_id=device.estate_id,
        capture_mode=device.capture_mode,
        level=device.level,
        building_id=device.building_id,
        entrance_id=device.entrance_id,
        unit_id=device.unit_id,
        direction=device.direction,
        camera=device.camera,
        reports_strangers=device.reports_strangers,
    )
