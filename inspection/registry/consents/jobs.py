"""Timers: a day that passes ends bases and consents just as a withdrawal does."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.consents import queries
from inspection.registry.consents.basis import end_basis
from inspection.registry.consents.service import end
from storage.audit.service import Actor
from storage.clock import local_day


@dataclass(frozen=True, slots=True)
class Ended:
    """How much one run ended."""

    bases: int
    consents_expired: int
    consents_of_leavers: int


async def expire(session: AsyncSession, now: datetime) -> Ended:
    """Ends what expired, and the consents of people who left the estate. Runs in the worker's scope; may run again."""
    worker = Actor.system("worker")
    today = local_day(now)
    bases = await queries.expired_bases(session, on=today)
    for basis in bases:
        await end_basis(session, row=basis, action="basis.expire", reason="expired", actor=worker, now=now)
    expired = await queries.expired_consents(session, on=today)
    for consent in expired:
        await end(session, row=consent, action="consent.expire", reason="expired", actor=worker, now=now)
    leavers = await queries.consents_of_leavers(session, on=today)
    for consent in leavers:
        await end(session, row=consent, action="consent.expire", reason="left", actor=worker, now=now)
    return Ended(len(bases), len(expired), len(leavers))
