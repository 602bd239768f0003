"""Numbers without a gap or a twin, documents that never change, and steps that rest on them."""

import asyncio
import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from inspection.cases import paperwork
from inspection.cases.errors import ServiceInvalid, StepNeeds
from inspection.cases.schemas import MeasureKind
from inspection.cases.vocabulary import Action, EvidenceKind, State
from inspection.documents import authorities
from inspection.documents.errors import (
    AlreadyReplaced,
    DesignatorTaken,
    DocumentIncomplete,
    DocumentInUse,
    DocumentNotFound,
    DraftChanged,
    NotInThisState,
    WrongStatus,
)
from inspection.documents.models import Document
from inspection.documents.vocabulary import DocumentKind, DocumentStatus
from inspection.users.models import ScopeLevel, UserRole
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database, Role
from storage.problems import Forbidden, Invalid
from storage.vault.service import Vault
from tests.factories import make_user, make_world
from tests.office.paper import words
from tests.office.road import BASIS, Road, authority

A, K = Action, DocumentKind


@pytest.fixture
async def road(database: Database, vault: Vault, clock: SimulatedClock) -> Road:
    return await Road.make(database, vault, clock)


def running(number: str | None) -> int:
    found = re.fullmatch(r"测住.\w+〔(\d{4})〕([1-9]\d*)号", number or "")
    assert found, number
    return int(found[2])


@pytest.mark.asvs("v5.0.0-2.3.4")
async def test_twenty_at_once_with_failures_between_leave_no_gap(road: Road) -> None:
    await road.to_substantiated()
    before = running((await road.paper(K.NOTICE)).document.number)
    drafts = [(await road.draft(K.NOTICE)).document.id for _ in range(20)]

    async def issue(index: int) -> str | None:
        try:
            async with road.transaction() as session:
                issued = await paperwork.issue(
                    session, document_id=drafts[index], objects=road.objects, seen=None,
                    actor=Actor.user(road.manager), now=road.now,
                )  # fmt: skip
                assert index % 4, "the power went"
        except AssertionError:
            return None
        return issued.document.number

    numbers = [number for number in await asyncio.gather(*(issue(index) for index in range(20))) if number]
    assert sorted(running(number) for number in numbers) == list(range(before + 1, before + 16))
    for index in range(0, 20, 4):  # what failed is a draft still, and takes the next number
        assert running((await road.issue(drafts[index])).document.number) == before + 16 + index // 4


async def test_the_year_is_shanghais_and_each_kind_counts_by_itself(road: Road) -> None:
    await road.to_substantiated()
    visit = next(row.id for row in (await road.read()).visits)
    road.clock.set(datetime(2026, 12, 31, 15, 59, tzinfo=UTC))
    old = (await road.paper(K.VISIT_RECORD, visit_id=visit)).document
    assert old.number is not None
    assert "〔2026〕" in old.number
    road.clock.set(datetime(2026, 12, 31, 16, 0, tzinfo=UTC))  # midnight in Shanghai
    new = (await road.paper(K.VISIT_RECORD, visit_id=visit)).document
    assert new.number is not None
    assert new.number.endswith("访〔2027〕1号")
    assert new.year == 2027
    notice = (await road.paper(K.NOTICE)).document
    assert notice.number is not None
    assert notice.number.endswith("告〔2027〕1号")


async def test_an_issued_document_never_changes(road: Road) -> None:
    await road.to_substantiated()
    drafted = (await road.draft(K.NOTICE, facts="屋内为租客居住，承租人不在此居住。")).document
    _, preview = await road.pdf(drafted.id)
    assert "草稿" in words(preview)
    with pytest.raises(DraftChanged):
        await road.issue(drafted.id, seen="0" * 64)
    issued = (await road.issue(drafted.id, seen=hashlib.sha256(preview).hexdigest())).document
    _, first = await road.pdf(issued.id)
    road.wait(days=40)
    row, second = await road.pdf(issued.id)
    assert first == second
    assert row.digest == hashlib.sha256(first).digest()
    assert issued.sha256 == hashlib.sha256(first).hexdigest()
    assert "承租人不在此居住" in words(first)
    assert issued.number is not None
    assert issued.number in words(first)
    with pytest.raises(WrongStatus):
        await road.issue(issued.id)
    for change in ({"content": {}}, {"number": "x"}, {"digest": b""}, {"status": "draft"}, {"issued_at": road.now}):
        with pytest.raises(DBAPIError, match="does not change"):
            async with road.transaction() as session:
                await session.execute(update(Document).where(Document.id == issued.id).values(**change))
    async with road.transaction() as session:
        gone = await session.execute(text("DELETE FROM document WHERE id = :id"), {"id": issued.id})
        assert gone.rowcount == 0  # type: ignore[attr-defined]  # a cursor's result
        audited = await session.scalar(
            select(AuditEntry).where(AuditEntry.object_id == issued.id, AuditEntry.action == "document.issued")
        )
    assert audited is not None
    assert (audited.payload["sha256"], audited.payload["number"]) == (issued.sha256, issued.number)


