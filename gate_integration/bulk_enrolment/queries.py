"""Every SQL statement about archives of photographs."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import Select, delete, func, insert, or_, select, union, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from gate_integration.bulk_enrolment.judging import KnownPerson
from gate_integration.bulk_enrolment.models import (
    ACTIVE,
    OPEN_LINES,
    ImportStatus,
    LineState,
    PhotoImport,
    PhotoImportLine,
    PhotoImportPiece,
)
from gate_integration.enrolment.models import FaceTemplate
from inspection.registry.consents.models import Consent, ConsentScope
from inspection.registry.consents.service import standing_scopes
from inspection.registry.households.models import GuestStay, HouseholdMember, Person, ServiceWorker
from storage.clock import local_day
from storage.objects.models import StoredObject

PIECE_ROWS = 1000
WORKING = (ImportStatus.WAITING, ImportStatus.CHECKING, ImportStatus.APPLYING)


async def get(session: AsyncSession, *, import_id: uuid.UUID, lock: bool = False) -> PhotoImport | None:
    """An archive in scope."""
    return await session.get(PhotoImport, import_id, with_for_update=lock or None, populate_existing=lock)


async def active(session: AsyncSession, *, estate_id: uuid.UUID) -> PhotoImport | None:
    """The archive that an estate is at."""
    return await session.scalar(
        select(PhotoImport).where(PhotoImport.estate_id == estate_id, PhotoImport.status.in_(ACTIVE))
    )


async def of_estate(
    session: AsyncSession, *, estate_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Sequence[PhotoImport]:
    """Archives of an estate, newest first, from after a given one."""
    query = select(PhotoImport).where(PhotoImport.estate_id == estate_id)
    if after is not None:
        query = query.where(PhotoImport.id < after)
    return (await session.scalars(query.order_by(PhotoImport.id.desc()).limit(limit))).all()


async def begin(
    session: AsyncSession, *, import_id: uuid.UUID, stages: Collection[ImportStatus], now: datetime
) -> PhotoImport | None:
    """Counts an attempt at an archive that is at one of the stages; None when it is at another."""
    return await session.scalar(
        update(PhotoImport)
        .where(PhotoImport.id == import_id, PhotoImport.status.in_(stages))
        .values(attempts=PhotoImport.attempts + 1, touched_at=now)
        .returning(PhotoImport)
    )


async def pieces(session: AsyncSession, *, import_id: uuid.UUID) -> list[tuple[uuid.UUID, int]]:
    """The objects in which an archive lies and their sizes, in order."""
    rows = await session.execute(
        select(PhotoImportPiece.object_id, StoredObject.size)
        .join(StoredObject, StoredObject.id == PhotoImportPiece.object_id)
        .where(PhotoImportPiece.import_id == import_id)
        .order_by(PhotoImportPiece.position)
    )
    return [(object_id, size) for object_id, size in rows]


async def forget_pieces(session: AsyncSession, *, import_id: uuid.UUID) -> None:
    """No object belongs to the archive any more."""
    await session.execute(delete(PhotoImportPiece).where(PhotoImportPiece.import_id == import_id))


async def add_lines(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    """Adds lines."""
    for start in range(0, len(rows), PIECE_ROWS):
        await session.execute(insert(PhotoImportLine), list(rows[start : start + PIECE_ROWS]))


async def open_lines(
    session: AsyncSession, *, import_id: uuid.UUID, state: LineState, limit: int
) -> Sequence[PhotoImportLine]:
    """The next lines in a state, in order."""
    return (
        await session.scalars(
            select(PhotoImportLine)
            .where(PhotoImportLine.import_id == import_id, PhotoImportLine.state == state)
            .order_by(PhotoImportLine.position)
            .limit(limit)
        )
    ).all()


async def locked_line(session: AsyncSession, *, line_id: uuid.UUID) -> PhotoImportLine | None:
    """A line, locked."""
    return await session.get(PhotoImportLine, line_id, with_for_update=True, populate_existing=True)


async def count(session: AsyncSession, row: PhotoImport, *, now: datetime) -> dict[str, int]:
    """Counts an archive's lines by state and writes down how far it is; the counts by "state/code"."""
    found = (
        await session.execute(
            select(PhotoImportLine.state, PhotoImportLine.code, func.count())
            .where(PhotoImportLine.import_id == row.id)
            .group_by(PhotoImportLine.state, PhotoImportLine.code)
        )
    ).all()
    by_state: dict[str, int] = {}
    for state, _, number in found:
        by_state[state] = by_state.get(state, 0) + number
    row.lines_total = sum(by_state.values())
    row.lines_checked = row.lines_total - by_state.get(LineState.UNCHECKED, 0)
    row.lines_ready = by_state.get(LineState.READY, 0)
    row.lines_applied = by_state.get(LineState.ENROLLED, 0)
    row.touched_at = now
    return {f"{state}/{code}": number for state, code, number in found}


async def tally(session: AsyncSession, *, import_id: uuid.UUID) -> list[tuple[str, str, int]]:
    """How many lines are in which state for which reason."""
    rows = await session.execute(
        select(PhotoImportLine.state, PhotoImportLine.code, func.count())
        .where(PhotoImportLine.import_id == import_id)
        .group_by(PhotoImportLine.state, PhotoImportLine.code)
        .order_by(PhotoImportLine.state, PhotoImportLine.code)
    )
    return [(state, code, number) for state, code, number in rows]


