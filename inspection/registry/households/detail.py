"""A household with everything registered about it, in one answer."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.households import queries
from inspection.registry.households.schemas import (
    AbsenceView,
    CareTagView,
    GuestView,
    HouseholdDetail,
    HouseholdView,
    LeaseView,
    MemberView,
    WorkerView,
)
from inspection.registry.households.service import get_household


async def household_detail(session: AsyncSession, *, household_id: uuid.UUID) -> HouseholdDetail:
    """Members, leases, guests, workers who come for it by name, care tags, absences. Raises `NotFound`."""
    household = await get_household(session, household_id=household_id)
    members = await queries.members(session, household_id=household_id)
    leases = await queries.leases(session, household_id=household_id)
    guests = await queries.guests(session, household_id=household_id)
    workers = await queries.workers(session, household_id=household_id)
    care = await queries.care_tags(session, household_id=household_id)
    absences = await queries.absences(session, person_ids={person.id for _, person in members})
    return HouseholdDetail(
        household=HouseholdView.of(household),
        members=[MemberView.of(row, person) for row, person in members],
        leases=[LeaseView.of(row, unit, building, entrance) for row, unit, building, entrance in leases],
        guests=[GuestView.of(row, person) for row, person in guests],
        workers=[WorkerView.of(row, [household_id], person) for row, person in workers],
        care_tags=[CareTagView.of(row) for row in care],
        absences=[AbsenceView.of(row) for row in absences],
    )
