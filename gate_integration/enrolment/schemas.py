"""Enrolment as it travels. No vector ever does."""

import uuid
from datetime import datetime
from typing import Any

import msgspec

from gate_integration.enrolment.models import FaceTemplate
from gate_integration.enrolment.service import EnrolmentResult
from gate_integration.faces.reasons import Reason


class ReasonView(msgspec.Struct, frozen=True, kw_only=True):
    """A remark on a photo: what is wrong and what to do. `refuses` tells a refusal from a warning."""

    code: str
    zh: str
    en: str
    refuses: bool


class EnrolmentView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an accepted photo. `resembles`: other registered people to be checked by a person."""

    verdict: str
    reasons: list[ReasonView]
    template_id: uuid.UUID
    photo_kept: bool
    resembles: list[uuid.UUID]


class TemplateView(msgspec.Struct, frozen=True, kw_only=True):
    """A standing template, without its vector."""

    id: uuid.UUID
    person_id: uuid.UUID
    engine: str
    model_hash: str
    quality: dict[str, Any]
    photo_kept: bool
    created_at: datetime


def reason_views(reasons: tuple[Reason, ...]) -> list[ReasonView]:
    """Remarks as they travel."""
    return [ReasonView(code=one.code, zh=one.zh, en=one.en, refuses=one.refuses) for one in reasons]


def enrolment_view(result: EnrolmentResult, template_id: uuid.UUID) -> EnrolmentView:
    """An accepted photo as it travels."""
    return EnrolmentView(
        verdict=result.verdict, reasons=reason_views(result.reasons), template_id=template_id,
        photo_kept=result.object_id is not None, resembles=list(result.resembles),
    )  # fmt: skip


def template_view(row: FaceTemplate) -> TemplateView:
    """A template as it travels."""
    return TemplateView(
        id=row.id, person_id=row.person_id, engine=row.engine, model_hash=row.model_hash, quality=row.quality,
        photo_kept=row.photo_object_id is not None, created_at=row.created_at,
    )  # fmt: skip