async def test_a_void_document_keeps_its_number_and_the_next_one_names_it(road: Road) -> None:
    await road.to_substantiated()
    await road.review_gate()
    first = (await road.paper(K.NOTICE)).document
    await road.step(A.GIVE_NOTICE, legal_basis=BASIS, document_id=first.id)
    with pytest.raises(NotInThisState):  # the notice is given: another one only in place of a void one
        await road.draft(K.NOTICE)
    with pytest.raises(Invalid):
        await road.draft(K.NOTICE, replaces_id=first.id)
    void = (await road.void(first.id)).document
    assert (void.status, void.number, void.void_reason) == (DocumentStatus.VOID, first.number, "笔误")
    with pytest.raises(WrongStatus):
        await road.void(first.id)
    road.wait(days=1)
    with pytest.raises(ServiceInvalid):
        await road.serve(MeasureKind.NOTICE)
    second = await road.paper(K.NOTICE, replaces_id=first.id)
    assert running(second.document.number) == running(first.number) + 1
    with pytest.raises(AlreadyReplaced):
        await road.draft(K.NOTICE, replaces_id=first.id)
    _, pdf = await road.pdf(second.document.id)
    assert f"替代已作废的{first.number}文书" in words(pdf)
    await road.serve(MeasureKind.NOTICE)
    measures = (await road.read()).measures
    assert [(row.document_id, row.number) for row in measures] == [
        (first.id, first.number), (second.document.id, second.document.number),
    ]  # fmt: skip
    with pytest.raises(DocumentInUse):
        await road.void(second.document.id)
    await road.step(A.OPEN_REPRESENTATION, by=road.first)


async def test_a_step_takes_its_own_document_once(road: Road) -> None:
    await road.to_substantiated()
    await road.review_gate()
    visit = next(row.id for row in (await road.read()).visits)
    record = (await road.paper(K.VISIT_RECORD, visit_id=visit)).document.id
    draft = (await road.draft(K.NOTICE)).document.id
    void = (await road.void((await road.paper(K.NOTICE)).document.id)).document.id
    for wrong in (None, record, draft, void):
        with pytest.raises(StepNeeds) as refused:
            await road.step(A.GIVE_NOTICE, legal_basis=BASIS, document_id=wrong)
        assert [need["code"] for need in refused.value.extra["missing"]] == ["document"]
    with pytest.raises(NotInThisState):  # nobody is ordered before they were heard
        await road.draft(K.ORDER)
    await road.step(A.GIVE_NOTICE, legal_basis=BASIS, document_id=(await road.issue(draft)).document.id)
    assert (await road.read()).case.state is State.NOTICE


async def test_what_the_machine_thought_is_in_no_document(road: Road) -> None:
    await road.to_follow_up()
    suspicion = "门禁连续三周只见到未登记人员"
    gate = next(row for row in (await road.read()).evidence if row.kind is EvidenceKind.GATE)
    assert gate.description == suspicion
    async with road.transaction() as session:
        papers = (await session.scalars(select(Document).where(Document.case_id == road.case_id))).all()
        assert {row.kind for row in papers} == {"notice", "order"}
    for row in papers:
        _, pdf = await road.pdf(row.id)
        shown = words(pdf)
        assert suspicion not in shown
        assert "门禁记录" in shown
        assert "行政处罚法第四十一条审核，予以采用" in shown
        assert "设备经检定" in shown
        assert suspicion not in str(row.content)


async def test_every_kind_from_a_real_case(road: Road) -> None:
    await road.to_rectifying()
    details = await road.read()
    service = details.measures[-1].services[0].id
    visit = details.visits[0].id
    receipt = (await road.paper(K.RECEIPT, service_id=service)).document
    _, pdf = await road.pdf(receipt.id)
    for said in (
        "直接送达",
        "承租人本人",
        "责令限期整改通知书",
        "整改：15日",
        "申请行政复议：60日",
        "提起行政诉讼：6个月",
    ):
        assert said in words(pdf), said
    record = (await road.paper(K.VISIT_RECORD, visit_id=visit)).document
    _, pdf = await road.pdf(record.id, by=road.first)
    for said in ("入户核查", "执法证号ZF-1", "执法证号ZF-2", "租金转账记录"):
        assert said in words(pdf), said
    with pytest.raises(NotInThisState):
        await road.draft(K.DEMAND)
    road.wait(days=30)
    await road.step(A.MARK_OVERDUE, by=road.first)
    demand = (await road.paper(K.DEMAND)).document
    _, pdf = await road.pdf(demand.id)
    for said in ("10个工作日", "尚未履行", "责改〔2026〕", "陈述和申辩", "行政强制法第五十四条"):
        assert said in words(pdf), said
    back = (await road.paper(K.RETURN_ORDER)).document
    _, pdf = await road.pdf(back.id)
    for said in ("30日内退回", "放弃或者不再提出", "测试区人民政府"):
        assert said in words(pdf), said
    with pytest.raises(NotInThisState):
        await road.draft(K.CLOSURE)


