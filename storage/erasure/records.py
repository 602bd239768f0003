"""What the audit log says of an erased person."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit.service import erase_payloads
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Deletes the payloads of audit rows that tell of the person; that something was done, and by whom, stays.

    While the register row stays, so do the records of what was done with it (个人信息保护法 56: three years).
    """
    del tools
    if subject.keeps(Part.REGISTER):
        return []
    count = await erase_payloads(session, subject_id=subject.subject_id, now=now)
    return [Proof(noun="audit-payload", done="deleted", count=count)]
