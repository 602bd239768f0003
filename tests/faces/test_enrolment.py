"""Enrolling a face, and what withdrawing consent destroys."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import func, select

from gate_integration.enrolment import jobs, queries, service
from gate_integration.enrolment.errors import ConsentMissing, TooManyTemplates
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.enrolment.service import EnrolmentResult, EnrolmentVerdict
from gate_integration.faces.engine import SFaceEngine
from inspection.registry.consents.errors import NoProcessingBasis
from inspection.registry.consents.models import ConsentScope, Purpose
from inspection.registry.consents.service import withdraw_all
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.database import Database, EstateScope, Role, SystemScope
from storage.objects.service import Objects
from storage.problems import NotFound
from storage.vault.service import Vault
from tests.factories import World, give_consent, make_world
from tests.recognition import GARBAGE, NO_FACE_PICTURE, FakeEngine, near, picture_of, random_face

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
INSPECTOR = Actor.system("test")


async def enrol(
    database: Database, vault: Vault, objects: Objects, world: World, index: int, photo: bytes, *,
    engine: FakeEngine | SFaceEngine | None = None, now: datetime = NOW,
) -> EnrolmentResult:  # fmt: skip
    async with database.transaction(Role.APP, world.scope) as session:
        return await service.enrol(
            session, person_id=world.tenants[index], photo=photo, actor=INSPECTOR, now=now,
            engine=engine or FakeEngine(), vault=vault, objects=objects,
        )  # fmt: skip


async def withdraw(
    database: Database, vault: Vault, objects: Objects, world: World, index: int, scope: ConsentScope
) -> None:
    """Withdraws, then runs the job once."""
    later = NOW + timedelta(days=1)
    async with database.transaction(Role.APP, world.scope) as session:
        await withdraw_all(session, person_id=world.tenants[index], scopes=[scope], reason="测试撤回",
                           actor=INSPECTOR, now=later)  # fmt: skip
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await jobs.apply_withdrawals(session, vault=vault, objects=objects, now=later)


async def test_a_good_photo_becomes_a_sealed_template(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW)
    await give_consent(database, world, world.tenants[0], now=NOW)
    face = random_face(1)
    result = await enrol(database, vault, objects, world, 0, picture_of(face))
    assert result.verdict is EnrolmentVerdict.ACCEPTED
    async with database.transaction(Role.APP, world.scope) as session:
        people, matrix = await service.load_templates(
            session, estate_id=world.estate_id, engine=FakeEngine(), vault=vault, now=NOW
        )
        assert people == [world.tenants[0]]
        np.testing.assert_array_equal(matrix[0], face)
        row = await session.get_one(FaceTemplate, result.template_id)
        assert row.sealed is not None
        assert face.tobytes()[:16] not in row.sealed
        assert (await queries.stamp(session, estate_id=world.estate_id, on=date(2026, 3, 2))).generation == 1
        actions = (
            await session.scalars(select(AuditEntry.action).where(AuditEntry.estate_id == world.estate_id))
        ).all()
        assert "face.enrolled" in actions
        assert result.object_id is not None
        assert await objects.get(session, object_id=result.object_id, now=NOW) == picture_of(face)


async def test_consent_and_basis_come_first(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW, bases=(Purpose.WELFARE_CHECK,))
    with pytest.raises(ConsentMissing):
        await enrol(database, vault, objects, world, 0, picture_of(random_face(1)))
    await give_consent(database, world, world.tenants[0], now=NOW)
    with pytest.raises(NoProcessingBasis):
        await enrol(database, vault, objects, world, 0, picture_of(random_face(1)))


async def test_without_consent_to_keep_it_the_photo_is_not_kept(
    database: Database, vault: Vault, objects: Objects
) -> None:
    world = await make_world(database, vault, now=NOW)
    await give_consent(database, world, world.tenants[0], now=NOW, scopes=(ConsentScope.TEMPLATE,))
    result = await enrol(database, vault, objects, world, 0, picture_of(random_face(1)))
    assert result.template_id is not None
    assert result.object_id is None


@pytest.mark.parametrize(("photo", "code"), [(NO_FACE_PICTURE, "no-face"), (GARBAGE, "not-a-picture")])
async def test_a_bad_photo_is_refused_with_its_reason(
    database: Database, vault: Vault, objects: Objects, photo: bytes, code: str
) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    await give_consent(database, world, world.tenants[0], now=NOW)
    result = await enrol(database, vault, objects, world, 0, photo)
    assert result.verdict is EnrolmentVerdict.REFUSED
    assert [reason.code for reason in result.reasons] == [code]
    assert all(reason.zh and reason.en for reason in result.reasons)
    async with database.transaction(Role.APP, world.scope) as session:
        assert await service.templates_of(session, person_id=world.tenants[0]) == []


async def test_the_same_face_under_two_names_is_told(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW)
    for index in (0, 1):
        await give_consent(database, world, world.tenants[index], now=NOW)
    face = random_face(1)
    await enrol(database, vault, objects, world, 0, picture_of(face))
    own = await enrol(database, vault, objects, world, 0, picture_of(near(face, 0.9)))
    assert own.resembles == ()
    other = await enrol(database, vault, objects, world, 1, picture_of(near(face, 0.8)))
    assert other.verdict is EnrolmentVerdict.ACCEPTED
    assert other.resembles == (world.tenants[0],)
    assert "same-face-other-name" in [reason.code for reason in other.reasons]


async def test_a_person_has_so_many_templates_and_no_more(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    await give_consent(database, world, world.tenants[0], now=NOW)
    for seed in range(5):
        await enrol(database, vault, objects, world, 0, picture_of(near(random_face(1), 0.9, seed=seed + 10)))
    with pytest.raises(TooManyTemplates):
        await enrol(database, vault, objects, world, 0, picture_of(random_face(1)))


async def test_a_foreign_person_is_not_there(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    async with database.transaction(Role.APP, EstateScope(())) as session:
        with pytest.raises(NotFound):
            await service.enrol(
                session, person_id=world.tenants[0], photo=b"", actor=INSPECTOR, now=NOW, engine=FakeEngine(),
                vault=vault, objects=objects,
            )  # fmt: skip


async def test_withdrawal_destroys_in_one_run(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW, flats=2)
    for index in (0, 1):
        await give_consent(database, world, world.tenants[index], now=NOW)
    result = await enrol(database, vault, objects, world, 0, picture_of(random_face(1)))
    await enrol(database, vault, objects, world, 1, picture_of(random_face(2)))
    await withdraw(database, vault, objects, world, 0, ConsentScope.TEMPLATE)
    async with database.transaction(Role.APP, world.scope) as session:
        row = await session.get_one(FaceTemplate, result.template_id)
        assert row.sealed is None
        assert row.destroyed_at is not None
        assert result.object_id is not None
        # The photograph has a consent of its own, which stands.
        assert await objects.get(session, object_id=result.object_id, now=NOW) == picture_of(random_face(1))
        people, _ = await service.load_templates(
            session, estate_id=world.estate_id, engine=FakeEngine(), vault=vault, now=NOW
        )
        assert people == [world.tenants[1]]
    async with database.transaction(Role.SYSTEM, world.scope) as session:
        again = await jobs.apply_withdrawals(session, vault=vault, objects=objects, now=NOW + timedelta(days=1))
        assert (again.facts, again.templates, again.photos) == (0, 0, 0)


async def test_a_later_consent_keeps_its_template(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    await give_consent(database, world, world.tenants[0], now=NOW)
    await enrol(database, vault, objects, world, 0, picture_of(random_face(1)))
    later = NOW + timedelta(hours=1)
    async with database.transaction(Role.APP, world.scope) as session:
        await withdraw_all(session, person_id=world.tenants[0], scopes=list(ConsentScope), reason="测试撤回",
                           actor=INSPECTOR, now=later)  # fmt: skip
    await give_consent(database, world, world.tenants[0], now=later + timedelta(hours=1))
    kept = await enrol(database, vault, objects, world, 0, picture_of(random_face(1)), now=later + timedelta(hours=1))
    async with database.transaction(Role.SYSTEM, world.scope) as session:
        done = await jobs.apply_withdrawals(session, vault=vault, objects=objects, now=later + timedelta(hours=2))
        assert done.templates == 1
    async with database.transaction(Role.APP, world.scope) as session:
        assert [row.id for row in await service.templates_of(session, person_id=world.tenants[0])] == [kept.template_id]


async def test_withdrawing_the_photo_keeps_the_template(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    await give_consent(database, world, world.tenants[0], now=NOW)
    result = await enrol(database, vault, objects, world, 0, picture_of(random_face(1)))
    await withdraw(database, vault, objects, world, 0, ConsentScope.KEEP_PHOTO)
    async with database.transaction(Role.APP, world.scope) as session:
        row = await session.get_one(FaceTemplate, result.template_id)
        assert row.sealed is not None
        assert row.photo_object_id is None


@pytest.mark.faces
async def test_the_real_engine_enrols_and_refuses(
    database: Database, vault: Vault, objects: Objects, engine: SFaceEngine, pictures: dict[str, bytes]
) -> None:
    world = await make_world(database, vault, now=NOW, flats=2)
    for index in (0, 1):
        await give_consent(database, world, world.tenants[index], now=NOW)
    first = await enrol(database, vault, objects, world, 0, pictures["tenant_1"], engine=engine)
    assert first.verdict is EnrolmentVerdict.ACCEPTED
    same = await enrol(database, vault, objects, world, 1, pictures["tenant_2"], engine=engine)
    assert same.resembles == (world.tenants[0],)
    async with database.transaction(Role.APP, world.scope) as session:
        assert await session.scalar(
            select(func.count()).select_from(FaceTemplate).where(FaceTemplate.engine == engine.engine_id,
                                                                 FaceTemplate.estate_id == world.estate_id)
        ) == 2  # fmt: skip
