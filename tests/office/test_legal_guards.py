"""Ways round the law that the road must not leave open."""

import uuid
from datetime import timedelta

import pytest

from inspection.cases import evidence, representations
from inspection.cases.errors import NotPermitted, StepNeeds, WaiverNotInWriting
from inspection.cases.schemas import AddedKind, EvidenceReviewInput, MeasureKind, RepresentationInput
from inspection.cases.vocabulary import Action, EvidenceKind, Violation
from inspection.visits.models import VisitResult
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database
from storage.problems import Invalid
from storage.vault.service import Vault
from tests.office.road import BASIS, WAIVER, Road

A = Action


@pytest.fixture
async def road(database: Database, vault: Vault, clock: SimulatedClock) -> Road:
    return await Road.make(database, vault, clock)


async def test_a_visit_found_inadmissible_is_no_evidence_any_more(road: Road) -> None:
    await road.to_substantiated()
    await road.review_gate()
    visit = next(row for row in (await road.read()).evidence if row.kind is EvidenceKind.VISIT)
    async with road.transaction() as session:
        await evidence.review(
            session, case_id=road.case_id, evidence_id=visit.id,
            data=EvidenceReviewInput(admissible=False, note="未出示执法证，程序违法"),
            actor=Actor.user(road.manager), now=road.now,
        )  # fmt: skip
    with pytest.raises(StepNeeds) as refused:
        await road.step(A.GIVE_NOTICE, legal_basis=BASIS)
    assert "two_evidence_kinds" in {need["code"] for need in refused.value.extra["missing"]}


async def test_a_shut_door_proves_no_sublet(road: Road) -> None:
    await road.accept()
    await road.step(A.START_VERIFYING, by=road.first)
    await road.visit(result=VisitResult.NO_ANSWER, violation="vacant")
    offered = next(row for row in (await road.read()).actions if row.action is A.SUBSTANTIATE)
    assert offered.missing == []
    with pytest.raises(StepNeeds) as refused:
        await road.step(A.SUBSTANTIATE, violation=Violation.SUBLET, legal_basis=BASIS)
    assert {need["code"] for need in refused.value.extra["missing"]} >= {"visit_made", "two_officers"}
    with pytest.raises(StepNeeds) as uncovered:
        await road.step(A.SUBSTANTIATE, violation=Violation.VACANT, legal_basis=BASIS)
    assert [need["code"] for need in uncovered.value.extra["missing"]] == ["visit_coverage"]


async def test_nobody_waives_before_they_were_told(road: Road) -> None:
    await road.to_substantiated()
    await road.review_gate()
    await road.step(A.GIVE_NOTICE, legal_basis=BASIS)
    road.wait(days=1)
    await road.serve(MeasureKind.NOTICE)
    served = road.now
    await road.step(A.OPEN_REPRESENTATION, by=road.first)
    road.wait(hours=1)
    for said_at, waived in ((served - timedelta(minutes=1), True), (road.now + timedelta(minutes=1), True)):
        with pytest.raises(Invalid):
            async with road.transaction() as session:
                await representations.file(
                    session, case_id=road.case_id,
                    data=RepresentationInput(made_by="承租人", made_at=said_at, waived=waived, document=WAIVER),
                    actor=Actor.user(road.first), now=road.now,
                )  # fmt: skip


async def test_a_violation_does_not_begin_tomorrow(road: Road) -> None:
    await road.accept()
    await road.step(A.START_VERIFYING, by=road.first)
    await road.visit()
    with pytest.raises(Invalid):
        await road.step(
            A.SUBSTANTIATE, violation=Violation.SUBLET, legal_basis=BASIS,
            began_on=(road.now + timedelta(days=2)).date(),
        )  # fmt: skip


async def test_a_service_recorded_late_takes_no_day_from_the_person(road: Road) -> None:
    await road.to_substantiated()
    await road.review_gate()
    await road.step(A.GIVE_NOTICE, legal_basis=BASIS)
    issued = road.now
    road.wait(days=20)
    await road.serve(MeasureKind.NOTICE, served_at=issued)
    await road.step(A.OPEN_REPRESENTATION, by=road.first)
    with pytest.raises(StepNeeds) as early:
        await road.step(A.REVIEW, reason="期限已过")
    assert [need["code"] for need in early.value.extra["missing"]] == ["representation_over"]


async def test_whoever_was_told_is_heard_before_anybody_opens_the_period(road: Road) -> None:
    await road.to_substantiated()
    await road.review_gate()
    await road.step(A.GIVE_NOTICE, legal_basis=BASIS)
    await road.serve(MeasureKind.NOTICE)
    await road.speak("屋内是照料母亲的亲属")
    road.wait(days=20)
    await road.step(A.OPEN_REPRESENTATION, by=road.first)
    with pytest.raises(StepNeeds) as unanswered:
        await road.step(A.REVIEW, reason="期限已过")
    assert [need["code"] for need in unanswered.value.extra["missing"]] == ["points_answered"]


async def test_proof_of_rectification_is_no_evidence_of_the_violation(road: Road) -> None:
    await road.to_substantiated()
    with pytest.raises(NotPermitted):  # nothing was put right yet
        await road.bring(proof=True)
    await road.step(A.RECTIFY_ON_SPOT, by=road.first, reason="租客当场搬离")
    await road.bring(proof=True)
    with pytest.raises(StepNeeds) as refused:
        await road.step(A.GIVE_NOTICE, legal_basis=BASIS)
    assert [need["code"] for need in refused.value.extra["missing"]] == ["two_evidence_kinds"]
    await road.review_gate()
    await road.step(A.GIVE_NOTICE, legal_basis=BASIS)
    details = await road.read()
    assert "承租人提交的材料" not in details.measures[-1].text
    assert [row.counts for row in details.evidence if row.proves_rectification] == [True]


async def test_completion_is_reported_with_a_proof_that_stands(road: Road) -> None:
    await road.to_rectifying()

    async def refused() -> None:
        with pytest.raises(StepNeeds) as missing:
            await road.step(A.REPORT_COMPLETE, by=road.first)
        assert [need["code"] for need in missing.value.extra["missing"]] == ["rectification_proved"]

    await refused()
    with pytest.raises(NotPermitted):  # the order stands: nothing more is collected against the person
        await road.bring()
    gate = next(row for row in (await road.read()).evidence if row.kind is EvidenceKind.GATE)
    with pytest.raises(NotPermitted):
        await judge(road, gate.id, admissible=False)
    await judge(road, (await road.bring(proof=True)).id, admissible=False)
    await refused()
    reading = await road.bring(AddedKind.METER, proof=True)
    road.wait(minutes=1)
    await judge(road, reading.id, admissible=False)
    await refused()
    road.wait(minutes=1)
    await judge(road, reading.id, admissible=True)  # in the person's favour, and so without the checks of article 41
    await road.step(A.REPORT_COMPLETE, by=road.first)


async def judge(road: Road, evidence_id: uuid.UUID, *, admissible: bool) -> None:
    async with road.transaction() as session:
        await evidence.review(
            session, case_id=road.case_id, evidence_id=evidence_id, actor=Actor.user(road.manager), now=road.now,
            data=EvidenceReviewInput(admissible=admissible, note="与现场核对"),
        )  # fmt: skip


async def test_a_waiver_is_in_the_persons_own_writing(road: Road) -> None:
    await road.to_representation()
    for document in (None, " "):
        with pytest.raises(WaiverNotInWriting):
            await road.speak(waived=True, document=document)
        with pytest.raises(WaiverNotInWriting):
            await road.speak("没有其他意见", nothing_more=True, document=document)
    assert (await road.read()).representations == []
