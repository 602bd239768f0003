"""Looking things up in the audit log. Every search is itself on record, with what was asked and why."""

import uuid
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import and_, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit.models import AuditEntry, AuditLink, AuditPayload
from storage.audit.service import PERSON, Actor, record

SEARCHED = "audit.searched"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None means anything. `action` is the beginning of one.

    `subject_id`: a person, as the object of an entry or as the one whom its payload tells of.
    """

    actor_user_id: uuid.UUID | None = None
    action: str | None = None
    object_kind: str | None = None
    object_id: uuid.UUID | None = None
    subject_id: uuid.UUID | None = None
    estate_id: uuid.UUID | None = None
    purpose: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def said(self) -> dict[str, str]:
        """The filters, for the record of the search."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else str(value)
            for name, value in found.items()
            if value is not None
        }


@dataclass(frozen=True, slots=True)
class Found:
    """An entry with its place in the chain, None while it is not sealed."""

    entry: AuditEntry
    sequence: int | None

    @property
    def erased(self) -> bool:
        """Whether it had a payload that was erased."""
        return self.entry.payload_digest is not None and self.entry.side is None


async def show_unplaced(session: AsyncSession) -> None:
    """For this transaction also entries of no estate: for somebody whose grant covers everything."""
    await session.execute(text("SELECT set_config('ruhu.unplaced', 'yes', true)"))


async def search(
    session: AsyncSession,
    *,
    wanted: Wanted,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    reason: str,
    actor: Actor,
    now: datetime,
) -> list[Found]:
    """Entries in scope, newest first, from after a place (at, id). Adds the search itself to the log."""
    query = (
        select(AuditEntry, AuditLink.sequence)
        .outerjoin(AuditLink, AuditLink.entry_id == AuditEntry.id)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(limit)
    )
    for name in ("actor_user_id", "object_kind", "object_id", "estate_id", "purpose"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(getattr(AuditEntry, name) == value)
    if wanted.action is not None:
        query = query.where(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.subject_id is not None:
        told = select(AuditPayload.entry_id).where(AuditPayload.subject_id == wanted.subject_id)
        query = query.where(
            or_(
                and_(AuditEntry.object_kind == PERSON, AuditEntry.object_id == wanted.subject_id),
                AuditEntry.id.in_(told),
            )
        )
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEntry.at < wanted.until)
    if after is not None:
        query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < tuple_(*after))
    found = [Found(entry, sequence) for entry, sequence in await session.execute(query)]
    record(
        session, at=now, actor=actor, action=SEARCHED, object_kind="audit", object_id=None,
        estate_id=wanted.estate_id, reason=reason, subject_id=wanted.subject_id, wanted=wanted.said(),
        shown=len(found),
    )  # fmt: skip
    return found
