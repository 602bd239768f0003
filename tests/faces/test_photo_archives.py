"""Archives of photographs: from the upload to the templates, with consent line by line; killed, repeated, given up."""

import asyncio
import json
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gate_integration.bulk_enrolment import jobs, queries, service, sheets
from gate_integration.bulk_enrolment.erasure import erase
from gate_integration.bulk_enrolment.errors import (
    ArchiveEmpty,
    ArchiveTooLarge,
    PhotoImportNotReady,
    PhotoImportRunning,
)
from gate_integration.bulk_enrolment.models import ImportStatus, LineState, PhotoImportLine
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.faces.engine import SFaceEngine
from inspection.registry.consents.models import Consent, ConsentScope
from inspection.registry.consents.service import withdraw_all
from inspection.registry.exports.sheets import SheetForm
from inspection.registry.households.models import HouseholdMember, Person
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.database import Database, DatabaseUrls, Role, SystemScope
from storage.erasure.service import Subject, Tools
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.problems import NotFound
from storage.vault.service import Vault
from tests.conftest import ROOT
from tests.faces.archives import ACTOR, PhotoDesk, archive, codes, consent, consents, desk_for
from tests.factories import World, make_world
from tests.ids import make_test_number
from tests.recognition import GARBAGE, NO_FACE_PICTURE, near, picture_of, random_face

NUMBER = make_test_number(birth=date(1980, 1, 1), sequence=5)


@pytest.fixture
def desk(database: Database, vault: Vault, objects: Objects, tmp_path: Path) -> PhotoDesk:
    return desk_for(database, vault, objects, tmp_path)


async def world_of(desk: PhotoDesk, flats: int = 4) -> World:
    """A world whose first tenant has an ID number; the others are named by their register id."""
    world = await make_world(desk.database, desk.vault, now=desk.clock.now(), flats=flats)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        person = await session.get_one(Person, world.tenants[0])
        person.id_number_index = desk.vault.index("id-number", NUMBER)
    return world


async def standing(desk: PhotoDesk, world: World) -> tuple[int, int, set[str]]:
    """Templates, photographs kept, and scopes of the first tenant."""
    async with desk.database.transaction(Role.APP, world.scope) as session:
        templates = await session.scalar(select(func.count()).where(FaceTemplate.destroyed_at.is_(None)))
        photos = await session.scalar(
            select(func.count()).where(StoredObject.kind == "enrolment-photo", StoredObject.destroyed_at.is_(None))
        )
        given = await session.scalars(
            select(Consent.scope).where(Consent.person_id == world.tenants[0], Consent.withdrawn_at.is_(None))
        )
        return templates or 0, photos or 0, set(given)


async def archive_bytes(desk: PhotoDesk, world: World) -> int:
    """Pieces of archives that still open."""
    async with desk.database.transaction(Role.APP, world.scope) as session:
        found = await session.scalar(
            select(func.count()).where(StoredObject.kind == service.KIND, StoredObject.destroyed_at.is_(None))
        )
        return found or 0


