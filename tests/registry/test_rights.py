"""Rights of the person: what is told, corrected, refused and looked at by a human."""

import uuid
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import select

from api.erasure import held
from api.wiring import make_ports
from inspection.leads import service as leads
from inspection.leads.models import Lead, LeadSource, LeadStatus
from inspection.registry.consents.basis import withdraw_basis
from inspection.registry.consents.errors import NoProcessingBasis
from inspection.registry.consents.models import ProcessingBasis, Purpose
from inspection.registry.history.models import RegisterChange
from inspection.registry.households.errors import PersonDiffers
from inspection.registry.households.models import Person
from inspection.registry.households.people import Secret, unmask
from inspection.rights import report, service
from inspection.rights.errors import (
    DecideOthersFirst,
    LeadHasCase,
    NothingToCorrect,
    RefusalDoesNotFit,
    RequestNotOpen,
)
from inspection.rights.grounds import PARTS, WORDS, Ground, Situation, grounds, kept
from inspection.rights.models import Refusal, RightsRequest, State
from inspection.rights.schemas import CorrectionInput, DecisionInput, ErasureInput, ObjectionInput
from inspection.users.authority import HumanNeeded
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database, Role
from storage.erasure.parts import Part
from storage.holds.models import HoldScope, LegalHold
from storage.objects.service import Objects
from storage.problems import Invalid, NotFound
from storage.settings import Settings
from storage.vault.service import Vault
from tests.factories import make_world
from tests.registry.erasing import ASKING, GONE, NOW, Desk, know_all, make_desk, move_in, number_of, phone_of

TODAY = date(2026, 3, 2)


@pytest.fixture
async def desk(
    database: Database, vault: Vault, objects: Objects, clock: SimulatedClock, test_settings: Settings, tmp_path: Path
) -> Desk:
    world = await make_world(database, vault, now=NOW, flats=2)
    return await make_desk(database, vault, objects, world, clock, test_settings, tmp_path)


async def ask_correction(desk: Desk, person_id: uuid.UUID, **wanted: object) -> RightsRequest:
    data = CorrectionInput(asking=ASKING, why="登记有误", proof="户口簿原件", **wanted)  # type: ignore[arg-type]
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        return await service.ask_correction(
            session, vault=desk.vault, person_id=person_id, data=data, actor=desk.clerk, now=NOW
        )


async def decide(desk: Desk, request_id: uuid.UUID, refusal: Refusal | None = None) -> RightsRequest:
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        return await service.decide(
            session, vault=desk.vault, request_id=request_id, held=False, actor=desk.chief, now=NOW,
            data=DecisionInput(granted=refusal is None, reason="经核对材料", refusal=refusal),
        )  # fmt: skip


async def make_lead(desk: Desk) -> uuid.UUID:
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        lead = await leads.create(
            session, household_id=desk.world.households[0], unit_id=desk.world.units[0], source=LeadSource.HOTLINE,
            summary_zh="龘䶮81号疑似转租", summary_en="a suspicion", actor=desk.clerk, now=NOW,
        )  # fmt: skip
        return lead.id


async def objects_to(desk: Desk, person_id: uuid.UUID, lead_id: uuid.UUID) -> RightsRequest:
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        return await service.ask_review(
            session, vault=desk.vault, person_id=person_id, actor=desk.clerk, now=NOW,
            data=ObjectionInput(asking=ASKING, lead_id=lead_id, statement="我一直住在这里"),
        )  # fmt: skip


async def test_the_report_says_what_is_held_who_looked_and_why(desk: Desk) -> None:
    known = await know_all(desk, await move_in(desk, seed=81), seed=81)
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        await unmask(
            session, vault=desk.vault, person_id=known.person_id, secret=Secret.ID_NUMBER,
            purpose=Purpose.TENANCY_COMPLIANCE, reason="核对租赁合同", actor=desk.chief, now=NOW,
        )  # fmt: skip
        found = await report.access_report(
            session, person_id=known.person_id, asking=ASKING, gate=make_ports().holdings, actor=desk.clerk, now=NOW
        )
        again = await report.access_report(
            session, person_id=known.person_id, asking=ASKING, gate=make_ports().holdings, actor=desk.clerk, now=NOW
        )
    counts = {one.category: one.count for one in found.holdings}
    assert counts == {
        "register": 2, "consents": 4, "visits": 2, "face-template": 1, "enrolment-photo": 1, "gate-entry": 1,
        "passages": 1, "sightings": 1,
    }  # fmt: skip
    assert all(one.basis_zh and one.basis_en and one.kept_zh and one.kept_en for one in found.holdings)
    (seen,) = [one for one in found.viewed if "证件号码" in one.what_zh]
    assert (seen.reason, seen.purpose, seen.role, seen.certificate_number) == (
        "核对租赁合同", "tenancy_compliance", "manager", "ZF-0001",
    )  # fmt: skip
    assert [one.what_en for one in again.viewed][-1] == "made this report for the person"
    for text in (found.text_zh, found.text_en):
        assert known.name in text
        assert known.id_number not in text
        assert "ZF-0001" in text
        assert "核对租赁合同" in text
    assert "人工复核" in found.text_zh
    assert "have a person look at it" in found.text_en


