"""Signing keys as they travel. A secret travels once, in the answer that made it."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from gate_integration.webhook_keys.models import WebhookKey

OVERLAP_HOURS = 24
KeyText = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class WebhookKeyInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A further signing key.

    `secret`: one the sender made (`whsec_…`, 24 to 64 bytes); `public_key`: the sender's (`whpk_…`, Ed25519); with
    neither, a secret is made here. `overlap_hours`: how long the keys before stay good.
    """

    secret: KeyText | None = None
    public_key: KeyText | None = None
    overlap_hours: Annotated[int, msgspec.Meta(ge=0, le=24 * 30)] = OVERLAP_HOURS


class WebhookKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A signing key without the key. `last_used_at`: None when it was not used as long as messages are remembered."""

    id: uuid.UUID
    device_id: uuid.UUID
    kind: Literal["secret", "public"]
    created_at: datetime
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: WebhookKey, last_used_at: datetime | None = None) -> "WebhookKeyView":
        """From the row."""
        return cls(
            id=row.id, device_id=row.device_id, kind="public" if row.kind == "public" else "secret",
            created_at=row.created_at, valid_from=row.valid_from, valid_until=row.valid_until,
            revoked_at=row.revoked_at, last_used_at=last_used_at,
        )  # fmt: skip


class NewWebhookKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was added. `secret` is shown this once, and only when it was made here. `path`: where to send to."""

    key: WebhookKeyView
    secret: str | None
    path: str
