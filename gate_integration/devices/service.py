"""Devices: added, given tokens, taken out of service; credentials and numbers that mean people; silence."""

import secrets
import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices import queries
from gate_integration.devices.errors import (
    BadProfile,
    CredentialTaken,
    CredentialWithoutHolder,
    DeviceRetired,
    NumberTaken,
    PlaceMismatch,
    SerialTaken,
)
from gate_integration.devices.models import (
    SILENCE,
    Credential,
    DeviceOutage,
    DevicePerson,
    DeviceToken,
    GateDevice,
    GateLevel,
)
from gate_integration.devices.profile import rhythm
from gate_integration.devices.schemas import (
    CredentialInput,
    CredentialView,
    DeviceInput,
    DevicePersonInput,
    DevicePersonView,
    DeviceView,
    NewToken,
)
from gate_integration.protocols.standard_webhooks import KeyKind, secret_text
from gate_integration.webhook_keys import keys
from gate_integration.webhook_keys import queries as key_queries
from gate_integration.webhook_keys.errors import SignsItsDeliveries
from inspection.registry.constraints import translated
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.ids import new_id
from storage.problems import NotFound
from storage.vault.crypto import blind_index
from storage.vault.service import Vault

TOKEN_BYTES = 24  # 32 characters in a path: a Hikvision terminal takes URLs of up to 128
STANDING_TOKENS = 2
WEBHOOK = "webhook"
_DEPTH = {GateLevel.ESTATE: 0, GateLevel.BUILDING: 1, GateLevel.ENTRANCE: 2, GateLevel.UNIT: 3}


async def add_device(
    session: AsyncSession, *, data: DeviceInput, vault: Vault, actor: Actor, now: datetime
) -> NewToken:
    """Adds a device and its first token, or a webhook device and its first secret, which is shown this once.

    Raises `SerialTaken`, `PlaceMismatch`, `BadProfile`.
    """
    building_id, entrance_id, unit_id = await _place(session, data)
    try:
        ZoneInfo(data.profile.zone)
    except (KeyError, ValueError, OSError):
        raise BadProfile("时区名称无效", "The zone is not an IANA name") from None
    await vault.estate_key(session, estate_id=data.estate_id, now=now)  # the intake seals with it and cannot make it
    device = GateDevice(
        id=new_id(), estate_id=data.estate_id, name=data.name, vendor=data.vendor, serial=data.serial,
        model=data.model, firmware=data.firmware, capture_mode=data.capture_mode, level=data.level,
        building_id=building_id, entrance_id=entrance_id, unit_id=unit_id, direction=data.direction,
        camera=data.camera, exit_recorded=data.exit_recorded, reports_strangers=data.reports_strangers,
        profile=msgspec.to_builtins(data.profile), created_at=now, retired_at=None,
    )  # fmt: skip
    session.add(device)
    try:
        await session.flush()
    except IntegrityError as error:
        raise translated(error, {"uq_gate_device_vendor_serial": SerialTaken()}) from None
    audit.record(session, at=now, actor=actor, action="device.added", object_kind="device", object_id=device.id,
                 estate_id=device.estate_id, capture_mode=device.capture_mode, level=device.level)  # fmt: skip
    if device.vendor == WEBHOOK:
        secret = keys.made_secret()
        await keys.add_key(session, device_id=device.id, estate_id=device.estate_id, kind=KeyKind.SECRET,
                           material=secret, vault=vault, now=now)  # fmt: skip
        return NewToken(device=DeviceView.of(device), token=secret_text(secret), path=keys.delivery_path(device.id))
    return _new_token(session, device=device, vault=vault, now=now)


