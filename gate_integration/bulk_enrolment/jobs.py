"""The work on an archive: checking, enrolling. Each may be killed at any moment and goes on where it was.

Photographs do not depend on one another, so each is enrolled in a transaction of its own: what a killed worker has
done stands, and the next one goes on with the lines that are left.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.bulk_enrolment import queries, service
from gate_integration.bulk_enrolment.archive import MOST_PHOTO, MOST_SHEET, Contents, look
from gate_integration.bulk_enrolment.consent_sheet import ConsentLine, read_consents
from gate_integration.bulk_enrolment.gathering import Draft, gather, named_by
from gate_integration.bulk_enrolment.judging import judge
from gate_integration.bulk_enrolment.lines import as_row, consent_of, remarks
from gate_integration.bulk_enrolment.models import ImportStatus, LineState, PhotoImport, PhotoImportLine
from gate_integration.bulk_enrolment.pieces import Archive, Damaged, Pieces
from gate_integration.enrolment import service as enrolment
from gate_integration.enrolment.errors import TooManyTemplates
from gate_integration.enrolment.parameters import RecognitionParameters, recognition_parameters
from gate_integration.faces.records import Engine, Vector
from inspection.registry.consents.basis import current_notices
from inspection.registry.consents.models import ConsentScope
from inspection.registry.consents.service import Channel, give
from inspection.registry.households import papers
from inspection.registry.households.models import Person
from inspection.registry.imports.workbook import Unreadable
from storage.audit.service import Actor, record
from storage.clock import Clock, local_day
from storage.database import Database, EstateScope, Role, SystemScope
from storage.objects.service import Objects
from storage.objects.store import ObjectMissing
from storage.problems import Problem
from storage.vault.service import Vault

MOST_ATTEMPTS: Final = 5
LOST_AFTER: Final = timedelta(minutes=10)
BATCH: Final = 16
WORKER: Final = Actor.system("worker")


class Refused(Exception):
    """The archive as a whole cannot be taken; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Gallery:
    """Whom a photograph is compared with: templates of the estate, and the archive's own photographs seen so far."""

    people: list[uuid.UUID] = field(default_factory=list)
    matrix: Vector = field(default_factory=lambda: np.empty((0, 128), np.float32))

    def near(self, person_id: uuid.UUID, embedding: Vector, at_least: float) -> list[uuid.UUID]:
        """Others as near as one's own template would be, nearest first; then it holds this one too."""
        scores = self.matrix @ embedding
        order = np.argsort(-scores)
        found = [self.people[i] for i in order if scores[i] >= at_least and self.people[i] != person_id]
        self.people.append(person_id)
        self.matrix = np.vstack([self.matrix, embedding[None, :]])
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the work needs. `watch` is called with (lines done, lines) whenever some are done."""

    database: Database
    vault: Vault
    objects: Objects
    clock: Clock
    engine: Engine
    watch: Callable[[int, int], None] = lambda done, total: None  # noqa: ARG005 - nobody watches

    async def check(self, *, import_id: uuid.UUID) -> None:
        """Compares the archive with the register, looks at each photograph, and leaves the report for a person."""
        row = await self.begin(import_id, (ImportStatus.WAITING, ImportStatus.CHECKING))
        if row is None:
            return
        try:
            archive = await self.open(row)
            if not row.lines_total:
                await self.gather(row, archive)
        except Refused as refused:
            await self.refuse(row, refused.code)
            return
        except ObjectMissing:
            await self.refuse(row, "bad-archive", status=ImportStatus.FAILED)
            return
        gallery, parameters = await self.gallery(row)
        while await self.check_some(row, archive, gallery, parameters):
            pass

    async def apply(self, *, import_id: uuid.UUID) -> None:
        """Enrols the lines of a confirmed archive one by one; at the end the archive is destroyed."""
        row = await self.begin(import_id, (ImportStatus.APPLYING,))
        if row is None:
            return
        try:
            archive = await self.open(row)
        except (Refused, ObjectMissing):
            await self.refuse(row, "bad-archive", status=ImportStatus.FAILED)
            return
        actor = Actor.user(row.confirmed_by) if row.confirmed_by else Actor.system("cli")
        while True:
            async with self.transaction(row) as session:
                waiting = await queries.open_lines(session, import_id=row.id, state=LineState.READY, limit=BATCH)
            if not waiting:
                break
            for line in waiting:
                await self.enrol(row, line.id, archive, actor)
        async with self.transaction(row) as session:
            fresh = await queries.get(session, import_id=row.id, lock=True)
            if fresh is not None and fresh.status == ImportStatus.APPLYING:
                now = self.clock.now()
                await service.end(session, fresh, status=ImportStatus.APPLIED, objects=self.objects, now=now)
                record(session, at=now, actor=actor, action="photo-import.applied", object_kind="photo_import",
                       object_id=row.id, estate_id=row.estate_id, enrolled=fresh.lines_applied)  # fmt: skip

    async def begin(self, import_id: uuid.UUID, stages: Iterable[ImportStatus]) -> PhotoImport | None:
        """Counts the attempt; None when there is nothing to do any more."""
        now = self.clock.now()
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            row = await queries.begin(session, import_id=import_id, stages=tuple(stages), now=now)
            if row is None:
                return None
            if row.attempts > MOST_ATTEMPTS:
                await queries.drop_open_lines(session, import_id=row.id)
                await service.end(session, row, status=ImportStatus.FAILED, objects=self.objects, now=now)
                return None
            if row.status == ImportStatus.WAITING:
                row.status = ImportStatus.CHECKING
            return row

    async def open(self, row: PhotoImport) -> Archive:
        """The archive as a file that fetches what is read. Raises `Refused`, `ObjectMissing`."""
        async with self.transaction(row) as session:
            pieces = await queries.pieces(session, import_id=row.id)
        if not pieces:
            raise ObjectMissing(str(row.id))

        async def fetch(object_id: uuid.UUID) -> bytes:
            async with self.transaction(row) as session:
                return await self.objects.get(session, object_id=object_id, now=self.clock.now())

        file = Pieces(pieces, loop=asyncio.get_running_loop(), fetch=fetch)
        try:
            return await asyncio.to_thread(Archive, file)
        except Damaged:
            raise Refused("bad-archive") from None

    async def gather(self, row: PhotoImport, archive: Archive) -> None:
        """Reads directory and sheet and writes the lines down. Raises `Refused`."""
        contents = await asyncio.to_thread(look, archive.zip.infolist())
        if contents.refused:
            raise Refused(contents.refused)
        try:
            sheet = await asyncio.to_thread(archive.member, contents.sheet, most=MOST_SHEET)
            stated = await asyncio.to_thread(read_consents, sheet)
        except (Unreadable, Damaged):
            raise Refused("bad-consent-sheet") from None
        now = self.clock.now()
        async with self.transaction(row) as session:
            fresh = await queries.get(session, import_id=row.id, lock=True)
            if fresh is None or fresh.status != ImportStatus.CHECKING or fresh.lines_total:
                return
            drafts = await self.drafts(session, row, contents, stated)
            await queries.add_lines(session, [as_row(d, row, position) for position, d in enumerate(drafts)])
            await queries.count(session, fresh, now=now)

    async def drafts(
        self, session: AsyncSession, row: PhotoImport, contents: Contents, stated: list[ConsentLine]
    ) -> list[Draft]:
        """The lines as far as register and consents decide."""
        today = local_day(self.clock.now())
        named = named_by(contents, stated, today=today, index=lambda n: self.vault.index(papers.ID_NUMBER, n))
        by_index, ids = await queries.people_by_number(
            session, estate_id=row.estate_id,
            indexes={one.index for one in named.values() if one.index is not None},
            ids={one.person_id for one in named.values() if one.person_id is not None},
        )  # fmt: skip
        people = {one: by_index[one.index] for one in named.values() if one.index in by_index}
        people |= {one: one.person_id for one in named.values() if one.person_id in ids}
        drafts = gather(contents, stated, named=named, people=people)
        known = await queries.known_people(
            session, estate_id=row.estate_id, ids={d.person_id for d in drafts if d.person_id}, on=today
        )
        notices = await current_notices(session, estate_id=row.estate_id, on=today)
        for draft in drafts:
            if not draft.code:
                who = known.get(draft.person_id) if draft.person_id else None
                draft.code = judge(draft.consent, who, notices=notices, today=today)
        return drafts

    async def gallery(self, row: PhotoImport) -> tuple[Gallery, RecognitionParameters]:
        """The estate's templates, opened once for the whole archive."""
        now = self.clock.now()
        async with self.transaction(row) as session:
            people, matrix = await enrolment.load_templates(
                session, estate_id=row.estate_id, engine=self.engine, vault=self.vault, now=now
            )
            return Gallery(people, matrix), await recognition_parameters(
                session, estate_id=row.estate_id, on=local_day(now)
            )

    async def check_some(
        self, row: PhotoImport, archive: Archive, gallery: Gallery, parameters: RecognitionParameters
    ) -> bool:
        """Looks at the next photographs; False when none is left or the import was given up."""
        async with self.transaction(row) as session:
            waiting = await queries.open_lines(session, import_id=row.id, state=LineState.UNCHECKED, limit=BATCH)
            ids = {line.person_id for line in waiting if line.person_id is not None}
            templates = await queries.templates_by_person(session, ids=ids)
            known = await queries.known_people(
                session, estate_id=row.estate_id, ids=ids, on=local_day(self.clock.now())
            )
        for line in waiting:
            assert line.person_id is not None  # noqa: S101 - only judged lines are unchecked
            own = templates.get(line.person_id, [])
            standing = known[line.person_id].standing if line.person_id in known else frozenset()
            await self.look_at(line, archive, gallery, parameters, own, standing)
        async with self.transaction(row) as session:
            fresh = await queries.get(session, import_id=row.id, lock=True)
            if fresh is None or fresh.status != ImportStatus.CHECKING:
                return False
            for line in waiting:
                await session.merge(line)
            await session.flush()
            now = self.clock.now()
            await queries.count(session, fresh, now=now)
            if waiting:
                fresh.attempts = 0
            else:
                fresh.status = ImportStatus.CHECKED
            told = fresh.lines_checked, fresh.lines_total
        self.watch(*told)
        return bool(waiting)

    async def look_at(
        self, line: PhotoImportLine, archive: Archive, gallery: Gallery, parameters: RecognitionParameters,
        own: list[tuple[bytes | None, str, str]], standing: frozenset[ConsentScope],
    ) -> None:  # fmt: skip
        """What becomes of one photograph, as far as one can tell before it is enrolled."""
        assert line.person_id is not None  # noqa: S101 - as above
        assert line.entry is not None  # noqa: S101 - as above
        try:
            photo = await asyncio.to_thread(archive.member, line.entry, most=MOST_PHOTO)
        except Damaged:
            line.state, line.code = LineState.REFUSED, "photo-damaged"
            return
        line.photo_digest = enrolment.photo_digest(self.vault, photo)
        if (line.photo_digest, self.engine.engine_id, self.engine.model_hash) in own:
            given = {str(scope) for scope in standing}.issuperset(line.scopes)
            line.state, line.code = (LineState.UNCHANGED, "unchanged") if given else (LineState.READY, "")
            return
        if len(own) >= parameters.max_templates:
            line.state, line.code = LineState.REFUSED, "too-many-templates"
            return
        judged = await enrolment.judge(self.engine, photo)
        line.reasons = remarks(judged.reasons)
        if judged.face is None:
            line.state, line.code = LineState.REFUSED, "photo-refused"
            return
        near = gallery.near(line.person_id, judged.face.embedding, parameters.thresholds.match_from)
        line.resembles = [str(other) for other in near]
        if near:
            line.reasons = [*line.reasons, *remarks((enrolment.SAME_FACE,))]
        line.state, line.code = LineState.READY, ""

    async def enrol(self, row: PhotoImport, line_id: uuid.UUID, archive: Archive, actor: Actor) -> None:
        """Records the consents of one line and enrols its photograph, in one transaction; or says why not."""
        now = self.clock.now()
        try:
            async with self.transaction(row) as session:
                line = await queries.locked_line(session, line_id=line_id)
                if line is None or line.state != LineState.READY:
                    return
                await self.take_in(session, row, line, archive, actor, now)
                line.done_at = now
                await session.flush()
                fresh = await queries.get(session, import_id=row.id, lock=True)
                assert fresh is not None  # noqa: S101 - its line is locked
                await queries.count(session, fresh, now=now)
                fresh.attempts = 0
                done = fresh.lines_total - fresh.lines_ready
        except (Problem, Damaged) as problem:
            async with self.transaction(row) as session:
                line = await queries.locked_line(session, line_id=line_id)
                if line is not None and line.state == LineState.READY:
                    line.state, line.done_at = LineState.REFUSED, now
                    line.code = "too-many-templates" if isinstance(problem, TooManyTemplates) else "changed-meanwhile"
                    if isinstance(problem, Problem):
                        told = {"code": problem.code, "zh": problem.title_zh, "en": problem.title_en, "refuses": True}
                        line.reasons = [*line.reasons, told]
            return
        self.watch(done, row.lines_total)

    async def take_in(
        self, session: AsyncSession, row: PhotoImport, line: PhotoImportLine, archive: Archive, actor: Actor,
        now: datetime,
    ) -> None:  # fmt: skip
        """What was found good may not be so any more: everything is asked again."""
        today = local_day(now)
        if line.person_id is None or line.entry is None:
            line.state, line.code = LineState.REFUSED, "changed-meanwhile"
            return
        known = await queries.known_people(session, estate_id=row.estate_id, ids=[line.person_id], on=today)
        notices = await current_notices(session, estate_id=row.estate_id, on=today)
        person = known.get(line.person_id)
        code = judge(consent_of(line), person, notices=notices, today=today)
        if code or person is None:
            line.state, line.code = LineState.REFUSED, code
            return
        new = frozenset(ConsentScope(scope) for scope in line.scopes) - person.standing
        if new:
            guardian = (await session.get_one(Person, line.person_id)).guardian_id if line.guardian else None
            await give(
                session, person_id=line.person_id, scopes=new, notice_version=line.notice,
                channel=Channel(line.channel), guardian_id=guardian, actor=actor, now=now,
            )  # fmt: skip
            record(session, at=now, actor=actor, action="photo-import.consent", object_kind="person",
                   object_id=line.person_id, estate_id=row.estate_id, import_id=str(row.id),
                   scopes=sorted(str(scope) for scope in new), signed_on=str(line.signed_on), paper=line.paper,
                   guardian_relation=line.relation)  # fmt: skip
        photo = await asyncio.to_thread(archive.member, line.entry, most=MOST_PHOTO)
        own = (await queries.templates_by_person(session, ids=[line.person_id])).get(line.person_id, [])
        if (enrolment.photo_digest(self.vault, photo), self.engine.engine_id, self.engine.model_hash) in own:
            line.state, line.code = LineState.ENROLLED, ""
            return
        result = await enrolment.enrol(
            session, person_id=line.person_id, photo=photo, actor=actor, now=now, engine=self.engine,
            vault=self.vault, objects=self.objects,
        )  # fmt: skip
        line.reasons = remarks(result.reasons)
        line.resembles = [str(other) for other in result.resembles]
        line.template_id = result.template_id
        line.state, line.code = (
            (LineState.ENROLLED, "") if result.template_id is not None else (LineState.REFUSED, "photo-refused")
        )

    async def refuse(self, row: PhotoImport, code: str, *, status: ImportStatus = ImportStatus.REFUSED) -> None:
        """Ends an import whose archive cannot be taken; nothing was changed."""
        async with self.transaction(row) as session:
            fresh = await queries.get(session, import_id=row.id, lock=True)
            if fresh is not None and fresh.status in (ImportStatus.CHECKING, ImportStatus.APPLYING):
                now = self.clock.now()
                fresh.refused = code
                await queries.drop_open_lines(session, import_id=row.id)
                await service.end(session, fresh, status=status, objects=self.objects, now=now)
                record(session, at=now, actor=WORKER, action="photo-import.refused", object_kind="photo_import",
                       object_id=row.id, estate_id=row.estate_id, code=code)  # fmt: skip

    def transaction(self, row: PhotoImport) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction that sees the import's estate and no other."""
        return self.database.transaction(Role.SYSTEM, EstateScope((row.estate_id,)))


async def sweep(session: AsyncSession, *, objects: Objects, now: datetime) -> None:
    """Puts archives whose jobs were lost back into the queue, and gives up those whose day has come."""
    for row in await queries.left_behind(session, before=now - LOST_AFTER):
        row.touched_at = now
        await service.put_into_queue(session, row)
    for row in await queries.out_of_time(session, now=now):
        await service.cancel(
            session, import_id=row.id, objects=objects, reason="out-of-time", actor=WORKER, now=now
        )  # fmt: skip
