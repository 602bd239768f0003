"""Evidence is added by people and counts as people review it."""

import pytest

from inspection.cases import evidence
from inspection.cases.schemas import AddedKind, EvidenceInput, EvidenceReviewInput
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database
from storage.problems import Invalid
from storage.vault.service import Vault
from tests.office.road import Road


@pytest.fixture
async def road(database: Database, vault: Vault, clock: SimulatedClock) -> Road:
    return await Road.make(database, vault, clock)


async def test_evidence_is_added_and_may_be_rejected(road: Road) -> None:
    await road.accept()
    async with road.transaction() as session:
        added = await evidence.add(
            session, case_id=road.case_id, data=EvidenceInput(kind=AddedKind.DOCUMENT, description="转账记录复印件"),
            actor=Actor.user(road.first), now=road.now,
        )  # fmt: skip
    assert [row.counts for row in (await road.read()).evidence if row.kind == "document"] == [True]
    road.wait(minutes=1)
    async with road.transaction() as session:
        await evidence.review(
            session, case_id=road.case_id, evidence_id=added.id, actor=Actor.user(road.manager), now=road.now,
            data=EvidenceReviewInput(admissible=False, note="系伪造"),
        )  # fmt: skip
    found = [row for row in (await road.read()).evidence if row.kind == "document"]
    assert [(row.admissible, row.counts) for row in found] == [(False, False)]
    gate = next(row for row in (await road.read()).evidence if row.kind == "gate")
    with pytest.raises(Invalid):  # a gate's record without the checks of article 41
        async with road.transaction() as session:
            await evidence.review(
                session, case_id=road.case_id, evidence_id=gate.id, actor=Actor.user(road.manager), now=road.now,
                data=EvidenceReviewInput(admissible=True, note="可用"),
            )  # fmt: skip