async def _place(
    session: AsyncSession, data: DeviceInput
) -> tuple[uuid.UUID | None, uuid.UUID | None, uuid.UUID | None]:
    """The place of a device, filled in upwards; it is in the device's estate and fits the level.

    Places above the level's own may be named too, when they are the right ones.
    """
    named = (data.building_id, data.entrance_id, data.unit_id)
    depth = _DEPTH[data.level]
    if any(named[depth:]):
        raise PlaceMismatch
    if depth == 0:
        return None, None, None
    if named[depth - 1] is None:
        raise PlaceMismatch
    found = await queries.building_of(
        session, building_id=data.building_id, entrance_id=data.entrance_id, unit_id=data.unit_id
    )
    if found is None or found[3] != data.estate_id:
        raise NotFound
    if any(given not in (None, true) for given, true in zip(named, found[:3], strict=True)):
        raise PlaceMismatch
    return found[0], found[1], found[2]


def _new_token(session: AsyncSession, *, device: GateDevice, vault: Vault, now: datetime) -> NewToken:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        DeviceToken(
            id=new_id(), estate_id=device.estate_id, device_id=device.id,
            token_hash=blind_index(vault.device_token_key, token), created_at=now, revoked_at=None,
        )
    )  # fmt: skip
    return NewToken(device=DeviceView.of(device), token=token, path=f"/gate/{device.vendor}/{token}")


async def known_device(session: AsyncSession, device_id: uuid.UUID) -> GateDevice:
    """A device within the scope; raises `NotFound`."""
    device = await queries.device(session, device_id)
    if device is None:
        raise NotFound
    return device


async def standing_device(session: AsyncSession, device_id: uuid.UUID) -> GateDevice:
    """A device in service; raises `NotFound`, `DeviceRetired`."""
    device = await known_device(session, device_id)
    if device.retired_at is not None:
        raise DeviceRetired
    return device


async def _device_with_tokens(session: AsyncSession, device_id: uuid.UUID) -> GateDevice:
    device = await standing_device(session, device_id)
    if device.vendor == WEBHOOK:
        raise SignsItsDeliveries
    return device


async def rotate_token(
    session: AsyncSession, *, device_id: uuid.UUID, vault: Vault, actor: Actor, now: datetime
) -> NewToken:
    """A further token. The one before stays good until it is revoked; a third one revokes the oldest."""
    device = await _device_with_tokens(session, device_id)
    standing = await queries.standing_tokens(session, device_id)
    for old in standing[: max(0, len(standing) - STANDING_TOKENS + 1)]:
        old.revoked_at = now
    audit.record(session, at=now, actor=actor, action="device.token-rotated", object_kind="device",
                 object_id=device.id, estate_id=device.estate_id)  # fmt: skip
    return _new_token(session, device=device, vault=vault, now=now)


async def revoke_old_tokens(session: AsyncSession, *, device_id: uuid.UUID, actor: Actor, now: datetime) -> int:
    """Ends a rotation: all tokens but the newest are revoked, within seconds on every intake."""
    device = await _device_with_tokens(session, device_id)
    old = (await queries.standing_tokens(session, device_id))[:-1]
    for token in old:
        token.revoked_at = now
    audit.record(session, at=now, actor=actor, action="device.tokens-revoked", object_kind="device",
                 object_id=device.id, estate_id=device.estate_id, number=len(old))  # fmt: skip
    return len(old)


async def retire_device(session: AsyncSession, *, device_id: uuid.UUID, actor: Actor, now: datetime) -> DeviceView:
    """Takes a device out of service: its tokens and keys end, its open outage ends; what it reported stays."""
    device = await standing_device(session, device_id)
    device.retired_at = now
    for token in await queries.standing_tokens(session, device_id):
        token.revoked_at = now
    for key in await key_queries.standing(session, device_id=device_id, now=now):
        keys.revoke(key, now)
    await queries.end_outages(session, device_id=device_id, at=now)
    audit.record(session, at=now, actor=actor, action="device.retired", object_kind="device", object_id=device.id,
                 estate_id=device.estate_id)  # fmt: skip
    return DeviceView.of(device)