async def test_the_report_of_somebody_of_whom_little_is_known_is_short_and_of_nobody_there_is_none(desk: Desk) -> None:
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        found = await report.access_report(
            session, person_id=desk.world.tenants[1], asking=ASKING, gate=make_ports().holdings, actor=desk.clerk,
            now=NOW,
        )  # fmt: skip
        assert [one.category for one in found.holdings] == ["register"]
        assert "无查看记录" in found.text_zh
        assert "Nobody" in found.text_en
        with pytest.raises(NotFound):
            await report.access_report(
                session, person_id=uuid.uuid4(), asking=ASKING, gate=make_ports().holdings, actor=desk.clerk, now=NOW
            )


async def test_a_copy_holds_the_persons_own_data_in_clear_and_is_logged(desk: Desk) -> None:
    person = await move_in(desk, seed=82)
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        found = await report.portable_copy(
            session, vault=desk.vault, person_id=person, asking=ASKING, actor=desk.clerk, now=NOW
        )
        assert (found["id_number"], found["phone"]) == (number_of(82), phone_of(82))
        assert [one["role"] for one in found["household_member"]] == ["co_resident"]
        actions = (await session.scalars(select(AuditEntry.action).where(AuditEntry.object_id == person))).all()
        assert "person.copied" in actions


async def test_a_correction_is_applied_by_a_second_person_and_the_history_names_the_fields(desk: Desk) -> None:
    person = await move_in(desk, seed=83)
    asked = await ask_correction(desk, person, name="龘䶮乙", phone="13900000083", id_number=number_of(183))
    assert asked.answer_by == TODAY + timedelta(days=30)
    done = await decide(desk, asked.id)
    assert (done.state, done.carried_out_at) == (State.DONE, NOW)
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        copy = await report.portable_copy(
            session, vault=desk.vault, person_id=person, asking=ASKING, actor=desk.clerk, now=NOW
        )
        assert (copy["name"], copy["phone"], copy["id_number"]) == ("龘䶮乙", "13900000083", number_of(183))
        change = (
            await session.scalars(
                select(RegisterChange).where(RegisterChange.person_id == person, RegisterChange.kind == "person")
            )
        ).all()[-1]
        assert change.after == {"fields": ["birth_date", "id_number", "name", "phone"]}
        _, said = await service.detail(session, vault=desk.vault, request_id=asked.id, actor=desk.chief, now=NOW)
        assert said is not None
        assert said["proof"] == "户口簿原件"


async def test_a_correction_that_contradicts_somebody_else_is_not_applied(desk: Desk) -> None:
    await move_in(desk, seed=84)
    person = await move_in(desk, seed=85)
    asked = await ask_correction(desk, person, id_number=number_of(84))
    with pytest.raises(PersonDiffers):
        await decide(desk, asked.id)
    assert (await desk.request(asked.id)).state == State.OPEN
    refused = await decide(desk, asked.id, Refusal.NOT_PROVEN)
    assert (refused.state, refused.refusal, refused.decision_reason) == (State.REFUSED, "not_proven", "经核对材料")
    with pytest.raises(NothingToCorrect):
        await ask_correction(desk, person)


async def test_a_refusal_names_a_ground_that_fits(desk: Desk) -> None:
    asked = await desk.ask(await move_in(desk, seed=86))
    with pytest.raises(RefusalDoesNotFit):
        await decide(desk, asked.id, Refusal.NOT_PROVEN)
    assert (await decide(desk, asked.id, Refusal.IDENTITY_NOT_PROVEN)).state == State.REFUSED


async def test_another_open_request_is_decided_before_the_data_is_erased(desk: Desk) -> None:
    person = await move_in(desk, seed=87)
    other = await ask_correction(desk, person, name="龘䶮丙")
    asked = await desk.ask(person)
    with pytest.raises(DecideOthersFirst):
        await desk.grant(asked.id)
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        await service.take_back(session, request_id=other.id, reason="本人撤回", actor=desk.clerk, now=NOW)
    assert (await desk.grant(asked.id)).state == State.APPROVED
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        with pytest.raises(RequestNotOpen):
            await service.take_back(session, request_id=asked.id, reason="太晚", actor=desk.clerk, now=NOW)


