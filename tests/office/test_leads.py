"""Leads: one of a rule stands for a household; the machine opens and withdraws, people decide."""

import asyncio
import uuid

import pytest
from sqlalchemy import func, select, update

from inspection.cases import opening
from inspection.cases.vocabulary import Action
from inspection.leads import service
from inspection.leads.errors import LeadNotFound, LeadNotOpen, LeadStands, ReopenTooLate
from inspection.leads.models import Lead, LeadSource, LeadStatus
from inspection.registry.consents.errors import NoProcessingBasis
from inspection.registry.consents.models import ProcessingBasis
from inspection.users.authority import HumanNeeded
from inspection.users.models import ScopeLevel, UserRole
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database
from storage.ids import new_id
from storage.problems import Forbidden, Invalid, NotFound
from storage.vault.service import Vault
from tests.factories import make_user
from tests.office.road import FrozenEvidence, Road


@pytest.fixture
async def road(database: Database, vault: Vault, clock: SimulatedClock) -> Road:
    return await Road.make(database, vault, clock)


async def lead_of(road: Road, lead_id: uuid.UUID) -> Lead:
    async with road.transaction() as session:
        return await service.get(session, lead_id=lead_id)


async def withdraw(road: Road, discrepancy: uuid.UUID) -> None:
    async with road.transaction() as session:
        await service.withdraw_from_gate(session, discrepancy_id=discrepancy, why="当事人已登记探亲", now=road.now)


async def dismiss(road: Road, lead_id: uuid.UUID) -> None:
    async with road.transaction() as session:
        await service.dismiss(
            session, lead_id=lead_id, reason="系登记护理员", actor=Actor.user(road.manager), now=road.now
        )


async def reopen(road: Road, lead_id: uuid.UUID) -> None:
    async with road.transaction() as session:
        await service.reopen(
            session, lead_id=lead_id, reason="护理员证明系伪造", actor=Actor.user(road.manager), now=road.now
        )


async def test_one_lead_of_a_rule_stands_for_a_household(road: Road) -> None:
    first, second = new_id(), new_id()
    lead = await road.gate_lead(discrepancy=first)
    assert await road.gate_lead(discrepancy=first) == lead
    assert await road.gate_lead(discrepancy=second) == lead
    assert await road.gate_lead(rule="LONG_STAY") != lead
    assert await road.gate_lead(flat=1) != lead
    assert (await lead_of(road, lead)).discrepancy_ids == [str(first), str(second)]
    async with road.transaction() as session:
        actions = (
            await session.scalars(select(AuditEntry.action).where(AuditEntry.object_id == lead).order_by(AuditEntry.id))
        ).all()
    assert actions == ["lead.opened", "lead.extended"]


async def test_parallel_discrepancies_make_one_lead(road: Road) -> None:
    same = new_id()
    found = await asyncio.gather(*(road.gate_lead(discrepancy=key) for key in (same, same, same, new_id(), new_id())))
    assert len(set(found)) == 1
    assert len((await lead_of(road, found[0])).discrepancy_ids) == 3
    async with road.transaction() as session:
        opened = await session.scalar(
            select(func.count())
            .select_from(AuditEntry)
            .where(AuditEntry.object_id == found[0], AuditEntry.action == "lead.opened")
        )
    assert opened == 1


async def test_the_machine_withdraws_what_nobody_decided(road: Road) -> None:
    old, new, accepted = new_id(), new_id(), new_id()
    lead = await road.gate_lead(discrepancy=old)
    await road.gate_lead(discrepancy=new)
    await withdraw(road, old)
    assert (await lead_of(road, lead)).status == LeadStatus.NEW
    await withdraw(road, new)
    assert (await lead_of(road, lead)).status == LeadStatus.WITHDRAWN
    again = await road.gate_lead(discrepancy=accepted)
    assert again != lead
    await road.accept(again)
    await withdraw(road, accepted)
    kept = await lead_of(road, again)
    assert kept.status == LeadStatus.ACCEPTED
    async with road.transaction() as session:
        noted = await session.scalar(
            select(AuditEntry).where(AuditEntry.object_id == again, AuditEntry.action == "lead.discrepancy-cleared")
        )
    assert noted is not None
    assert noted.reason == "当事人已登记探亲"
    await withdraw(road, new_id())


async def test_a_dismissed_lead_stays_dismissed_on_the_same_ground(road: Road) -> None:
    ground = new_id()
    lead = await road.gate_lead(discrepancy=ground)
    await dismiss(road, lead)
    assert await road.gate_lead(discrepancy=ground) == lead
    assert (await lead_of(road, lead)).status == LeadStatus.DISMISSED
    with pytest.raises(LeadNotOpen):
        await dismiss(road, lead)
    await reopen(road, lead)
    found = await lead_of(road, lead)
    assert (found.status, found.decided_by, found.decision_reason) == (LeadStatus.NEW, None, None)
    with pytest.raises(LeadNotOpen):
        await reopen(road, lead)