async def register_credential(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    data: CredentialInput,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> CredentialView:
    """Registers a card, PIN or QR for a household, a unit or a person of the estate.

    Raises `CredentialWithoutHolder`, `CredentialTaken`, `NotFound`.
    """
    estates = await queries.estate_of_holder(
        session, household_id=data.household_id, unit_id=data.unit_id, person_id=data.person_id
    )
    if not estates:
        raise CredentialWithoutHolder
    if estates != {estate_id}:
        raise NotFound
    row = Credential(
        id=new_id(), estate_id=estate_id, kind=data.kind, number_index=vault.index(data.kind, data.number),
        household_id=data.household_id, unit_id=data.unit_id, person_id=data.person_id, valid_from=data.valid_from,
        withdrawn_at=None,
    )  # fmt: skip
    session.add(row)
    try:
        await session.flush()
    except IntegrityError as error:
        raise translated(error, {"uq_credential_standing": CredentialTaken()}) from None
    audit.record(session, at=now, actor=actor, action="credential.registered", object_kind="credential",
                 object_id=row.id, estate_id=estate_id, kind=row.kind)  # fmt: skip
    return CredentialView.of(row)


async def withdraw_credential(
    session: AsyncSession, *, credential_id: uuid.UUID, actor: Actor, now: datetime
) -> CredentialView:
    """Ends our own reading of a credential (lost, replaced). It sends nothing to a door and revokes no access."""
    row = await queries.credential(session, credential_id)
    if row is None:
        raise NotFound
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        audit.record(session, at=now, actor=actor, action="credential.withdrawn", object_kind="credential",
                     object_id=row.id, estate_id=row.estate_id)  # fmt: skip
    return CredentialView.of(row)


async def map_person(
    session: AsyncSession, *, device_id: uuid.UUID, data: DevicePersonInput, actor: Actor, now: datetime
) -> DevicePersonView:
    """Says whom a number on a device means; saying the same again changes only `has_face`.

    Raises `NumberTaken` while the number means somebody else.
    """
    device = await standing_device(session, device_id)
    if await queries.estate_of_holder(session, household_id=None, unit_id=None, person_id=data.person_id) != {
        device.estate_id
    }:
        raise NotFound
    row = await queries.standing_number(session, device_id=device_id, number=data.number)
    if row is not None and row.person_id != data.person_id:
        raise NumberTaken
    if row is None:
        row = DevicePerson(
            id=new_id(), estate_id=device.estate_id, device_id=device_id, person_id=data.person_id,
            number=data.number, has_face=data.has_face, since=now, removed_at=None,
        )  # fmt: skip
        session.add(row)
    row.has_face = data.has_face
    try:
        await session.flush()
    except IntegrityError as error:
        raise translated(error, {"uq_device_person_standing": NumberTaken()}) from None
    audit.record(session, at=now, actor=actor, action="device.person-mapped", object_kind="device",
                 object_id=device_id, estate_id=device.estate_id, person_id=str(data.person_id))  # fmt: skip
    return person_view(row)


async def unmap_person(
    session: AsyncSession, *, device_id: uuid.UUID, number: str, actor: Actor, now: datetime
) -> DevicePersonView:
    """A number means nobody any more."""
    row = await queries.standing_number(session, device_id=device_id, number=number)
    if row is None:
        raise NotFound
    row.removed_at = now
    audit.record(session, at=now, actor=actor, action="device.person-unmapped", object_kind="device",
                 object_id=device_id, estate_id=row.estate_id, person_id=str(row.person_id))  # fmt: skip
    return person_view(row)


def person_view(row: DevicePerson) -> DevicePersonView:
    """From the row."""
    return DevicePersonView(
        id=row.id, device_id=row.device_id, person_id=row.person_id, number=row.number, has_face=row.has_face,
        since=row.since, removed_at=row.removed_at,
    )  # fmt: skip


async def mark_silent(session: AsyncSession, now: datetime) -> int:
    """Opens an outage for every device that has been silent for longer than its rhythm; gives back how many.

    A device that was never heard counts from when it was added. Deliveries that still wait to be read count as
    contact: a slow worker is no silent device.
    """
    rows = await queries.not_known_silent(session)
    silent = [(device, last) for device, last in rows if now - last > rhythm(device.profile)]
    session.add_all(
        DeviceOutage(
            id=new_id(), estate_id=device.estate_id, device_id=device.id, reason=SILENCE, began_at=last, ended_at=None
        )
        for device, last in silent
    )
    return len(silent)
