"""Writing audit rows, and erasing what of them can be erased."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit import chain
from storage.audit.models import AuditEntry, AuditPayload
from storage.ids import new_id

PERSON = "person"
ERASED = "audit.payloads-erased"
"""The action of the rows that say how many payloads were erased; verification counts on them."""


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
    subject_id: uuid.UUID | None = None,
    **payload: Any,  # noqa: ANN401
) -> AuditEntry:
    """Adds an audit row to the transaction: it stands if, and only if, the thing itself stands.

    `reason` and `payload` can be erased later, with those of `subject_id`: the person whom they tell of, which is the
    object itself where that is a person, or the payload's `person_id`.
    """
    subject = subject_id or (object_id if object_kind == PERSON else None) or _person_in(payload)
    entry = AuditEntry(
        id=new_id(), at=at, actor_user_id=actor.user_id, actor_kind=actor.kind, action=action, object_kind=object_kind,
        object_id=object_id, estate_id=estate_id, purpose=purpose,
    )  # fmt: skip
    if payload or reason is not None or subject not in (None, object_id):
        side = chain.Payload(subject, secrets.token_bytes(16), chain.body(payload, reason))
        entry.payload_digest = chain.payload_digest(side)
        entry.side = AuditPayload(entry_id=entry.id, subject_id=side.subject_id, salt=side.salt, body=side.body)
    session.add(entry)
    return entry


def _person_in(payload: dict[str, Any]) -> uuid.UUID | None:
    told = payload.get("person_id")
    return uuid.UUID(str(told)) if told else None


async def erase_payloads(session: AsyncSession, *, subject_id: uuid.UUID, now: datetime) -> int:
    """Deletes what audit rows say of a person, with the salts; the rows and the chain stay. Tells how many.

    For the worker's role alone. Doing it again erases what was written since.
    """
    gone = await session.execute(delete(AuditPayload).where(AuditPayload.subject_id == subject_id))
    return _erased(session, count=int(gone.rowcount), subject_id=subject_id, now=now)  # type: ignore[attr-defined]  # a DELETE counts


async def erase_payloads_of(session: AsyncSession, *, entry_ids: Sequence[uuid.UUID], now: datetime) -> int:
    """Deletes the payloads of these rows; the rows and the chain stay. For the deleting job (`retention`) alone."""
    gone = await session.execute(delete(AuditPayload).where(AuditPayload.entry_id.in_(entry_ids)))
    return _erased(session, count=int(gone.rowcount), subject_id=None, now=now)  # type: ignore[attr-defined]  # a DELETE counts


def _erased(session: AsyncSession, *, count: int, subject_id: uuid.UUID | None, now: datetime) -> int:
    if count:
        # Its own payload is a number and no person's: it outlives every erasure, and verification adds them up.
        record(
            session, at=now, actor=Actor.system("worker"), action=ERASED, object_kind="audit-payload",
            object_id=subject_id, count=count,
        )  # fmt: skip
    return count
