"""A case walked from the lead to its end on the real database, step by step, with the clock in the test's hand."""

import contextlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import delivery, evidence, opening, paperwork, reading, representations
from inspection.cases import service as cases
from inspection.cases.models import Case, CaseEvidence
from inspection.cases.schemas import (
    AddedKind,
    CaseDetails,
    EvidenceChecks,
    EvidenceInput,
    EvidenceReviewInput,
    MeasureKind,
    RepresentationInput,
    ServiceInput,
    ServiceMethod,
    StepInput,
)
from inspection.cases.vocabulary import Action, EvidenceKind, Violation
from inspection.documents import authorities
from inspection.documents.errors import DocumentIncomplete, NotInThisState
from inspection.documents.models import Document
from inspection.documents.schemas import AuthorityInput, DocumentDetails, DocumentInput
from inspection.documents.vocabulary import DocumentKind
from inspection.leads import service as leads
from inspection.users.models import ScopeLevel, UserRole
from inspection.visits import digest, uploads
from inspection.visits import service as visits
from inspection.visits.models import VisitKind, VisitResult
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database, Role
from storage.ids import new_id
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.vault.service import Vault
from tests.factories import World, make_user, make_world

INSIDE = {"lat": 39.9015, "lon": 116.302, "crs": "wgs84", "accuracy_m": 8.0, "provider": "gnss"}
NONE_YET = uuid.UUID(int=0)
PAPERS = {Action.GIVE_NOTICE: DocumentKind.NOTICE, Action.ORDER_RECTIFICATION: DocumentKind.ORDER}
HAN = "保安康宁泰和"
WAIVER = "承租人签字的放弃陈述申辩声明书"
BASIS = "公共租赁住房管理办法第二十七条第一款第一项；行政处罚法第二十八条"
CALM = dict.fromkeys(
    (
        "illness", "disability", "minors", "in_hospital", "caring_for_relatives", "violence", "shift_or_away_work",
        "bereavement", "schooling",
    ),
    False,
)  # fmt: skip


def authority(division_code: str, designator: str | None = None, name: str = "测试区住房保障局") -> AuthorityInput:
    """An issuing authority for a place."""
    return AuthorityInput(
        division_code=division_code, name=name, designator=designator or f"测住{HAN[int(division_code) % len(HAN)]}",
        address="测试区测试路一号", phone="000-0000", review_body="测试区人民政府", court="测试区人民法院",
    )  # fmt: skip


class FrozenEvidence:
    """The gate side as the office sees it: it copies what a lead rests on."""

    async def freeze(  # the session is the real one's way to its rows
        self, session: AsyncSession, *, discrepancy_ids: Sequence[uuid.UUID], now: datetime
    ) -> dict[str, Any]:
        return {
            "session": session.is_active,
            "frozen_at": now.isoformat(),
            "discrepancies": [str(found) for found in discrepancy_ids],
        }