async def test_nothing_is_enrolled_before_a_person_confirms_and_the_same_archive_again_changes_nothing(
    desk: PhotoDesk,
) -> None:
    world = await world_of(desk)
    content = archive(
        {
            "照片/同意登记表.csv": consents(
                consent(NUMBER.lower()),
                consent(world.tenants[1], 同意保存照片="否"),
                consent(world.tenants[2]),
                consent(world.tenants[3], 同意人脸模板="否"),
            ),
            f"照片/{NUMBER}.jpg": picture_of(random_face(1)),
            f"照片/{world.tenants[1]}.PNG": picture_of(near(random_face(1), 0.95)),
            f"照片/{world.tenants[2]}.jpg": NO_FACE_PICTURE,
            f"照片/{world.tenants[3]}.jpg": picture_of(random_face(4)),
            f"照片/{NUMBER[:-1]}0.jpg": picture_of(random_face(5)),
            "__MACOSX/._x.jpg": b"",
        }
    )
    checked = await desk.check(world, content)
    assert (checked.status, checked.lines_total, checked.lines_ready) == (ImportStatus.CHECKED, 5, 2)
    assert await standing(desk, world) == (0, 0, set())
    lines = await desk.lines(world, checked.id)
    assert codes(lines) == [
        (LineState.READY, ""), (LineState.READY, ""), (LineState.REFUSED, "photo-refused"),
        (LineState.REFUSED, "template-not-consented"), (LineState.REFUSED, "bad-number"),
    ]  # fmt: skip
    assert NUMBER not in str(lines)
    assert lines[0].shown == "9999********" + NUMBER[-4:]
    assert lines[1].resembles == [world.tenants[0]]
    assert [reason.code for reason in lines[1].reasons] == ["same-face-other-name"]
    assert all(line.zh and line.en for line in lines[2:])
    assert lines[2].reasons[0].refuses
    with pytest.raises(PhotoImportRunning):
        await desk.hand_in(world, archive({"a": b""}))
    with pytest.raises(PhotoImportRunning):
        await desk.hand_in(world, content, actor=Actor.system("other"))
    assert await desk.hand_in(world, content) == checked.id
    await desk.confirm(world, checked.id)
    await desk.confirm(world, checked.id)
    await desk.shop.apply(import_id=checked.id)
    await desk.shop.apply(import_id=checked.id)
    applied = await desk.view(world, checked.id)
    assert (applied.status, applied.lines_applied, applied.lines_ready) == (ImportStatus.APPLIED, 2, 0)
    assert await standing(desk, world) == (2, 1, {"template", "keep_photo", "push_to_gates"})
    assert await archive_bytes(desk, world) == 0
    again = await desk.run(world, content)
    assert (again.status, again.lines_applied) == (ImportStatus.APPLIED, 0)
    assert codes(await desk.lines(world, again.id))[:2] == [(LineState.UNCHANGED, "unchanged")] * 2
    assert (await standing(desk, world))[:2] == (2, 1)
    for form in SheetForm:
        told = sheets.report(await desk.lines(world, again.id), form)
        assert NUMBER.encode() not in told
    assert "无变化" in told.decode()
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        actions = list(await session.scalars(select(AuditEntry.action).where(AuditEntry.estate_id == world.estate_id)))
    assert actions.count("consent.give") == 5
    assert actions.count("photo-import.consent") == actions.count("face.enrolled") == 2


async def test_a_new_consent_for_a_known_photograph_is_recorded_and_the_photograph_not_taken_twice(
    desk: PhotoDesk,
) -> None:
    world = await world_of(desk)
    photo = {f"{NUMBER}.jpg": picture_of(random_face(1))}
    await desk.run(world, archive({"consent.csv": consents(consent(NUMBER, 同意下发门禁="")), **photo}))
    assert await standing(desk, world) == (1, 1, {"template", "keep_photo"})
    again = await desk.run(world, archive({"consent.csv": consents(consent(NUMBER)), **photo}))
    assert again.lines_applied == 1
    assert await standing(desk, world) == (1, 1, {"template", "keep_photo", "push_to_gates"})


async def test_an_old_paper_gives_nothing_back_and_a_no_does_not_pass_beside_a_standing_consent(
    desk: PhotoDesk,
) -> None:
    world = await world_of(desk)
    content = archive({"consent.csv": consents(consent(NUMBER)), f"{NUMBER}.jpg": picture_of(random_face(1))})
    await desk.run(world, content)
    refusing = archive(
        {"consent.csv": consents(consent(NUMBER, 同意保存照片="否")), f"{NUMBER}.jpg": picture_of(random_face(2))}
    )
    assert codes(await desk.lines(world, (await desk.check(world, refusing)).id)) == [
        (LineState.REFUSED, "scope-conflict")
    ]
    async with desk.database.transaction(Role.APP, world.scope) as session:
        running = await queries.active(session, estate_id=world.estate_id)
        assert running is not None
        await service.cancel(session, import_id=running.id, objects=desk.objects, actor=ACTOR, now=desk.clock.now())
        await withdraw_all(
            session, person_id=world.tenants[0], scopes=list(ConsentScope), reason="本人要求", actor=ACTOR,
            now=desk.clock.now(),
        )  # fmt: skip
    again = await desk.check(world, content)
    assert codes(await desk.lines(world, again.id)) == [(LineState.REFUSED, "withdrawn-since")]


