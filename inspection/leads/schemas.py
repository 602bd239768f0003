"""Leads as they travel."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from inspection.leads.models import LeadSource, LeadStatus

Reason = Annotated[str, msgspec.Meta(min_length=4, max_length=2000, description="理由 / why", examples=["经核对属实"])]
Summary = Annotated[str, msgspec.Meta(min_length=4, max_length=4000)]


class LeadInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lead that a person enters: a complaint, a hotline call, a spot check, what an officer noticed."""

    household_id: uuid.UUID
    unit_id: uuid.UUID
    source: LeadSource
    summary_zh: Summary
    summary_en: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class ReasonInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody decides what they decide."""

    reason: Reason


class LeadView(msgspec.Struct, frozen=True, kw_only=True):
    """A lead. Its frozen evidence is read by itself, with a purpose and a reason."""

    id: uuid.UUID
    estate_id: uuid.UUID
    household_id: uuid.UUID
    unit_id: uuid.UUID
    source: LeadSource
    rule: str | None
    discrepancy_ids: list[uuid.UUID]
    summary_zh: str
    summary_en: str
    status: LeadStatus
    created_at: datetime
    created_by: uuid.UUID | None
    decided_at: datetime | None
    decided_by: uuid.UUID | None
    decision_reason: str | None
