"""Entries of terminals that mean an erased person, or were proposed to."""

from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from gate_integration.terminal_people.models import EntryState, TerminalCandidate, TerminalEntry
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Deletes the person's entries, those nobody else was proposed for, and the proposals.

    What has to go from the terminals themselves is queued elsewhere, by what was confirmed; an entry that nobody had
    confirmed comes back with the next list, as unknown. Its number, if it waits to be removed, brings no name back.
    """
    del tools, now
    if subject.keeps(Part.REGISTER):
        return []
    other = aliased(TerminalCandidate)
    alone = (
        select(TerminalCandidate.entry_id)
        .join(TerminalEntry, TerminalEntry.id == TerminalCandidate.entry_id)
        .where(
            TerminalCandidate.person_id == subject.subject_id,
            TerminalEntry.state != EntryState.CONFIRMED,
            ~exists().where(other.entry_id == TerminalCandidate.entry_id, other.person_id != subject.subject_id),
        )
    )
    entries = (
        await session.scalars(
            delete(TerminalEntry)
            .where((TerminalEntry.person_id == subject.subject_id) | TerminalEntry.id.in_(alone))
            .returning(TerminalEntry.id)
            .execution_options(synchronize_session=False)
        )
    ).all()
    proposals = (
        await session.scalars(
            delete(TerminalCandidate)
            .where(TerminalCandidate.person_id == subject.subject_id)
            .returning(TerminalCandidate.entry_id)
            .execution_options(synchronize_session=False)
        )
    ).all()
    return [
        Proof(noun="terminal-entry", done="deleted", count=len(entries)),
        Proof(noun="terminal-proposal", done="deleted", count=len(proposals)),
    ]
