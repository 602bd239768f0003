"""How long people whose registration has ended are kept, and how far holds reach in the register."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, DateTime, and_, cast, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from inspection.registry.households.models import GuestStay, Household, HouseholdMember, Lease, Person, ServiceWorker
from inspection.registry.places.models import Estate, HousingUnit
from storage.holds.models import HoldScope
from storage.holds.reach import Cover, Locate
from storage.retention.classes import Described, Removed, RowRetention, Tools
from storage.rules.values import RuleDefault

CONTACT = RuleDefault(
    "retention.contact_days", 365, "calendar_day",
    "退房清算、押金退还与一年内的诉讼所需；此后无联系必要（个人信息保护法 19、47），须由法律顾问确认",
)  # fmt: skip
RULES = (CONTACT,)
OPEN_END = date(9999, 12, 30)


def ended_at() -> ColumnElement[datetime]:
    """The midnight in Shanghai that ends the last registered day of a person, far away for one who is registered.

    For somebody who never was: when the row was made.
    """
    last_days = [
        select(func.max(func.coalesce(model.valid_to, OPEN_END))).where(model.person_id == Person.id).scalar_subquery()
        for model in (HouseholdMember, GuestStay, ServiceWorker)
    ]
    midnight = cast(func.greatest(*last_days) + 1, DateTime(timezone=False))
    return func.coalesce(func.timezone("Asia/Shanghai", midnight), Person.created_at)


async def forget_contact(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """Deletes the phone number; name and history stay with the register."""
    del tools, now
    await session.execute(
        update(Person)
        .where(Person.id.in_(ids))
        .values(phone_sealed=None, phone_index=None)
        .execution_options(synchronize_session=False)
    )
    return Removed(ids=ids, rows=len(ids))


def with_contact(_: datetime) -> ColumnElement[bool]:
    """Somebody whose phone is known and who is nobody's guardian."""
    ward = aliased(Person)
    return and_(
        or_(Person.phone_sealed.is_not(None), Person.phone_index.is_not(None)),
        ~exists().where(ward.guardian_id == Person.id, ward.erased_at.is_(None)),
    )


async def widen(session: AsyncSession, cover: Cover) -> Cover:
    """A held flat holds the household of its newest lease, a household its flat, its members and its guests."""
    if cover.units:
        newest = (
            select(Lease.household_id)
            .ext(distinct_on(Lease.unit_id))
            .where(cover.any_of(units=Lease.unit_id))
            .order_by(Lease.unit_id, Lease.valid_from.desc())
        )
        cover = cover.widened(households=list(await session.scalars(newest)))
    if not cover.households:
        return cover
    flats = (
        select(Lease.unit_id)
        .ext(distinct_on(Lease.household_id))
        .where(cover.any_of(households=Lease.household_id))
        .order_by(Lease.household_id, Lease.valid_from.desc())
    )
    people = [
        person
        for model in (HouseholdMember, GuestStay)
        for person in await session.scalars(
            select(model.person_id).where(cover.any_of(households=model.household_id)).distinct()
        )
    ]
    return cover.widened(units=list(await session.scalars(flats)), people=people)


async def estate_itself(session: AsyncSession, estate_id: uuid.UUID) -> uuid.UUID | None:
    """The estate, in scope."""
    found: uuid.UUID | None = await session.scalar(select(Estate.id).where(Estate.id == estate_id))
    return found


def _of(model: type[HousingUnit] | type[Household] | type[Person]) -> Locate:
    async def locate(session: AsyncSession, thing_id: uuid.UUID) -> uuid.UUID | None:
        found: uuid.UUID | None = await session.scalar(select(model.estate_id).where(model.id == thing_id))
        return found

    return locate


LOCATE: dict[HoldScope, Locate] = {
    HoldScope.ESTATE: estate_itself,
    HoldScope.UNIT: _of(HousingUnit),
    HoldScope.HOUSEHOLD: _of(Household),
    HoldScope.PERSON: _of(Person),
}

CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "people.contact", "已退出人员的联系方式", "contact data of people who have left",
            "登记的最后一天结束之时；只删除电话", "the end of the last registered day; only the phone goes", CONTACT,
        ),
        key=Person.id, clock=ended_at(), estate=Person.estate_id, where=with_contact,
        held=lambda cover: cover.any_of(estates=Person.estate_id, people=Person.id),
        act=forget_contact,
    ),
)  # fmt: skip
