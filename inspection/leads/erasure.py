"""Leads that name an erased person in their words."""

from datetime import datetime

from sqlalchemy import func, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.leads.models import Lead, LeadStatus
from inspection.registry.households.erasure import ERASED_NAME
from inspection.registry.households.models import GuestStay, HouseholdMember, Person, ServiceWorker, WorkerHousehold
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools

OF_CASES = (LeadStatus.ACCEPTED, LeadStatus.SETTLED)


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Takes the name out of leads that became no case. Those of cases are the case's record and stay as long as it."""
    del tools, now
    person = await session.get(Person, subject.subject_id)
    if person is None or person.erased_at is not None:
        return []
    homes = union(
        select(HouseholdMember.household_id).where(HouseholdMember.person_id == person.id),
        select(GuestStay.household_id).where(GuestStay.person_id == person.id),
        select(WorkerHousehold.household_id)
        .join(ServiceWorker, ServiceWorker.id == WorkerHousehold.worker_id)
        .where(ServiceWorker.person_id == person.id),
    )
    of_cases = await session.scalar(
        select(func.count()).select_from(Lead).where(Lead.household_id.in_(homes), Lead.status.in_(OF_CASES))
    )
    proofs = []
    if of_cases:
        proofs.append(Proof(noun="lead", done="kept", count=of_cases, kept_why=str(Part.CASE_RECORDS)))
    if subject.keeps(Part.REGISTER) or subject.keeps(Part.TRAIL):
        return proofs
    changed = 0
    for lead in await session.scalars(
        select(Lead).where(Lead.household_id.in_(homes), Lead.status.not_in(OF_CASES)).with_for_update()
    ):
        for column in ("summary_zh", "summary_en", "decision_reason"):
            text: str | None = getattr(lead, column)
            if text is not None and person.name in text:
                setattr(lead, column, text.replace(person.name, ERASED_NAME))
                changed += 1
    return [*proofs, Proof(noun="lead", done="name-removed", count=changed)]