@dataclass
class Road:
    """One world with its people and a clock. Methods do one thing each, in a transaction of their own."""

    database: Database
    clock: SimulatedClock
    world: World
    manager: uuid.UUID
    first: uuid.UUID
    second: uuid.UUID
    other: uuid.UUID
    objects: Objects
    case_id: uuid.UUID = NONE_YET

    @classmethod
    async def make(cls, database: Database, vault: Vault, clock: SimulatedClock, **more: Any) -> "Road":
        now = clock.now() - timedelta(days=1)
        world = await make_world(database, vault, now=now, **more)

        async def user(role: UserRole, certificate: str | None) -> uuid.UUID:
            return await make_user(
                database, now=now, role=role, level=ScopeLevel.ESTATE, code=str(world.estate_id),
                certificate=certificate,
            )  # fmt: skip

        async with database.transaction(Role.APP, world.scope) as session:
            await authorities.put(session, data=authority(world.division_code), actor=Actor.system("test"), now=now)
        return cls(
            database, clock, world,
            await user(UserRole.MANAGER, "ZF-M"), await user(UserRole.INSPECTOR, "ZF-1"),
            await user(UserRole.INSPECTOR, "ZF-2"), await user(UserRole.INSPECTOR, "ZF-3"),
            Objects(FilesystemStore(clock.path.parent / "objects"), vault, threads=1),
        )  # fmt: skip

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def wait(self, **delta: float) -> None:
        self.clock.advance(timedelta(**delta))

    def transaction(self) -> Any:
        return self.database.transaction(Role.APP, self.world.scope)

    async def gate_lead(
        self, *, rule: str = "SUBLET", flat: int = 0, discrepancy: uuid.UUID | None = None
    ) -> uuid.UUID:
        async with self.transaction() as session:
            lead = await leads.open_from_gate(
                session, estate_id=self.world.estate_id, household_id=self.world.households[flat],
                unit_id=self.world.units[flat], rule=rule, discrepancy_id=discrepancy or new_id(),
                summary_zh="门禁连续三周只见到未登记人员", summary_en="Only an unregistered person was seen",
                now=self.now,
            )  # fmt: skip
            return lead.id

    async def accept(self, lead_id: uuid.UUID | None = None) -> Case:
        lead_id = lead_id or await self.gate_lead()
        async with self.transaction() as session:
            _, case = await opening.accept_lead(
                session, lead_id=lead_id, reason="经核对，予以受理", gate_evidence=FrozenEvidence(),
                actor=Actor.user(self.manager), now=self.now,
            )  # fmt: skip
        self.case_id = case.id
        return case

    async def step(
        self, action: Action, *, by: uuid.UUID | None = None, version: int | None = None, **more: Any
    ) -> Case:
        if action in PAPERS and "document_id" not in more:
            with contextlib.suppress(DocumentIncomplete, NotInThisState):
                more["document_id"] = (
                    await self.paper(PAPERS[action], legal_basis=more.get("legal_basis"))
                ).document.id
        async with self.transaction() as session:
            return await cases.step(
                session, case_id=self.case_id, step=StepInput(action=action, **more),
                actor=Actor.user(by or self.manager), now=self.now, version=version,
            )  # fmt: skip

    async def draft(self, kind: DocumentKind, *, by: uuid.UUID | None = None, **more: Any) -> DocumentDetails:
        async with self.transaction() as session:
            return await paperwork.draft(
                session, case_id=self.case_id, data=DocumentInput(kind=kind, **more),
                actor=Actor.user(by or self.manager), now=self.now,
            )  # fmt: skip

    async def issue(
        self, document_id: uuid.UUID, *, by: uuid.UUID | None = None, seen: str | None = None
    ) -> DocumentDetails:
        async with self.transaction() as session:
            return await paperwork.issue(
                session, document_id=document_id, objects=self.objects, seen=seen,
                actor=Actor.user(by or self.manager), now=self.now,
            )  # fmt: skip

    async def paper(self, kind: DocumentKind, **more: Any) -> DocumentDetails:
        """Drafts a document and issues it."""
        return await self.issue((await self.draft(kind, **more)).document.id)

    async def void(self, document_id: uuid.UUID, reason: str = "笔误") -> DocumentDetails:
        async with self.transaction() as session:
            return await paperwork.void(
                session, document_id=document_id, reason=reason, actor=Actor.user(self.manager), now=self.now
            )

    async def pdf(self, document_id: uuid.UUID, *, by: uuid.UUID | None = None) -> tuple[Document, bytes]:
        async with self.transaction() as session:
            row, sheet = await paperwork.read(
                session, document_id=document_id, objects=self.objects, actor=Actor.user(by or self.manager),
                now=self.now,
            )  # fmt: skip
        return row, sheet.data

    async def read(self, by: uuid.UUID | None = None) -> CaseDetails:
        async with self.transaction() as session:
            return await reading.get(session, case_id=self.case_id, actor=Actor.user(by or self.manager), now=self.now)

    async def plan(
        self, kind: VisitKind = VisitKind.VERIFICATION, officers: tuple[uuid.UUID, ...] | None = None
    ) -> uuid.UUID:
        first, *rest = officers or (self.first, self.second)
        async with self.transaction() as session:
            visit = await opening.plan_visit(
                session, case_id=self.case_id, kind=kind, assigned_to=first,
                second_officer=rest[0] if rest else None, due_at=self.now + timedelta(days=3),
                actor=Actor.user(self.manager), now=self.now,
            )  # fmt: skip
            return visit.id

    async def send(self, put: Any, visit_id: uuid.UUID, body: bytes, *, by: uuid.UUID, **more: Any) -> Any:
        more.setdefault("content_digest", digest.header(body))
        async with self.transaction() as session:
            return await put(session, visit_id=visit_id, body=body, actor=Actor.user(by), now=self.now, **more)

    def check_in_body(self, **more: Any) -> bytes:
        fixes = [
            INSIDE | {"fixed_at": (self.now - timedelta(seconds=seconds)).isoformat()} | more for seconds in (0, 10, 20)
        ]
        return json.dumps({"phone_time": self.now.isoformat(), "fixes": fixes, "clock_difference_s": 0.4}).encode()

    async def check_in(self, visit_id: uuid.UUID, by: uuid.UUID) -> Any:
        return await self.send(uploads.put_check_in, visit_id, self.check_in_body(), by=by, check_in_id=new_id())

    async def find(self, visit_id: uuid.UUID, by: uuid.UUID, outcome: str, **more: Any) -> Any:
        body = {"outcome": outcome, "statement": "屋内为租客居住，租客出示租金转账记录", **more}
        return await self.send(uploads.put_finding, visit_id, json.dumps(body).encode(), by=by, finding_id=new_id())

    async def finish(self, visit_id: uuid.UUID, by: uuid.UUID, result: VisitResult = VisitResult.MET) -> None:
        async with self.transaction() as session:
            await visits.finish(
                session, visit_id=visit_id, result=result, let_in_by="屋内人员，允许查看各房间", notes=None,
                notice_left=result is not VisitResult.MET, actor=Actor.user(by), now=self.now,
            )  # fmt: skip

    async def visit(
        self,
        outcome: str = "substantiated",
        *,
        kind: VisitKind = VisitKind.VERIFICATION,
        officers: tuple[uuid.UUID, ...] | None = None,
        result: VisitResult = VisitResult.MET,
        **more: Any,
    ) -> uuid.UUID:
        """A whole visit by both officers, an hour long."""
        people = officers or (self.first, self.second)
        visit_id = await self.plan(kind, people)
        self.wait(hours=1)
        for person in people:
            await self.check_in(visit_id, person)
        if kind is VisitKind.VERIFICATION:
            more = {"violation": "sublet", "vulnerability": CALM} | more
        await self.find(visit_id, people[0], outcome, **more)
        await self.finish(visit_id, people[0], result)
        return visit_id

    async def review_gate(self, *, admissible: bool = True) -> None:
        item = next(row for row in (await self.read()).evidence if row.kind is EvidenceKind.GATE)
        async with self.transaction() as session:
            await evidence.review(
                session, case_id=self.case_id, evidence_id=item.id,
                data=EvidenceReviewInput(
                    admissible=admissible, note="设备经检定，标志明显，位置已公布",
                    checks=EvidenceChecks(
                        legal_review=True, technical_review=True, conspicuously_marked=True, locations_published=True
                    ),
                ),
                actor=Actor.user(self.manager), now=self.now,
            )  # fmt: skip

    async def bring(self, kind: AddedKind = AddedKind.DOCUMENT, *, proof: bool = False) -> CaseEvidence:
        """Adds a piece of evidence or, with `proof`, proof that the matter was put right."""
        async with self.transaction() as session:
            return await evidence.add(
                session, case_id=self.case_id, actor=Actor.user(self.first), now=self.now,
                data=EvidenceInput(kind=kind, description="承租人提交的材料", proves_rectification=proof),
            )  # fmt: skip

    async def serve(self, kind: MeasureKind, *, method: ServiceMethod = ServiceMethod.DIRECT, **more: Any) -> None:
        measure = [row for row in (await self.read()).measures if row.kind is kind][-1]
        data = {"served_at": self.now, "received_by": "承租人本人"} | more
        async with self.transaction() as session:
            await delivery.record_service(
                session, case_id=self.case_id, measure_id=measure.id, data=ServiceInput(method=method, **data),
                actor=Actor.user(self.first), now=self.now,
            )  # fmt: skip

    async def speak(self, *points: str, **more: Any) -> uuid.UUID:
        async with self.transaction() as session:
            row = await representations.file(
                session, case_id=self.case_id,
                data=RepresentationInput(made_by="承租人", made_at=self.now, points=list(points), **more),
                actor=Actor.user(self.first), now=self.now,
            )  # fmt: skip
            return row.id

    async def answer(self, representation_id: uuid.UUID, point: int) -> None:
        async with self.transaction() as session:
            await representations.answer(
                session, case_id=self.case_id, representation_id=representation_id, point=point,
                reply="经核实，理由不成立，依据见卷", actor=Actor.user(self.manager), now=self.now,
            )  # fmt: skip

    async def to_substantiated(self) -> None:
        await self.accept()
        await self.step(Action.START_VERIFYING, by=self.first)
        await self.visit()
        await self.step(Action.SUBSTANTIATE, violation=Violation.SUBLET, legal_basis=BASIS)

    async def to_representation(self) -> None:
        await self.to_substantiated()
        await self.review_gate()
        await self.step(Action.GIVE_NOTICE, legal_basis=BASIS)
        self.wait(days=1)
        await self.serve(MeasureKind.NOTICE)
        await self.step(Action.OPEN_REPRESENTATION, by=self.first)

    async def to_rectifying(self) -> None:
        await self.to_representation()
        await self.speak(waived=True, document=WAIVER)
        await self.step(Action.REVIEW, reason="当事人书面放弃陈述申辩")
        await self.step(Action.ORDER_RECTIFICATION, legal_basis=BASIS)
        self.wait(days=1)
        await self.serve(MeasureKind.ORDER)
        await self.step(Action.START_RECTIFYING, by=self.first)

    async def to_follow_up(self) -> None:
        await self.to_rectifying()
        self.wait(days=10)
        await self.bring(proof=True)
        await self.step(Action.REPORT_COMPLETE, by=self.first)
        await self.step(Action.START_FOLLOW_UP, by=self.other)
