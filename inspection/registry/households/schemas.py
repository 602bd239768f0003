"""People and households as the API takes and shows them. An ID number is shown masked, a telephone not at all."""

import uuid
from datetime import date, datetime
from typing import Annotated

import msgspec

from inspection.registry.consents.models import Purpose
from inspection.registry.households.models import (
    Absence,
    AbsenceReason,
    CareKind,
    CareLevel,
    CareTag,
    GuestStay,
    Household,
    HouseholdKind,
    HouseholdMember,
    Lease,
    MemberRole,
    Person,
    ServiceWorker,
    WorkerKind,
)
from inspection.registry.households.people import PersonDetails, Secret
from inspection.registry.places.models import HousingUnit
from storage.fields import ShortCode, Title

Number = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class PersonInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody registered already (`id` alone), or as they are told: name, and ID number when there is one."""

    id: uuid.UUID | None = None
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    id_number: Number | None = None
    phone: Number | None = None
    birth_date: date | None = None
    guardian_id: uuid.UUID | None = None

    def person(self) -> PersonDetails | uuid.UUID:
        """As the services take it."""
        if self.id is not None:
            return self.id
        return PersonDetails(
            name=self.name, id_number=self.id_number, phone=self.phone, birth_date=self.birth_date,
            guardian_id=self.guardian_id,
        )  # fmt: skip


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """A person."""

    id: uuid.UUID
    name: str
    id_number_masked: str
    has_phone: bool
    birth_year: int | None
    guardian_id: uuid.UUID | None

    @classmethod
    def of(cls, row: Person) -> "PersonView":
        """From the row."""
        return cls(
            id=row.id, name=row.name, id_number_masked=row.id_number_masked, has_phone=row.phone_sealed is not None,
            birth_year=row.birth_date.year if row.birth_date else None, guardian_id=row.guardian_id,
        )  # fmt: skip


class UnmaskInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to see in clear, for which purpose and why; it goes to the audit log."""

    secret: Secret
    purpose: Purpose
    reason: Annotated[str, msgspec.Meta(min_length=2, max_length=1000)]


class UnmaskedView(msgspec.Struct, frozen=True, kw_only=True):
    """A number in clear."""

    person_id: uuid.UUID
    secret: Secret
    value: str


class HouseholdInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new household."""

    number: ShortCode
    kind: HouseholdKind = HouseholdKind.IN_KIND


class HouseholdView(msgspec.Struct, frozen=True, kw_only=True):
    """A household."""

    id: uuid.UUID
    estate_id: uuid.UUID
    number: str
    kind: HouseholdKind

    @classmethod
    def of(cls, row: Household) -> "HouseholdView":
        """From the row."""
        return cls(id=row.id, estate_id=row.estate_id, number=row.number, kind=HouseholdKind(row.kind))


class MemberInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who lives with the household. Days are local and inclusive."""

    person: PersonInput
    role: MemberRole
    valid_from: date
    valid_to: date | None = None


class LastDay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last day that counts."""

    valid_to: date


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """A membership."""

    id: uuid.UUID
    person_id: uuid.UUID
    role: MemberRole
    valid_from: date
    valid_to: date | None
    person: PersonView | None = None

    @classmethod
    def of(cls, row: HouseholdMember, person: Person | None = None) -> "MemberView":
        """From the row."""
        return cls(
            id=row.id, person_id=row.person_id, role=MemberRole(row.role), valid_from=row.valid_from,
            valid_to=row.valid_to, person=PersonView.of(person) if person else None,
        )  # fmt: skip


class LeaseInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lease of the household."""

    unit_id: uuid.UUID
    number: ShortCode
    valid_from: date
    valid_to: date | None = None


class LeaseView(msgspec.Struct, frozen=True, kw_only=True):
    """A lease with the unit it is of."""

    id: uuid.UUID
    household_id: uuid.UUID
    unit_id: uuid.UUID
    number: str
    valid_from: date
    valid_to: date | None
    unit_code: str = ""
    address: str = ""

    @classmethod
    def of(cls, row: Lease, unit: HousingUnit | None = None, building: str = "", entrance: str = "") -> "LeaseView":
        """From the row, with the unit when it was read too."""
        return cls(
            id=row.id, household_id=row.household_id, unit_id=row.unit_id, number=row.number,
            valid_from=row.valid_from, valid_to=row.valid_to, unit_code=unit.code if unit else "",
            address=f"{building}{entrance}{unit.room_no}" if unit else "",
        )  # fmt: skip


class GuestInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guest stay in one call: who, from when to when (inclusive), how related."""

    person: PersonInput
    valid_from: date
    valid_to: date
    relation: Title


class GuestView(msgspec.Struct, frozen=True, kw_only=True):
    """A guest stay."""

    id: uuid.UUID
    household_id: uuid.UUID
    person_id: uuid.UUID
    valid_from: date
    valid_to: date
    relation: str
    cancelled_at: datetime | None
    person: PersonView | None = None

    @classmethod
    def of(cls, row: GuestStay, person: Person | None = None) -> "GuestView":
        """From the row."""
        return cls(
            id=row.id, household_id=row.household_id, person_id=row.person_id, valid_from=row.valid_from,
            valid_to=row.valid_to, relation=row.relation, cancelled_at=row.cancelled_at,
            person=PersonView.of(person) if person else None,
        )  # fmt: skip


class WorkerInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service worker in one call; without households they work for the whole estate."""

    person: PersonInput
    kind: WorkerKind
    employer: Title
    valid_from: date
    valid_to: date | None = None
    household_ids: Annotated[list[uuid.UUID], msgspec.Meta(max_length=500)] = []


class WorkerView(msgspec.Struct, frozen=True, kw_only=True):
    """A service worker. `household_ids` empty: the whole estate."""

    id: uuid.UUID
    estate_id: uuid.UUID
    person_id: uuid.UUID
    kind: WorkerKind
    employer: str
    valid_from: date
    valid_to: date | None
    household_ids: list[uuid.UUID] = []
    person: PersonView | None = None

    @classmethod
    def of(cls, row: ServiceWorker, household_ids: list[uuid.UUID], person: Person | None = None) -> "WorkerView":
        """From the row."""
        return cls(
            id=row.id, estate_id=row.estate_id, person_id=row.person_id, kind=WorkerKind(row.kind),
            employer=row.employer, valid_from=row.valid_from, valid_to=row.valid_to, household_ids=household_ids,
            person=PersonView.of(person) if person else None,
        )  # fmt: skip


class CareTagInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A care tag of the household."""

    level: CareLevel = CareLevel.STANDARD
    kind: CareKind
    valid_from: date
    valid_to: date | None = None


class CareTagView(msgspec.Struct, frozen=True, kw_only=True):
    """A care tag."""

    id: uuid.UUID
    household_id: uuid.UUID
    level: str
    kind: str
    valid_from: date
    valid_to: date | None

    @classmethod
    def of(cls, row: CareTag) -> "CareTagView":
        """From the row."""
        return cls(
            id=row.id, household_id=row.household_id, level=row.level, kind=row.kind, valid_from=row.valid_from,
            valid_to=row.valid_to,
        )  # fmt: skip


class AbsenceInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An absence as it was told. Days are local and inclusive."""

    valid_from: date
    valid_to: date
    reason: AbsenceReason = AbsenceReason.OTHER


class AbsenceView(msgspec.Struct, frozen=True, kw_only=True):
    """A told absence."""

    id: uuid.UUID
    person_id: uuid.UUID
    valid_from: date
    valid_to: date
    reason: str
    told_at: datetime
    cancelled_at: datetime | None

    @classmethod
    def of(cls, row: Absence) -> "AbsenceView":
        """From the row."""
        return cls(
            id=row.id, person_id=row.person_id, valid_from=row.valid_from, valid_to=row.valid_to, reason=row.reason,
            told_at=row.told_at, cancelled_at=row.cancelled_at,
        )  # fmt: skip


class HouseholdDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A household with everything registered about it, ended records too."""

    household: HouseholdView
    members: list[MemberView]
    leases: list[LeaseView]
    guests: list[GuestView]
    workers: list[WorkerView]
    care_tags: list[CareTagView]
    absences: list[AbsenceView]
