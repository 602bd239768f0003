"""Making, opening and ending a signing key."""

import secrets
import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.protocols.standard_webhooks import KeyKind, SigningKey
from gate_integration.webhook_keys.models import WebhookKey
from storage.ids import new_id
from storage.vault import crypto
from storage.vault.service import Vault

MADE_BYTES = 32


def place(key_id: uuid.UUID) -> str:
    """What a sealed secret is bound to."""
    return f"webhook-key/{key_id}"


def delivery_path(device_id: uuid.UUID) -> str:
    """Where a device's sender sends to. It is no secret: the signature is."""
    return f"/gate/webhook/{device_id}"


def made_secret() -> bytes:
    """A fresh shared secret."""
    return secrets.token_bytes(MADE_BYTES)


async def add_key(
    session: AsyncSession,
    *,
    device_id: uuid.UUID,
    estate_id: uuid.UUID,
    kind: KeyKind,
    material: bytes,
    vault: Vault,
    now: datetime,
) -> WebhookKey:
    """Writes a key that is good from now on."""
    key_id = new_id()
    sealed = None
    if kind is KeyKind.SECRET:
        wrapping = await vault.estate_key(session, estate_id=estate_id, now=now)
        sealed = crypto.seal(wrapping, material, place=place(key_id))
    row = WebhookKey(
        id=key_id, estate_id=estate_id, device_id=device_id, kind=kind, sealed=sealed,
        public_key=material if kind is KeyKind.PUBLIC else None, created_at=now, valid_from=now, valid_until=None,
        revoked_at=None,
    )  # fmt: skip
    session.add(row)
    return row


def open_key(
    estate_key: bytes | None,
    *,
    key_id: uuid.UUID,
    kind: str,
    sealed: bytes | None,
    public_key: bytes | None,
    valid_from: datetime,
    valid_until: datetime | None,
) -> SigningKey | None:
    """A stored key, ready to check signatures with; None for one without its material."""
    material = public_key
    if kind == KeyKind.SECRET and sealed is not None and estate_key is not None:
        material = crypto.unseal(estate_key, sealed, place=place(key_id))
    return SigningKey(key_id, KeyKind(kind), material, valid_from, valid_until) if material is not None else None


def revoke(row: WebhookKey, now: datetime) -> None:
    """Ends a key; its secret is destroyed."""
    row.revoked_at = now
    row.valid_until = min(now, row.valid_until or now)
    row.sealed = None
