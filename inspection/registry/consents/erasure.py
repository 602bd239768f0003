"""Consents of an erased person: none stands any more; that there were some, and when, remains as proof."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.consents.models import Consent
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Ends every consent, and takes out who consented for the person and in which words it was withdrawn.

    Whoever wants their biometrics erased consents no more. What stays (scope, notice version, channel, moments) is
    what 个人信息保护法 14 and 69 make the operator prove.
    """
    del tools
    own = Consent.person_id == subject.subject_id
    ended = await session.scalar(select(func.count()).select_from(Consent).where(own, Consent.withdrawn_at.is_(None)))
    await session.execute(
        update(Consent).where(own, Consent.withdrawn_at.is_(None)).values(withdrawn_at=now, withdrawn_reason="erasure")
    )
    if not subject.keeps(Part.REGISTER):
        await session.execute(update(Consent).where(own).values(given_by_guardian_id=None, withdrawn_reason="erasure"))
    return [Proof(noun="consent", done="ended", count=ended or 0)]
