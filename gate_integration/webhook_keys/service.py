"""Signing keys: added, exchanged, revoked, listed."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import GateDevice
from gate_integration.devices.service import known_device, standing_device
from gate_integration.protocols import standard_webhooks
from gate_integration.protocols.standard_webhooks import KeyKind
from gate_integration.webhook_keys import keys, queries
from gate_integration.webhook_keys.errors import BadKey, KeyRevoked, NotAWebhook
from gate_integration.webhook_keys.schemas import NewWebhookKey, WebhookKeyInput, WebhookKeyView
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.problems import NotFound
from storage.vault.service import Vault

STANDING_KEYS = 2


def _signing(device: GateDevice) -> GateDevice:
    if device.vendor != "webhook":
        raise NotAWebhook
    return device


def _material(data: WebhookKeyInput) -> tuple[KeyKind, bytes, str | None]:
    """Kind and bytes of the key asked for, and the secret to show: one that was made here."""
    if data.secret is not None and data.public_key is not None:
        raise BadKey("密钥与公钥只能给出一个", "Name a secret or a public key, not both")
    if data.public_key is not None:
        public = standard_webhooks.read_public_key(data.public_key)
        if public is None:
            raise BadKey("公钥应为 whpk_ 加 32 字节的 base64", "A public key is whpk_ and 32 bytes in base64")
        return KeyKind.PUBLIC, public, None
    if data.secret is not None:
        secret = standard_webhooks.read_secret(data.secret)
        if secret is None:
            raise BadKey("密钥应为 whsec_ 加 24 至 64 字节的 base64", "A secret is whsec_ and 24 to 64 bytes in base64")
        return KeyKind.SECRET, secret, None
    made = keys.made_secret()
    return KeyKind.SECRET, made, standard_webhooks.secret_text(made)


async def rotate(
    session: AsyncSession, *, device_id: uuid.UUID, data: WebhookKeyInput, vault: Vault, actor: Actor, now: datetime
) -> NewWebhookKey:
    """A further key, good at once. The key before stays good for the overlap; a third key revokes the oldest.

    Raises `NotFound`, `DeviceRetired`, `NotAWebhook`, `BadKey`.
    """
    device = _signing(await standing_device(session, device_id))
    kind, material, shown = _material(data)
    before = await queries.standing(session, device_id=device_id, now=now)
    ends = now + timedelta(hours=data.overlap_hours)
    spare = len(before) - (STANDING_KEYS - 1)
    for number, old in enumerate(before):
        if number < spare or data.overlap_hours == 0:
            keys.revoke(old, now)
        else:
            old.valid_until = min(ends, old.valid_until or ends)
    row = await keys.add_key(
        session, device_id=device_id, estate_id=device.estate_id, kind=kind, material=material, vault=vault, now=now
    )
    audit.record(session, at=now, actor=actor, action="webhook-key.rotated", object_kind="device", object_id=device.id,
                 estate_id=device.estate_id, key_id=str(row.id), kind=kind.value,
                 overlap_hours=data.overlap_hours)  # fmt: skip
    return NewWebhookKey(key=WebhookKeyView.of(row), secret=shown, path=keys.delivery_path(device.id))


async def revoke(
    session: AsyncSession, *, device_id: uuid.UUID, key_id: uuid.UUID, actor: Actor, now: datetime
) -> WebhookKeyView:
    """Ends a key at once, also the last one: what comes without a standing key is refused, and the sender keeps it.

    Raises `NotFound`, `NotAWebhook`, `KeyRevoked`.
    """
    device = _signing(await known_device(session, device_id))
    row = await queries.key(session, device_id=device_id, key_id=key_id)
    if row is None:
        raise NotFound
    if row.revoked_at is not None:
        raise KeyRevoked
    keys.revoke(row, now)
    audit.record(session, at=now, actor=actor, action="webhook-key.revoked", object_kind="device", object_id=device.id,
                 estate_id=device.estate_id, key_id=str(row.id))  # fmt: skip
    return WebhookKeyView.of(row)


async def listed(session: AsyncSession, *, device_id: uuid.UUID) -> list[WebhookKeyView]:
    """Every key of a device that is not forgotten yet, newest first; none where the device does not sign.

    Raises `NotFound`.
    """
    await known_device(session, device_id)
    return [WebhookKeyView.of(row, used) for row, used in await queries.listed(session, device_id=device_id)]
