"""Writing audit rows."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in user, or a named part of the system (`worker`, `cli`)."""

    kind: str
    user_id: uuid.UUID | None = None

    @classmethod
    def user(cls, user_id: uuid.UUID) -> "Actor":
        """A person."""
        return cls("user", user_id)

    @classmethod
    def system(cls, part: str) -> "Actor":
        """A part of the system."""
        return cls(part)


def record(
    session: AsyncSession,
    *,
    at: datetime,
    actor: Actor,
    action: str,
    object_kind: str,
    object_id: uuid.UUID | None,
    estate_id: uuid.UUID | None = None,
    purpose: str | None = None,
    reason: str | None = None,
    **payload: Any,  # noqa: ANN401
) -> AuditEntry:
    """Adds an audit row to the transaction: it stands if, and only if, the thing itself stands."""
    entry = AuditEntry(
        at=at, actor_user_id=actor.user_id, actor_kind=actor.kind, action=action, object_kind=object_kind,
        object_id=object_id, estate_id=estate_id, purpose=purpose, reason=reason, payload=payload,
    )  # fmt: skip
    session.add(entry)
    return entry
