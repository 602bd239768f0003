"""From the lead to the closed case: each state that the law asks for, with the periods that must elapse."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from inspection.cases import opening, periods
from inspection.cases import service as cases
from inspection.cases.errors import (
    CertificateNeeded,
    IllegalStep,
    NotPermitted,
    PointAnswered,
    ServiceInvalid,
    StepNeeds,
    StepRole,
    VersionMismatch,
)
from inspection.cases.models import Case
from inspection.cases.schemas import MeasureKind, ServiceMethod, StepInput
from inspection.cases.vocabulary import Action, State, Violation
from inspection.leads.models import Lead, LeadStatus
from inspection.users.authority import HumanNeeded
from inspection.users.models import ScopeLevel, UserRole
from inspection.visits.errors import UnfitOfficer
from inspection.visits.models import VisitKind, VisitResult
from storage.audit.models import AuditEntry, AuditPayload, body_json
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database, Role, SystemScope
from storage.ids import new_id
from storage.problems import Forbidden, Invalid
from storage.rules.models import RuleSet, RuleValue
from storage.vault.service import Vault
from tests.factories import make_user
from tests.office.road import BASIS, WAIVER, Road

A = Action


@pytest.fixture
async def road(database: Database, vault: Vault, clock: SimulatedClock) -> Road:
    return await Road.make(database, vault, clock)


async def test_the_whole_road_with_every_legal_period(road: Road) -> None:
    await road.to_substantiated()
    await road.review_gate()
    await road.step(A.GIVE_NOTICE, legal_basis=BASIS)
    road.wait(days=1)
    await road.serve(MeasureKind.NOTICE)
    await road.step(A.OPEN_REPRESENTATION, by=road.first)
    said = await road.speak("我母亲住院，由亲属暂住", "未收取租金")
    await road.answer(said, 0)

    road.wait(days=6)  # Tuesday 3 March + 6 days is Monday: four working days, not five
    with pytest.raises(StepNeeds) as early:
        await road.step(A.REVIEW, reason="复核完毕")
    assert {need["code"] for need in early.value.extra["missing"]} == {"representation_over", "points_answered"}
    road.wait(days=2)
    with pytest.raises(StepNeeds) as unanswered:
        await road.step(A.REVIEW, reason="复核完毕")
    assert [need["code"] for need in unanswered.value.extra["missing"]] == ["points_answered"]
    await road.answer(said, 1)
    with pytest.raises(PointAnswered):
        await road.answer(said, 1)
    await road.step(A.REVIEW, reason="复核完毕")

    await road.step(A.ORDER_RECTIFICATION, legal_basis=BASIS)
    road.wait(days=1)
    await road.serve(MeasureKind.ORDER)
    await road.step(A.START_RECTIFYING, by=road.first)
    with pytest.raises(StepNeeds):
        await road.step(A.MARK_OVERDUE, by=road.first)
    road.wait(days=12)
    await road.bring(proof=True)
    await road.step(A.REPORT_COMPLETE, by=road.first)
    with pytest.raises(StepNeeds) as same:
        await road.step(A.START_FOLLOW_UP, by=road.first)
    assert [need["code"] for need in same.value.extra["missing"]] == ["other_person"]
    await road.step(A.START_FOLLOW_UP, by=road.other)
    with pytest.raises(UnfitOfficer):
        await road.plan(VisitKind.FOLLOW_UP, (road.second, road.first))
    with pytest.raises(StepNeeds):
        await road.step(A.CLOSE, reason="整改到位")
    await road.visit("rectified", kind=VisitKind.FOLLOW_UP, officers=(road.other, road.second))
    await road.step(A.CLOSE, reason="回访确认整改到位")

    details = await road.read()
    assert [step.to_state for step in details.steps] == [
        "registered", "verifying", "substantiated", "notice", "representation", "review", "rectification_order",
        "rectifying", "reported_complete", "follow_up", "closed",
    ]  # fmt: skip
    assert [step.position for step in details.steps] == list(range(1, 12))
    assert all(step.certificate_number for step in details.steps)
    assert details.case.closed_at == road.now
    assert details.permits == ["appeal", "seen_by_person_concerned"]
    assert details.actions == []
    last_days = {row.kind: row.last_day for row in details.deadlines}
    assert last_days["representation"] == date(2026, 3, 10)  # served on Tuesday 3 March, five working days
    open_still = {row.kind for row in details.deadlines if row.met_at is None}
    assert open_still == {"reconsideration", "litigation"}
    notice, order = details.measures
    for word in (
        "陈述",
        "申辩",
        "5个工作日",
        "认定的事实",
        "证据",
        BASIS,
        "1幢1单元101室",
        "（执法证号ZF-1）、",
        "（执法证号ZF-2）",
        "住户0",
    ):
        assert word in notice.text
    for word in ("15日", "行政复议", "6个月", "行政诉讼", "入户核查记录", "门禁记录"):
        assert word in order.text
    assert re.fullmatch("测住.告〔2026〕[1-9][0-9]*号", notice.number)

    async with road.transaction() as session:
        audited = (
            await session.execute(
                select(AuditEntry.action, AuditEntry.actor_user_id)
                .join(AuditPayload, AuditPayload.entry_id == AuditEntry.id)
                .where(AuditEntry.object_id == road.case_id, body_json()["payload"].has_key("step_id"))
                .order_by(AuditEntry.id)
            )
        ).all()
        lead = await session.get_one(Lead, details.case.lead_id)
    assert [(f"case.{s.action.value.replace('_', '-')}", s.actor_user_id) for s in details.steps] == audited
    assert lead.status == LeadStatus.SETTLED
    assert lead.evidence is not None


async def test_numbers_run_per_district_and_year(road: Road, database: Database, vault: Vault) -> None:
    numbers = []
    for flat in range(3):
        case = await road.accept(await road.gate_lead(flat=flat))
        numbers.append(case.number)
    assert all(number.startswith("999999-2026-") for number in numbers)
    running = [int(number[-4:]) for number in numbers]
    assert running == list(range(running[0], running[0] + 3))
    assert (await road.read()).case.number_zh == f"公租房案〔2026〕999999第{running[-1]:04}号"


@pytest.mark.parametrize("action", list(Action))
async def test_no_machine_takes_a_step(road: Road, action: Action) -> None:
    await road.accept()
    for actor in (Actor.system("worker"), Actor("worker", road.manager)):
        with pytest.raises(HumanNeeded):
            async with road.transaction() as session:
                await cases.step(
                    session, case_id=road.case_id, step=StepInput(action=action, reason="自动"), actor=actor,
                    now=road.now,
                )  # fmt: skip
    assert (await road.read()).case.version == 1


async def test_an_illegal_step_names_the_legal_ones(road: Road) -> None:
    await road.accept()
    with pytest.raises(IllegalStep) as refused:
        await road.step(A.CLOSE, reason="直接销号")
    assert refused.value.status == 409
    assert {row["action"] for row in refused.value.extra["legal"]} == {
        "start_verifying", "refer_to_welfare", "suspend", "withdraw",
    }  # fmt: skip


async def test_roles_and_scope(road: Road) -> None:
    await road.accept()
    operator, auditor = [
        await make_user(road.database, now=road.now, role=role, level=ScopeLevel.ESTATE, code=str(road.world.estate_id))
        for role in (UserRole.OPERATOR_STAFF, UserRole.AUDITOR)
    ]
    stranger = await make_user(
        road.database, now=road.now, role=UserRole.MANAGER, level=ScopeLevel.DISTRICT, code="888888"
    )
    for person in (operator, auditor):
        with pytest.raises(StepRole):
            await road.step(A.START_VERIFYING, by=person)
        assert (await road.read(person)).actions == []
    with pytest.raises(Forbidden):
        await road.step(A.START_VERIFYING, by=stranger)


async def test_a_changed_case_is_not_overwritten(road: Road) -> None:
    case = await road.accept()
    assert case.version == 1
    await road.step(A.START_VERIFYING, by=road.first, version=1)
    with pytest.raises(VersionMismatch) as changed:
        await road.step(A.SUSPEND, reason="困难", document="中止决定", version=1)
    assert changed.value.status == 412
    assert changed.value.extra == {"version": 2}


async def test_one_officer_or_one_kind_of_evidence_is_not_enough(road: Road) -> None:
    await road.accept()
    await road.step(A.START_VERIFYING, by=road.first)
    visit = await road.plan()
    road.wait(hours=1)
    await road.check_in(visit, road.first)  # the second officer never came
    await road.find(visit, road.first, "substantiated", violation="sublet")
    await road.finish(visit, road.first)
    with pytest.raises(StepNeeds) as alone:
        await road.step(A.SUBSTANTIATE, violation=Violation.SUBLET, legal_basis=BASIS)
    assert [need["code"] for need in alone.value.extra["missing"]] == ["two_officers"]
    await road.visit()
    await road.step(A.SUBSTANTIATE, violation=Violation.SUBLET, legal_basis=BASIS)
    with pytest.raises(StepNeeds) as unreviewed:
        await road.step(A.GIVE_NOTICE, legal_basis=BASIS)
    assert [need["code"] for need in unreviewed.value.extra["missing"]] == ["two_evidence_kinds"]
    await road.review_gate()
    await road.step(A.GIVE_NOTICE, legal_basis=BASIS)


async def test_a_shut_door_and_a_refusal_weigh_nothing(road: Road) -> None:
    await road.accept()
    await road.step(A.START_VERIFYING, by=road.first)
    for result in (VisitResult.NO_ANSWER, VisitResult.REFUSED):
        await road.visit(result=result)
        with pytest.raises(StepNeeds) as nothing:
            await road.step(A.SUBSTANTIATE, violation=Violation.SUBLET, legal_basis=BASIS)
        missing = {need["code"] for need in nothing.value.extra["missing"]}
        assert {"evidence", "visit_made", "two_officers"} <= missing


async def test_vacancy_needs_visits_over_the_day_and_the_week(road: Road) -> None:
    await road.accept()
    await road.step(A.START_VERIFYING, by=road.first)
    for hours in (0, 5, 6):  # Monday morning, afternoon, evening
        road.wait(hours=hours)
        await road.visit(result=VisitResult.NO_ANSWER, violation="vacant")
    with pytest.raises(StepNeeds) as few:
        await road.step(A.SUBSTANTIATE, violation=Violation.VACANT, legal_basis=BASIS)
    assert [need["code"] for need in few.value.extra["missing"]] == ["visit_coverage"]
    road.wait(days=5)
    await road.visit(result=VisitResult.NO_ANSWER, violation="vacant")
    await road.step(A.SUBSTANTIATE, violation=Violation.VACANT, legal_basis=BASIS)


async def test_service_follows_the_law(road: Road) -> None:
    await road.to_substantiated()
    await road.review_gate()
    await road.step(A.GIVE_NOTICE, legal_basis=BASIS)
    with pytest.raises(StepNeeds):
        await road.step(A.OPEN_REPRESENTATION, by=road.first)
    road.wait(days=1)
    for method in ServiceMethod:
        with pytest.raises(ServiceInvalid):
            await road.serve(MeasureKind.NOTICE, method=method, received_by=None)
    with pytest.raises(ServiceInvalid):
        await road.serve(MeasureKind.NOTICE, served_at=road.now + timedelta(hours=1))
    await road.serve(MeasureKind.NOTICE, method=ServiceMethod.ANNOUNCEMENT, note="三次上门未遇，邮件退回")
    with pytest.raises(StepNeeds):  # announced, and the thirty days run
        await road.step(A.OPEN_REPRESENTATION, by=road.first)
    road.wait(days=32)
    await road.step(A.OPEN_REPRESENTATION, by=road.first)
    with pytest.raises(NotPermitted):
        await road.serve(MeasureKind.NOTICE)


async def test_a_written_waiver_ends_the_period(road: Road) -> None:
    await road.to_representation()
    with pytest.raises(Invalid):
        await road.speak()
    await road.speak("没有其他意见", nothing_more=True, document=WAIVER)
    await road.speak("补充一点")  # who speaks again is heard again
    with pytest.raises(StepNeeds):
        await road.step(A.REVIEW, reason="复核完毕")
    await road.speak(waived=True, document=WAIVER)
    details = await road.read()
    assert [row.document for row in details.representations] == [WAIVER, None, WAIVER]
    for row in details.representations:
        for index, _ in enumerate(row.points):
            await road.answer(row.id, index)
    await road.step(A.REVIEW, reason="复核完毕")


async def test_the_machine_warns_and_a_person_marks_overdue(road: Road) -> None:
    await road.to_rectifying()
    road.wait(days=20)
    async with road.database.transaction(Role.SYSTEM, road.world.scope) as session:
        assert await periods.mark_overdue(session, now=road.now) >= 1
    async with road.database.transaction(Role.SYSTEM, road.world.scope) as session:
        assert await periods.mark_overdue(session, now=road.now) == 0
    details = await road.read()
    assert details.case.state is State.RECTIFYING
    assert {row.kind for row in details.deadlines if row.warned_at} == {"rectification"}
    await road.step(A.MARK_OVERDUE, by=road.first)


async def test_a_failed_follow_up_goes_back_to_rectifying(road: Road) -> None:
    await road.to_follow_up()
    await road.visit("not_rectified", kind=VisitKind.FOLLOW_UP, officers=(road.other,))
    with pytest.raises(StepNeeds):
        await road.step(A.CLOSE, reason="整改到位")
    await road.step(A.FAIL_FOLLOW_UP, by=road.other, reason="租客仍在")
    assert (await road.read()).case.state is State.RECTIFYING
    road.wait(days=3)
    with pytest.raises(StepNeeds) as refuted:  # the visit has refuted the proof before it
        await road.step(A.REPORT_COMPLETE, by=road.first)
    assert [need["code"] for need in refuted.value.extra["missing"]] == ["rectification_proved"]
    await road.bring(proof=True)
    await road.step(A.REPORT_COMPLETE, by=road.first)
    await road.step(A.START_FOLLOW_UP, by=road.other)
    with pytest.raises(StepNeeds):  # the visit before the new report says nothing about it
        await road.step(A.CLOSE, reason="整改到位")


async def test_who_reported_completion_cannot_close_by_their_own_visit(road: Road) -> None:
    await road.to_rectifying()
    road.wait(days=3)
    await road.bring(proof=True)
    await road.step(A.REPORT_COMPLETE)
    await road.step(A.START_FOLLOW_UP, by=road.other)
    await road.visit("rectified", kind=VisitKind.FOLLOW_UP, officers=(road.other,))
    with pytest.raises(StepNeeds) as same:
        await road.step(A.CLOSE, reason="整改到位")
    assert [need["code"] for need in same.value.extra["missing"]] == ["other_person"]


async def test_suspension_remembers_and_withdrawal_ends(road: Road) -> None:
    await road.to_substantiated()
    await road.step(A.SUSPEND, reason="承租人住院", document="因承租人住院，中止办理。")
    await road.step(A.RESUME, reason="出院")
    assert (await road.read()).case.state is State.SUBSTANTIATED
    visit = await road.plan()
    await road.step(A.WITHDRAW, reason="证据不足", document="因证据不足，撤销案件。")
    details = await road.read()
    assert [row.kind for row in details.measures] == ["suspension", "withdrawal"]
    assert next(row.status for row in details.visits if row.id == visit) == "cancelled"
    with pytest.raises(NotPermitted):
        await road.plan()


async def test_only_a_certificate_decides(road: Road) -> None:
    await road.to_substantiated()
    bare = await make_user(
        road.database, now=road.now, role=UserRole.MANAGER, level=ScopeLevel.ESTATE,
        code=str(road.world.estate_id), certificate=None,
    )  # fmt: skip
    with pytest.raises(StepNeeds) as refused:
        await road.step(A.GIVE_NOTICE, by=bare, legal_basis=BASIS)
    assert refused.value.extra["missing"][0]["code"] == "certificate"
    road.manager = bare
    with pytest.raises(CertificateNeeded):
        await road.review_gate()


async def test_what_a_step_needs_is_told_beforehand(road: Road) -> None:
    await road.to_substantiated()
    found = {row.action: row for row in (await road.read()).actions}
    notice = found[A.GIVE_NOTICE]
    assert notice.to is State.NOTICE
    assert [need.code for need in notice.bring] == ["legal_basis", "document"]
    assert [need.code for need in notice.missing] == ["two_evidence_kinds"]
    assert "行政处罚法第四十四条" in notice.articles


async def test_an_unknown_year_is_provisional_until_published(road: Road) -> None:
    road.wait(days=300)
    await road.to_representation()
    road.wait(days=1)
    details = await road.read()
    penalty = next(row for row in details.deadlines if row.kind == "penalty_decision")
    assert penalty.provisional
    published = new_id()
    async with road.database.transaction(Role.OWNER, SystemScope()) as session:
        session.add(
            RuleSet(id=published, jurisdiction=road.world.division_code, version=int(published.int % 10**6) + 10,
                    effective_from=date(2026, 12, 1), note="2027年放假安排", created_at=road.now)
        )  # fmt: skip
        await session.flush()
        session.add(
            RuleValue(rule_set_id=published, key="calendar.years", unit="table", source="测试",
                      value={"2027": {"holidays": [penalty.last_day.isoformat()], "workdays": []}})
        )  # fmt: skip
    async with road.database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert await periods.recompute_deadlines(session, now=road.now) >= 1
    again = next(row for row in (await road.read()).deadlines if row.kind == "penalty_decision")
    assert not again.provisional
    assert again.last_day > penalty.last_day


async def test_planning_is_for_managers_and_states_that_permit_it(road: Road) -> None:
    await road.accept()
    with pytest.raises(Forbidden):
        async with road.transaction() as session:
            await opening.plan_visit(
                session, case_id=road.case_id, kind=VisitKind.VERIFICATION, assigned_to=road.first,
                second_officer=None, due_at=None, actor=Actor.user(road.first), now=road.now,
            )  # fmt: skip
    with pytest.raises(UnfitOfficer):
        await road.plan(officers=(road.first, road.first))
    async with road.transaction() as session:
        assert await session.get(Case, road.case_id) is not None
