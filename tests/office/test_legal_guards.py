"""Ways round the law that the road must not leave open."""

from datetime import timedelta

import pytest

from inspection.cases import evidence, representations
from inspection.cases.errors import StepNeeds
from inspection.cases.schemas import EvidenceReviewInput, MeasureKind, RepresentationInput
from inspection.cases.vocabulary import Action, EvidenceKind, Violation
from inspection.visits.models import VisitResult
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database
from storage.problems import Invalid
from storage.vault.service import Vault
from tests.office.road import BASIS, Road

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
                    data=RepresentationInput(made_by="承租人", made_at=said_at, waived=waived),
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
