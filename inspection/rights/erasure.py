"""What an erased person said in requests of theirs."""

from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.households.erasure import ERASED_NAME
from inspection.registry.households.models import Person
from inspection.rights.models import RightsRequest
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Empties the details of every request; that it was made, and how it was decided, stays without the name."""
    del tools, now
    own = RightsRequest.person_id == subject.subject_id
    person = await session.get(Person, subject.subject_id)
    if person is not None and person.erased_at is None and not subject.keeps(Part.REGISTER):
        written = (RightsRequest.identified_by, RightsRequest.paper_number, RightsRequest.decision_reason)
        named = or_(*(func.strpos(column, person.name) > 0 for column in written))
        for row in await session.scalars(select(RightsRequest).where(own, named).with_for_update()):
            row.identified_by = row.identified_by.replace(person.name, ERASED_NAME)[:200]
            row.paper_number = row.paper_number.replace(person.name, ERASED_NAME)[:64]
            if row.decision_reason is not None:
                row.decision_reason = row.decision_reason.replace(person.name, ERASED_NAME)[:2000]
    gone = await session.scalars(
        update(RightsRequest)
        .where(own, RightsRequest.details_sealed.is_not(None))
        .values(details_sealed=None)
        .returning(RightsRequest.id)
    )
    return [Proof(noun="request-details", done="emptied", count=len(gone.all()))]