async def test_a_dismissal_is_undone_within_days_and_beside_no_other(road: Road) -> None:
    lead = await road.gate_lead()
    await dismiss(road, lead)
    other = await road.gate_lead()
    assert other != lead
    with pytest.raises(LeadStands):
        await reopen(road, lead)
    await dismiss(road, other)
    road.wait(days=31)
    with pytest.raises(ReopenTooLate):
        await reopen(road, lead)


async def test_acceptance_freezes_the_evidence_and_opens_a_case(road: Road) -> None:
    ground = new_id()
    lead = await road.gate_lead(discrepancy=ground)
    case = await road.accept(lead)
    found = await lead_of(road, lead)
    assert found.evidence is not None
    assert found.evidence["discrepancies"] == [str(ground)]
    assert (found.decided_by, case.lead_id, case.state) == (road.manager, lead, "registered")
    details = await road.read()
    assert [(row.kind, row.counts) for row in details.evidence] == [("gate", False)]
    assert details.steps[0].action is Action.REGISTER
    with pytest.raises(LeadNotOpen):
        await road.accept(lead)
    async with road.transaction() as session:
        read = await service.read_evidence(
            session, lead_id=lead, purpose="tenancy_compliance", reason="复核", actor=Actor.user(road.manager),
            now=road.now,
        )  # fmt: skip
    assert read == found.evidence
    async with road.transaction() as session:
        await session.execute(update(ProcessingBasis).values(withdrawn_at=road.now))
        with pytest.raises(NoProcessingBasis):
            await service.read_evidence(
                session, lead_id=lead, purpose="tenancy_compliance", reason="复核", actor=Actor.user(road.manager),
                now=road.now,
            )  # fmt: skip


async def test_people_decide_and_only_managers(road: Road) -> None:
    lead = await road.gate_lead()
    operator = await make_user(
        road.database, now=road.now, role=UserRole.OPERATOR_STAFF, level=ScopeLevel.ESTATE,
        code=str(road.world.estate_id),
    )  # fmt: skip
    for actor, problem in (
        (Actor.system("worker"), HumanNeeded),
        (Actor.user(road.first), Forbidden),
        (Actor.user(operator), Forbidden),
    ):
        with pytest.raises(problem):
            async with road.transaction() as session:
                await opening.accept_lead(
                    session, lead_id=lead, reason="受理理由", gate_evidence=FrozenEvidence(), actor=actor, now=road.now
                )
        with pytest.raises(problem):
            async with road.transaction() as session:
                await service.dismiss(session, lead_id=lead, reason="排除理由", actor=actor, now=road.now)
    with pytest.raises(Invalid):
        async with road.transaction() as session:
            await service.dismiss(session, lead_id=lead, reason="  ", actor=Actor.user(road.manager), now=road.now)
    with pytest.raises(LeadNotFound):
        await dismiss(road, new_id())


async def test_a_manager_enters_a_complaint(road: Road) -> None:
    async def enter(source: LeadSource, *, flat: int = 0, by: uuid.UUID | None = None) -> Lead:
        async with road.transaction() as session:
            return await service.create(
                session, household_id=road.world.households[0], unit_id=road.world.units[flat], source=source,
                summary_zh="邻居反映该户转租", summary_en="", actor=Actor.user(by or road.manager), now=road.now,
            )  # fmt: skip

    lead = await enter(LeadSource.COMPLAINT)
    assert (lead.created_by, lead.summary_en) == (road.manager, "邻居反映该户转租")
    assert await road.accept(lead.id)
    assert (await road.read()).evidence == []
    with pytest.raises(Invalid):
        await enter(LeadSource.GATE)
    with pytest.raises(NotFound):
        await enter(LeadSource.COMPLAINT, flat=1)
    with pytest.raises(Forbidden):
        await enter(LeadSource.COMPLAINT, by=road.first)


async def test_a_settled_lead_makes_room_for_a_new_one(road: Road) -> None:
    lead = await road.gate_lead()
    await road.accept(lead)
    assert await road.gate_lead() == lead
    await road.step(Action.WITHDRAW, reason="证据不足", document="撤案决定")
    assert (await lead_of(road, lead)).status == LeadStatus.SETTLED
    assert await road.gate_lead() != lead


async def test_leads_are_listed_in_parts(road: Road) -> None:
    made = []
    for flat in range(3):
        made.append(await road.gate_lead(flat=flat))
        road.wait(minutes=1)
    async with road.transaction() as session:
        first = await service.page(session, limit=2)
        rest = await service.page(session, before=(first[-1].created_at, first[-1].id))
        none = await service.page(session, status=LeadStatus.DISMISSED)
        of_one = await service.page(
            session, household_id=road.world.households[1], rule="SUBLET", estate_id=road.world.estate_id
        )
    assert [lead.id for lead in (*first, *rest)] == made[::-1]
    assert none == []
    assert [lead.id for lead in of_one] == [made[1]]