async def lines(
    session: AsyncSession, *, import_id: uuid.UUID, state: LineState | None, after: int | None, limit: int | None
) -> Sequence[tuple[PhotoImportLine, str | None]]:
    """Lines with the name of the person, in order, from after a position."""
    query = (
        select(PhotoImportLine, Person.name)
        .outerjoin(Person, Person.id == PhotoImportLine.person_id)
        .where(PhotoImportLine.import_id == import_id)
        .order_by(PhotoImportLine.position)
    )
    if state is not None:
        query = query.where(PhotoImportLine.state == state)
    if after is not None:
        query = query.where(PhotoImportLine.position > after)
    rows = await session.execute(query if limit is None else query.limit(limit))
    return [(line, name) for line, name in rows]


async def drop_open_lines(session: AsyncSession, *, import_id: uuid.UUID) -> None:
    """What would have been enrolled will not be."""
    await session.execute(
        update(PhotoImportLine)
        .where(PhotoImportLine.import_id == import_id, PhotoImportLine.state.in_(OPEN_LINES))
        .values(state=LineState.DROPPED)
    )


async def left_behind(session: AsyncSession, *, before: datetime) -> Sequence[PhotoImport]:
    """Archives at which nobody has worked for a while although somebody should."""
    return (
        await session.scalars(
            select(PhotoImport).where(PhotoImport.status.in_(WORKING), PhotoImport.touched_at < before)
        )
    ).all()


async def out_of_time(session: AsyncSession, *, now: datetime) -> Sequence[PhotoImport]:
    """Archives whose day has come and that are not being applied, locked."""
    return (
        await session.scalars(
            select(PhotoImport)
            .where(
                PhotoImport.status.in_((ImportStatus.WAITING, ImportStatus.CHECKING, ImportStatus.CHECKED)),
                PhotoImport.delete_at <= now,
            )
            .with_for_update(skip_locked=True)
        )
    ).all()


async def people_by_number(
    session: AsyncSession, *, estate_id: uuid.UUID, indexes: Collection[bytes], ids: Collection[uuid.UUID]
) -> tuple[dict[bytes, uuid.UUID], set[uuid.UUID]]:
    """People by the blind index of their ID number, and which of the ids are people of the estate."""
    rows = await session.execute(
        select(Person.id, Person.id_number_index).where(
            Person.estate_id == estate_id,
            Person.erased_at.is_(None),
            or_(Person.id_number_index.in_(indexes), Person.id.in_(ids)),
        )
    )
    found = [(person_id, index) for person_id, index in rows]
    return {index: person_id for person_id, index in found if index is not None}, {person_id for person_id, _ in found}


def people_here(estate_id: uuid.UUID, on: date) -> Select[tuple[uuid.UUID]]:
    """Who lives, stays or works in an estate on a day or later."""
    members = select(HouseholdMember.person_id).where(
        HouseholdMember.estate_id == estate_id, or_(HouseholdMember.valid_to.is_(None), HouseholdMember.valid_to >= on)
    )
    guests = select(GuestStay.person_id).where(
        GuestStay.estate_id == estate_id, GuestStay.cancelled_at.is_(None), GuestStay.valid_to >= on
    )
    workers = select(ServiceWorker.person_id).where(
        ServiceWorker.estate_id == estate_id, or_(ServiceWorker.valid_to.is_(None), ServiceWorker.valid_to >= on)
    )
    every = union(members, guests, workers).subquery()
    return select(every.c.person_id)


async def known_people(
    session: AsyncSession, *, estate_id: uuid.UUID, ids: Collection[uuid.UUID], on: date
) -> dict[uuid.UUID, KnownPerson]:
    """What the register and the consents say of people."""
    guardian = aliased(Person)
    rows = await session.execute(
        select(
            Person.id, Person.name, Person.birth_date, guardian.name, guardian.birth_date,
            Person.id.in_(people_here(estate_id, on)),
        )
        .outerjoin(guardian, guardian.id == Person.guardian_id)
        .where(Person.id.in_(ids), Person.estate_id == estate_id, Person.erased_at.is_(None))
    )  # fmt: skip
    standing = await standing_scopes(session, ids, on)
    withdrawn: dict[uuid.UUID, dict[ConsentScope, date]] = {}
    for person_id, scope, last in await session.execute(
        select(Consent.person_id, Consent.scope, func.max(Consent.withdrawn_at))
        .where(
            Consent.person_id.in_(ids),
            Consent.withdrawn_at.is_not(None),
            func.coalesce(Consent.withdrawn_reason, "") != "renewed",
        )
        .group_by(Consent.person_id, Consent.scope)
    ):
        if last is not None:
            withdrawn.setdefault(person_id, {})[ConsentScope(scope)] = local_day(last)
    return {
        person_id: KnownPerson(
            name=name, birth_date=born, here=here, guardian=guardian_name, guardian_birth=guardian_born,
            standing=standing[person_id], withdrawn=withdrawn.get(person_id, {}),
        )
        for person_id, name, born, guardian_name, guardian_born, here in rows
    }  # fmt: skip


async def templates_by_person(
    session: AsyncSession, *, ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[bytes | None, str, str]]]:
    """Photo digest, engine and model of the templates of people that stand."""
    rows = await session.execute(
        select(FaceTemplate.person_id, FaceTemplate.photo_digest, FaceTemplate.engine, FaceTemplate.model_hash).where(
            FaceTemplate.person_id.in_(ids), FaceTemplate.destroyed_at.is_(None)
        )
    )
    found: dict[uuid.UUID, list[tuple[bytes | None, str, str]]] = {}
    for person_id, digest, engine, model in rows:
        found.setdefault(person_id, []).append((digest, engine, model))
    return found
