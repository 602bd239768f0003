"""Evidence of a case: added by a person, reviewed by a person (行政处罚法 40, 41)."""

import uuid
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import access, facts
from inspection.cases.errors import CaseNotFound
from inspection.cases.models import CaseEvidence, EvidenceReview
from inspection.cases.schemas import EvidenceInput, EvidenceReviewInput
from inspection.cases.vocabulary import EvidenceKind, Permit
from storage.audit.service import Actor, record
from storage.ids import new_id
from storage.problems import Invalid

EVIDENCE: Final = frozenset({Permit.ADD_EVIDENCE})
PROOF: Final = frozenset({Permit.ADD_RECTIFICATION_PROOF})


async def add(
    session: AsyncSession,
    *,
    case_id: uuid.UUID,
    data: EvidenceInput,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> CaseEvidence:
    """Adds a piece of evidence, or proof that the matter was put right: each in the states that permit it.

    Raises `NotPermitted` in any other state.
    """
    opened = await access.permitted(
        session, case_id=case_id, permits=PROOF if data.proves_rectification else EVIDENCE, actor=actor,
        any_of=access.HANDS, version=version,
    )  # fmt: skip
    case = opened.case
    row = CaseEvidence(
        id=new_id(), estate_id=case.estate_id, case_id=case.id, kind=EvidenceKind(data.kind.value),
        source_kind="person", source_id=None, description=data.description, facts=data.facts,
        proves_rectification=data.proves_rectification, added_by=opened.officer.user_id, added_at=now,
    )  # fmt: skip
    session.add(row)
    case.version += 1
    record(
        session, at=now, actor=actor, action="case.evidence-added", object_kind="case", object_id=case.id,
        estate_id=case.estate_id, evidence_id=str(row.id), kind=data.kind.value,
        proves_rectification=data.proves_rectification,
    )  # fmt: skip
    return row


async def review(
    session: AsyncSession,
    *,
    case_id: uuid.UUID,
    evidence_id: uuid.UUID,
    data: EvidenceReviewInput,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> EvidenceReview:
    """A manager with a certificate says whether a piece of evidence may be used; the newest review counts.

    A machine's record is admissible only when every check of 行政处罚法 41 was made. Raises `Invalid` otherwise.
    A proof of rectification may be reviewed wherever anything may be added, evidence only where evidence may.
    """
    opened = await access.permitted(
        session, case_id=case_id, permits=EVIDENCE | PROOF, actor=actor, any_of=access.MANAGERS,
        version=version, certified=True,
    )  # fmt: skip
    case = opened.case
    item = await session.get(CaseEvidence, evidence_id)
    if item is None or item.case_id != case.id:
        raise CaseNotFound("本案没有该证据", "The case has no such evidence")
    if not item.proves_rectification:
        access.demand(case, EVIDENCE)
    checks = msgspec.to_builtins(data.checks)
    if data.admissible and facts.needs_checks(item) and not all(checks.values()):
        raise Invalid(
            "电子设备记录须经法制和技术审核、设置合理、标志明显、位置已公布，方可作为证据（行政处罚法第四十一条）",
            "A machine's record needs every check of article 41 before it may be used",
            missing=sorted(name for name, done in checks.items() if not done),
        )
    row = EvidenceReview(
        id=new_id(), estate_id=case.estate_id, evidence_id=item.id, admissible=data.admissible, checks=checks,
        note=data.note, reviewed_by=opened.officer.user_id, reviewed_at=now,
    )  # fmt: skip
    session.add(row)
    case.version += 1
    record(
        session, at=now, actor=actor, action="case.evidence-reviewed", object_kind="case", object_id=case.id,
        estate_id=case.estate_id, reason=data.note[:1000], evidence_id=str(item.id), admissible=data.admissible,
    )  # fmt: skip
    return row