async def test_a_closed_case_has_its_notice(road: Road) -> None:
    from inspection.visits.models import VisitKind

    await road.to_follow_up()
    await road.visit("rectified", kind=VisitKind.FOLLOW_UP, officers=(road.other, road.second))
    await road.step(A.CLOSE, reason="回访确认整改到位")
    closure = (await road.paper(K.CLOSURE)).document
    _, pdf = await road.pdf(closure.id)
    for said in ("回访确认整改到位", "责改〔2026〕", "予以结案（销号）"):
        assert said in words(pdf), said


async def test_who_may_do_what(road: Road) -> None:
    await road.to_substantiated()
    here = {"level": ScopeLevel.ESTATE, "code": str(road.world.estate_id)}
    operator, auditor, bare = [
        await make_user(road.database, now=road.now, role=role, certificate=certificate, **here)
        for role, certificate in (
            (UserRole.OPERATOR_STAFF, "ZF-9"), (UserRole.AUDITOR, None), (UserRole.MANAGER, None),
        )
    ]  # fmt: skip
    drafted = (await road.draft(K.NOTICE, by=road.first)).document.id
    for stranger in (operator, auditor):
        with pytest.raises(Forbidden):
            await road.draft(K.NOTICE, by=stranger)
    with pytest.raises(Forbidden):
        await road.issue(drafted, by=road.first)
    with pytest.raises(Forbidden):
        await road.pdf(drafted, by=operator)
    await road.pdf(drafted, by=road.first)
    with pytest.raises(DocumentIncomplete) as lacking:
        await road.issue(drafted, by=bare)
    assert [row["code"] for row in lacking.value.extra["missing"]] == ["decider"]
    with pytest.raises(DocumentIncomplete):  # nobody without a certificate is named in a preview either
        await road.pdf(drafted, by=auditor)
    async with road.transaction() as session:
        await paperwork.discard(session, document_id=drafted, actor=Actor.user(road.first), now=road.now)
    with pytest.raises(DocumentNotFound):
        await road.pdf(drafted)


async def test_wrong_drafts(road: Road) -> None:
    await road.to_substantiated()
    visit = next(row.id for row in (await road.read()).visits)
    for kind, more in (
        (K.VISIT_RECORD, {}), (K.NOTICE, {"visit_id": visit}), (K.RECEIPT, {}), (K.NOTICE, {"service_id": visit}),
        (K.CLOSURE, {"hearing": True}), (K.NOTICE, {"replaces_id": visit}),
    ):  # fmt: skip
        with pytest.raises(Invalid):
            await road.draft(kind, **more)
    drafted = await road.draft(K.RECEIPT, service_id=visit)
    assert {row.code for row in drafted.missing} == {"decision", "service"}


async def test_authorities(road: Road, database: Database, vault: Vault) -> None:
    now = road.now
    await make_world(database, vault, now=now, division_code="777777001001")
    district = await make_user(database, now=now, role=UserRole.ADMINISTRATOR, level=ScopeLevel.DISTRICT, code="777777")
    async with road.transaction() as session:
        with pytest.raises(Forbidden):
            await authorities.put(session, data=authority("666666", "他"), actor=Actor.user(district), now=now)
        made = await authorities.put(session, data=authority("777777", "七住"), actor=Actor.user(district), now=now)
        again = await authorities.put(
            session, data=authority("777777", "七房"), actor=Actor.user(district), now=now + timedelta(days=1)
        )
        assert (again.id, again.designator) == (made.id, "七房")
        with pytest.raises(DesignatorTaken):
            await authorities.put(session, data=authority("777777001", "七房"), actor=Actor.user(district), now=now)
        # Numbers stand under the characters that were given up: another authority's would be the same numbers.
        with pytest.raises(DesignatorTaken):
            await authorities.put(session, data=authority("777777001", "七住"), actor=Actor.user(district), now=now)
        back = await authorities.put(session, data=authority("777777", "七住"), actor=Actor.user(district), now=now)
        assert (back.designator, back.former) == ("七住", ["七住", "七房"])


async def test_without_an_authority_nothing_is_issued(database: Database, vault: Vault, clock: SimulatedClock) -> None:
    road = await Road.make(database, vault, clock)
    async with database.transaction(Role.OWNER, road.world.scope) as session:
        await session.execute(text("UPDATE estate SET division_code = '555555001001'"))
    await road.to_substantiated()
    drafted = await road.draft(K.NOTICE)
    assert [row.code for row in drafted.missing] == ["authority"]
    with pytest.raises(DocumentIncomplete):
        await road.issue(drafted.document.id)
