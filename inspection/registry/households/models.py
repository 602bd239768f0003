"""Registered people. Dates are local (Asia/Shanghai); a `valid_to` is the last day that counts, None = open."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, DateTime, ForeignKey, LargeBinary, String, UniqueConstraint, Uuid, func
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql import literal_column

from storage.columns import Code, Day, EstateRef, Id, Moment, Name
from storage.database import Base


class HouseholdKind(StrEnum):
    """How a household is assisted."""

    IN_KIND = "in_kind"  # 实物配租
    RENT_SUBSIDY = "rent_subsidy"  # 租赁补贴


class MemberRole(StrEnum):
    """A member's place in the household."""

    TENANT = "tenant"  # 承租人
    CO_TENANT = "co_tenant"  # 共同承租人
    CO_RESIDENT = "co_resident"  # 共同居住人


class WorkerKind(StrEnum):
    """Kinds of people who work in an estate."""

    CARER = "carer"
    COURIER = "courier"
    CLEANER = "cleaner"
    METER = "meter"
    MAINTENANCE = "maintenance"
    OTHER = "other"


class CareLevel(StrEnum):
    """How closely care looks after a household."""

    STANDARD = "standard"
    HIGH = "high"


class CareKind(StrEnum):
    """Why a household is looked after (重点关注对象)."""

    LONE_ELDER = "lone_elder"  # 孤寡老人
    NO_SUPPORT = "no_support"  # 三无人员
    ILL = "ill"  # 病痛户
    DISABLED = "disabled"  # 残疾
    OTHER = "other"


class AbsenceReason(StrEnum):
    """Why somebody is away, as the household told it."""

    HOSPITAL = "hospital"
    TRAVEL = "travel"
    WORK = "work"
    FAMILY = "family"
    OTHER = "other"


class Person(Base):
    """A person as one estate knows them; the same human in two estates has two rows with one `id_number_index`.

    ID number and phone are sealed under the person's own key; `id_number_masked` is what lists show.
    """

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("estate_id", "id_number_index"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    name: Mapped[Name]
    birth_date: Mapped[date | None] = mapped_column(Date)
    id_number_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    id_number_masked: Mapped[str] = mapped_column(String(18), default="")
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    guardian_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Moment]
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Household(Base):
    """保障家庭/户. `number` is the authority's file number.

    `evidence_from`: what gates told before that day counts for nothing, since somebody to whom it belonged was erased
    and nobody can tell any more whose passages those were.
    """

    __tablename__ = "household"
    __table_args__ = (UniqueConstraint("estate_id", "number"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    number: Mapped[Code]
    kind: Mapped[Code]
    created_at: Mapped[Moment]
    evidence_from: Mapped[date | None] = mapped_column(Date)


class HouseholdMember(Base):
    """Somebody registered as living with a household."""

    __tablename__ = "household_member"
    __table_args__ = (UniqueConstraint("household_id", "person_id", "valid_from"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[Code]
    valid_from: Mapped[Day]
    valid_to: Mapped[date | None] = mapped_column(Date)


class Lease(Base):
    """租赁合同. Two leases never overlap on one unit."""

    __tablename__ = "lease"
    __table_args__ = (
        ExcludeConstraint(
            (literal_column("unit_id"), "="),
            (func.daterange(literal_column("valid_from"), literal_column("valid_to"), "[]"), "&&"),
            name="ex_lease_unit_period",
            using="gist",
        ),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), index=True)
    unit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("housing_unit.id"), index=True)
    number: Mapped[Code]
    valid_from: Mapped[Day]
    valid_to: Mapped[date | None] = mapped_column(Date)


class GuestStay(Base):
    """临时居住报备: somebody stays with a household for a while, told beforehand."""

    __tablename__ = "guest_stay"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    valid_from: Mapped[Day]
    valid_to: Mapped[Day]
    relation: Mapped[Name]
    recorded_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    created_at: Mapped[Moment]
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ServiceWorker(Base):
    """Somebody known to the estate by their work: a carer, courier, cleaner."""

    __tablename__ = "service_worker"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[Code]
    employer: Mapped[Name]
    valid_from: Mapped[Day]
    valid_to: Mapped[date | None] = mapped_column(Date)
    recorded_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    created_at: Mapped[Moment]


class WorkerHousehold(Base):
    """The households a service worker comes for; none means the whole estate."""

    __tablename__ = "worker_household"

    worker_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_worker.id"), primary_key=True)
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), primary_key=True, index=True)
    estate_id: Mapped[EstateRef]


class CareTag(Base):
    """重点关注对象. `level`: standard or high; `valid_to` ends the wait of compliance rules."""

    __tablename__ = "care_tag"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), index=True)
    level: Mapped[Code]
    kind: Mapped[Code]
    valid_from: Mapped[Day]
    valid_to: Mapped[date | None] = mapped_column(Date)


class Absence(Base):
    """An absence the household told: hospital, travel, work elsewhere. `told_at` is when we learnt of it."""

    __tablename__ = "absence"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    valid_from: Mapped[Day]
    valid_to: Mapped[Day]
    reason: Mapped[Code]
    told_at: Mapped[Moment]
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