async def test_what_changed_after_the_confirmation_is_asked_again(desk: PhotoDesk) -> None:
    world = await world_of(desk)
    content = archive(
        {"consent.csv": consents(*(consent(t) for t in world.tenants[:3])),
         **{f"{t}.jpg": picture_of(random_face(n)) for n, t in enumerate(world.tenants[:3])}}
    )  # fmt: skip
    checked = await desk.check(world, content)
    await desk.confirm(world, checked.id)
    with pytest.raises(PhotoImportNotReady):
        async with desk.database.transaction(Role.APP, world.scope) as session:
            await service.cancel(session, import_id=checked.id, objects=desk.objects, actor=ACTOR, now=desk.clock.now())
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        (await session.get_one(Person, world.tenants[0])).erased_at = desk.clock.now()
        left = await session.scalar(select(HouseholdMember).where(HouseholdMember.person_id == world.tenants[1]))
        assert left is not None
        left.valid_to = date(2026, 3, 1)
    await desk.shop.apply(import_id=checked.id)
    assert codes(await desk.lines(world, checked.id)) == [
        (LineState.REFUSED, "unknown-person"), (LineState.REFUSED, "person-left"), (LineState.ENROLLED, ""),
    ]  # fmt: skip
    assert (await desk.view(world, checked.id)).status is ImportStatus.APPLIED


async def test_an_archive_that_cannot_be_taken_says_why_and_is_destroyed(desk: PhotoDesk) -> None:
    world = await world_of(desk)
    for content, code in (
        (b"no archive at all", "bad-archive"),
        (archive({"a.jpg": b"x"}), "no-consent-sheet"),
        (archive({"consent.xlsx": b"PK\x03\x04", "a.jpg": b"x"}), "bad-consent-sheet"),
        (archive({"../consent.csv": consents()}), "unsafe-name"),
    ):
        refused = await desk.check(world, content)
        assert (refused.status, refused.refused_code) == (ImportStatus.REFUSED, code)
        assert refused.refused_zh
        assert await archive_bytes(desk, world) == 0
        with pytest.raises(PhotoImportNotReady):
            await desk.confirm(world, refused.id)
    with pytest.raises(ArchiveEmpty):
        await desk.hand_in(world, b"")
    stranger = await make_world(desk.database, desk.vault, now=desk.clock.now(), flats=0)
    with pytest.raises(NotFound):
        async with desk.database.transaction(Role.APP, stranger.scope) as session:
            await service.get_import(session, import_id=refused.id)


