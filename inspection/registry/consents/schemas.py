"""Bases and consents as the API takes and shows them."""

import uuid
from datetime import date, datetime
from typing import Annotated

import msgspec

from inspection.registry.consents.basis import NewBasis
from inspection.registry.consents.models import Consent, ConsentScope, ProcessingBasis, Purpose
from inspection.registry.consents.service import Channel
from storage.clock import local_day
from storage.fields import ShortCode, Title

Reason = Annotated[str, msgspec.Meta(min_length=2, max_length=1000)]


class BasisInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A processing basis: legal ground, impact assessment, notice, signature. Days are local and inclusive."""

    purpose: Purpose
    legal_basis: Title
    assessment_number: ShortCode
    assessment_date: date
    notice_version: ShortCode
    signed_by: Title
    valid_from: date
    valid_to: date

    def basis(self) -> NewBasis:
        """As the service takes it."""
        return NewBasis(**msgspec.structs.asdict(self))


class BasisView(msgspec.Struct, frozen=True, kw_only=True):
    """A processing basis."""

    id: uuid.UUID
    estate_id: uuid.UUID
    purpose: Purpose
    legal_basis: str
    assessment_number: str
    assessment_date: date
    notice_version: str
    signed_by: str
    valid_from: date
    valid_to: date
    ended_at: datetime | None
    in_force: bool

    @classmethod
    def of(cls, row: ProcessingBasis, *, now: datetime) -> "BasisView":
        """From the row; `in_force` on the local day of `now`."""
        today = local_day(now)
        return cls(
            id=row.id, estate_id=row.estate_id, purpose=Purpose(row.purpose), legal_basis=row.legal_basis,
            assessment_number=row.assessment_number, assessment_date=row.assessment_date,
            notice_version=row.notice_version, signed_by=row.signed_by, valid_from=row.valid_from,
            valid_to=row.valid_to, ended_at=row.withdrawn_at,
            in_force=row.withdrawn_at is None and row.valid_from <= today <= row.valid_to,
        )  # fmt: skip


class WithdrawalInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a basis or a consent is withdrawn; a person need give no reason, so this may be "本人要求"."""

    reason: Reason = "本人要求"


class ConsentInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Consent of a person to some scopes, told by the current notice."""

    scopes: Annotated[list[ConsentScope], msgspec.Meta(min_length=1, max_length=len(ConsentScope))]
    notice_version: ShortCode
    channel: Channel
    guardian_id: uuid.UUID | None = None
    valid_to: date | None = None


class ConsentView(msgspec.Struct, frozen=True, kw_only=True):
    """One scope of a person's consent."""

    id: uuid.UUID
    person_id: uuid.UUID
    scope: ConsentScope
    notice_version: str
    channel: str
    given_at: datetime
    given_by_guardian_id: uuid.UUID | None
    valid_to: date | None
    ended_at: datetime | None
    ended_reason: str | None
    stands: bool

    @classmethod
    def of(cls, row: Consent, *, now: datetime) -> "ConsentView":
        """From the row; `stands` on the local day of `now`."""
        today = local_day(now)
        return cls(
            id=row.id, person_id=row.person_id, scope=ConsentScope(row.scope), notice_version=row.notice_version,
            channel=row.channel, given_at=row.given_at, given_by_guardian_id=row.given_by_guardian_id,
            valid_to=row.valid_to, ended_at=row.withdrawn_at, ended_reason=row.withdrawn_reason,
            stands=row.withdrawn_at is None and (row.valid_to is None or row.valid_to >= today),
        )  # fmt: skip