async def test_an_objection_brings_a_human_who_lays_the_lead_aside(desk: Desk) -> None:
    person, lead_id = await move_in(desk, seed=88), await make_lead(desk)
    asked = await objects_to(desk, person, lead_id)
    done = await decide(desk, asked.id)
    assert done.state == State.DONE
    lead = await desk.row(Lead, lead_id)
    assert (lead.status, lead.decided_by) == (LeadStatus.DISMISSED, desk.chief.user_id)


async def test_an_unfounded_objection_leaves_the_lead_to_be_decided(desk: Desk) -> None:
    person, lead_id = await move_in(desk, seed=89), await make_lead(desk)
    asked = await objects_to(desk, person, lead_id)
    assert (await decide(desk, asked.id, Refusal.UNFOUNDED)).state == State.REFUSED
    assert (await desk.row(Lead, lead_id)).status == LeadStatus.NEW


async def test_what_has_become_a_case_is_heard_there(desk: Desk) -> None:
    person, lead_id = await move_in(desk, seed=90), await make_lead(desk)
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        lead = await session.get_one(Lead, lead_id)
        lead.status = LeadStatus.ACCEPTED
    with pytest.raises(LeadHasCase):
        await objects_to(desk, person, lead_id)


async def test_a_lead_outside_any_case_forgets_the_name_of_the_erased(desk: Desk) -> None:
    person, lead_id = await move_in(desk, seed=81, leaves=GONE), await make_lead(desk)
    await desk.erase(person)
    assert (await desk.row(Lead, lead_id)).summary_zh == "（已删除）疑似转租"


async def test_a_machine_neither_asks_nor_decides(desk: Desk) -> None:
    desk.clerk = Actor.system("worker")
    with pytest.raises(HumanNeeded):
        await desk.ask(desk.world.tenants[0])


async def test_nothing_is_asked_for_in_the_future(desk: Desk) -> None:
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        with pytest.raises(Invalid):
            await service.ask_erasure(
                session, person_id=desk.world.tenants[0], actor=desk.clerk, now=NOW,
                data=ErasureInput(asking=replace(ASKING, asked_on=TODAY + timedelta(days=1))),
            )  # fmt: skip


async def test_a_hold_keeps_all_but_the_biometrics(desk: Desk) -> None:
    known = await know_all(desk, await move_in(desk, seed=91, leaves=GONE), seed=91)
    assert desk.clerk.user_id is not None
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        session.add(LegalHold(
            estate_id=desk.world.estate_id, scope_kind=HoldScope.PERSON, scope_id=known.person_id, legal_basis="诉讼",
            reason="诉讼保全", requested_by=desk.clerk.user_id, requested_at=NOW,
            approve_before=NOW + timedelta(days=9), until=NOW + timedelta(days=90),
            approved_by=desk.chief.user_id, approved_at=NOW,
        ))  # fmt: skip
        await session.flush()
        assert await held(session, known.person_id, NOW)
        assert not await held(session, desk.world.tenants[1], NOW)
    done = await desk.erase(known.person_id)
    assert (done.state, done.kept) == (State.PARTLY_DONE, ["legal_hold"])
    left = {row["noun"] for row in done.proof if row["kept_why"] is not None}
    assert {"register", "sighting", "pass-event", "visit"} <= left
    assert {row["noun"]: row["count"] for row in done.proof if row["done"] == "destroyed"}["face-template"] == 1
    assert (await desk.row(Person, known.person_id)).name == known.name


async def test_a_withdrawn_basis_stops_the_purpose_at_once(desk: Desk) -> None:
    person = await move_in(desk, seed=92)
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        for row in await session.scalars(select(ProcessingBasis.id)):
            await withdraw_basis(session, basis_id=row, reason="评估到期", actor=desk.clerk, now=NOW)
        for purpose in Purpose:
            with pytest.raises(NoProcessingBasis):
                await unmask(
                    session, vault=desk.vault, person_id=person, secret=Secret.PHONE, purpose=purpose, reason="核对",
                    actor=desk.clerk, now=NOW,
                )  # fmt: skip


@given(st.builds(Situation, *(st.booleans() for _ in range(5))))
def test_a_ground_keeps_parts_and_never_biometrics(situation: Situation) -> None:
    found = grounds(situation)
    assert (kept(found) == frozenset()) == (found == ())
    assert kept(found) <= frozenset(Part)
    assert (Ground.LEGAL_HOLD in found) == situation.held
    assert all(Part.REGISTER in PARTS[ground] for ground in found)


def test_every_ground_is_told_in_both_languages() -> None:
    assert set(WORDS) == set(Ground) == set(PARTS)
    assert all(zh and en for zh, en in WORDS.values())