async def test_an_archive_of_many_pieces_is_read_across_them_and_one_too_large_leaves_nothing(
    desk: PhotoDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await world_of(desk)
    monkeypatch.setattr(service, "PIECE", 101)
    content = archive(
        {"consent.csv": consents(consent(NUMBER)), f"{NUMBER}.jpg": picture_of(random_face(1)), "x.jpg": GARBAGE}
    )
    checked = await desk.check(world, content)
    assert (checked.lines_ready, await archive_bytes(desk, world)) == (1, -(-len(content) // 101))
    monkeypatch.setattr(service, "MOST_BYTES", 300)
    with pytest.raises(ArchiveTooLarge):
        await desk.hand_in(world, content + b"x")
    assert await archive_bytes(desk, world) == -(-len(content) // 101)
    desk.clock.set(desk.clock.now() + timedelta(days=8))
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await jobs.sweep(session, objects=desk.objects, now=desk.clock.now())
    given_up = await desk.view(world, checked.id)
    assert (given_up.status, await archive_bytes(desk, world)) == (ImportStatus.CANCELLED, 0)
    assert codes(await desk.lines(world, checked.id))[0] == (LineState.DROPPED, "")


async def test_an_erased_person_is_in_no_archive_and_no_line(desk: PhotoDesk) -> None:
    world = await world_of(desk)
    both = {f"{t}.jpg": picture_of(random_face(1)) for t in world.tenants[:2]}
    checked = await desk.check(
        world, archive({"consent.csv": consents(*(consent(t) for t in world.tenants[:2])), **both})
    )
    lines = await desk.lines(world, checked.id)
    assert lines[1].resembles == [world.tenants[0]]
    subject = Subject(
        subject_id=world.tenants[0], estate_id=world.estate_id, request_id=world.estate_id, kept=frozenset()
    )
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        proofs = await erase(session, subject, Tools(desk.vault, desk.objects), desk.clock.now())
        assert [proof.count for proof in proofs] == [1, 1]
    assert (await desk.view(world, checked.id)).status is ImportStatus.CANCELLED
    assert await archive_bytes(desk, world) == 0
    left = await desk.lines(world, checked.id)
    assert [(line.person_id, line.resembles) for line in left] == [(world.tenants[1], [])]


async def test_a_killed_worker_loses_nothing_and_doubles_nothing(
    desk: PhotoDesk, urls: DatabaseUrls, master_key: bytes, tmp_path: Path
) -> None:
    world = await world_of(desk, flats=40)
    content = archive(
        {"consent.csv": consents(*(consent(t) for t in world.tenants)),
         **{f"{t}.jpg": picture_of(random_face(n)) for n, t in enumerate(world.tenants)}}
    )  # fmt: skip
    import_id = await desk.hand_in(world, content)
    assert isinstance(desk.objects.store, FilesystemStore)
    line = {"master": master_key.hex(), "urls": urls.by_role, "objects": str(desk.objects.store.root),
            "clock": str(tmp_path / "photos.json"), "import_id": str(import_id)}  # fmt: skip

    async def killed(stage: str, after: int) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faces.killed_photos", cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(line | {"stage": stage}).encode() + b"\n")
        await process.stdin.drain()
        while json.loads(await process.stdout.readline()) < after:
            pass
        process.send_signal(signal.SIGKILL)
        await process.wait()

    await killed("check", 16)
    halfway = await desk.view(world, import_id)
    assert halfway.status is ImportStatus.CHECKING
    assert halfway.lines_checked >= 16
    await desk.shop.check(import_id=import_id)
    assert (await desk.view(world, import_id)).lines_ready == 40
    await desk.confirm(world, import_id)
    await killed("apply", 5)
    halfway = await desk.view(world, import_id)
    assert halfway.status is ImportStatus.APPLYING
    assert halfway.lines_applied >= 5
    await desk.shop.apply(import_id=import_id)
    done = await desk.view(world, import_id)
    assert (done.status, done.lines_applied) == (ImportStatus.APPLIED, 40)
    assert (await standing(desk, world))[:2] == (40, 40)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        each = select(func.count()).select_from(FaceTemplate).group_by(FaceTemplate.person_id)
        assert set(await session.scalars(each)) == {1}
        lines = select(func.count(func.distinct(PhotoImportLine.template_id)))
        assert await session.scalar(lines) == 40


async def test_the_real_engine_judges_photographs_of_an_archive(
    database: Database, vault: Vault, objects: Objects, tmp_path: Path, engine: SFaceEngine, pictures: dict[str, bytes]
) -> None:
    desk = desk_for(database, vault, objects, tmp_path, engine)
    world = await world_of(desk)
    sound = "tenant_1"
    content = archive(
        {
            "consent.csv": consents(consent(NUMBER), consent(world.tenants[1])),
            f"{NUMBER}.jpg": pictures[sound],
            f"{world.tenants[1]}.jpg": pictures[sound][: len(pictures[sound]) // 2],
        }
    )
    applied = await desk.run(world, content)
    assert applied.lines_applied == 1
    lines = await desk.lines(world, applied.id)
    assert codes(lines) == [(LineState.ENROLLED, ""), (LineState.REFUSED, "photo-refused")]
    assert [reason.code for reason in lines[1].reasons] == ["truncated"]
