"""What comes from the field: idempotent by client-made ids and digests, kept even when it comes too late.

The same id with the same bytes is success again with the same answer; with other bytes it is refused. An upload for a
visit that is done or cancelled meanwhile is kept and marked late.
"""

import uuid
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.places.models import Estate
from inspection.users.authority import require
from inspection.users.models import UserRole
from inspection.visits import digest, geofence, pictures, queries
from inspection.visits.coordinates import Crs
from inspection.visits.errors import IdReused, NotAPicture, NotReadable, NotYourVisit, PictureTooLarge, VisitNotFound
from inspection.visits.models import CheckIn, Finding, OccupantMet, Photo, Visit, VisitStatus
from inspection.visits.schemas import CheckInInput, FindingInput, OccupantInput
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.objects.service import Objects
from storage.rules.service import in_force

FIELD = frozenset({UserRole.INSPECTOR, UserRole.OPERATOR_STAFF, UserRole.MANAGER})
OVER = (VisitStatus.DONE, VisitStatus.CANCELLED)
Body = TypeVar("Body")
Sent = TypeVar("Sent", CheckIn, Photo, OccupantMet, Finding)


async def put_check_in(
    session: AsyncSession,
    *,
    visit_id: uuid.UUID,
    check_in_id: uuid.UUID,
    body: bytes,
    content_digest: str | None,
    actor: Actor,
    now: datetime,
) -> CheckIn:
    """Stores a check-in (JSON of `CheckInInput`) and grades its place by the rules in force; begins the visit."""
    told = digest.checked(body, content_digest)
    visit, known = await _open(session, CheckIn, visit_id, check_in_id, told, actor)
    if known is not None:
        return known
    data = _read(body, CheckInInput)
    if not MINYEAR < data.phone_time.year < MAXYEAR:  # in another time zone it would be no moment at all
        raise NotReadable("手机时间不可能", "The phone's time is impossible")
    estate = await session.get_one(Estate, visit.estate_id)
    rules = await in_force(session, division_code=estate.division_code, on=local_day(now))
    grade = geofence.grade(
        [
            geofence.Fix(
                lat=fix.lat, lon=fix.lon, crs=Crs(fix.crs), accuracy_m=fix.accuracy_m, provider=fix.provider,
                fixed_at=fix.fixed_at, speed_mps=fix.speed_mps, mocked=fix.mocked,
            )
            for fix in data.fixes
        ],
        None if estate.geofence is None else geofence.Geofence.from_record(estate.geofence),
        checked_in_at=data.phone_time,
        clock_difference_s=data.clock_difference_s,
        thresholds=geofence.Thresholds.from_rules(
            {key: rules.values.get(key, value) for key, value, *_ in geofence.DEFAULTS}
        ),
    )  # fmt: skip
    row = CheckIn(
        id=check_in_id, estate_id=visit.estate_id, visit_id=visit.id, user_id=_person(actor), body_digest=told,
        fixes=msgspec.to_builtins(data.fixes), clock_difference_s=data.clock_difference_s,
        phone_time=data.phone_time, received_at=now, grade=grade.grade,
        reasons=[reason._asdict() for reason in grade.reasons], distance_m=grade.distance_m, late=visit.status in OVER,
    )  # fmt: skip
    if visit.status == VisitStatus.PLANNED:
        visit.status = VisitStatus.STARTED
    if visit.started_at is None and visit.status != VisitStatus.CANCELLED:
        # A phone that worked offline tells when it was there; a clock that cannot be right gives way to ours.
        visit.started_at = data.phone_time if visit.created_at <= data.phone_time <= now else now
    return await _store(session, visit, row, "check-in.stored", actor, now, grade=grade.grade.value)


async def put_photo(
    session: AsyncSession,
    *,
    visit_id: uuid.UUID,
    photo_id: uuid.UUID,
    body: bytes,
    content_digest: str | None,
    objects: Objects,
    actor: Actor,
    now: datetime,
    taken_at: datetime | None = None,
    caption: str | None = None,
) -> Photo:
    """Stores a photo, durable before this returns. Its kind is told by its content."""
    if len(body) > pictures.LARGEST:
        raise PictureTooLarge(largest_bytes=pictures.LARGEST)
    told = digest.checked(body, content_digest)
    visit, known = await _open(session, Photo, visit_id, photo_id, told, actor)
    if known is not None:
        return known
    content_type = pictures.content_type(body)
    if content_type is None:
        raise NotAPicture
    stored = await objects.put(
        session, data=body, kind="visit-photo", content_type=content_type, estate_id=visit.estate_id, now=now
    )
    await session.flush()
    row = Photo(
        id=photo_id, estate_id=visit.estate_id, visit_id=visit.id, user_id=_person(actor), object_id=stored.id,
        body_digest=told, content_type=content_type, size=len(body), taken_at=taken_at, caption=caption,
        received_at=now, late=visit.status in OVER,
    )  # fmt: skip
    return await _store(session, visit, row, "photo.stored", actor, now, size=len(body))


async def put_occupant(
    session: AsyncSession,
    *,
    visit_id: uuid.UUID,
    occupant_id: uuid.UUID,
    body: bytes,
    content_digest: str | None,
    actor: Actor,
    now: datetime,
) -> OccupantMet:
    """Stores somebody met (JSON of `OccupantInput`)."""
    told = digest.checked(body, content_digest)
    visit, known = await _open(session, OccupantMet, visit_id, occupant_id, told, actor)
    if known is not None:
        return known
    data = _read(body, OccupantInput)
    if data.person_id is None and data.described_as is None:
        raise NotReadable("须写明见到的是谁，或其自述", "Say who was met, or how they described themselves")
    if data.person_id is not None and not await queries.person_in(
        session, person_id=data.person_id, estate_id=visit.estate_id
    ):
        raise NotReadable("该小区没有此人员", "The estate does not know this person")
    row = OccupantMet(
        id=occupant_id, estate_id=visit.estate_id, visit_id=visit.id, body_digest=told, person_id=data.person_id,
        described_as=data.described_as, relation=data.relation, lives_here=data.lives_here, since=data.since,
        statement=data.statement, recorded_by=_person(actor), recorded_at=now, late=visit.status in OVER,
    )  # fmt: skip
    return await _store(session, visit, row, "occupant.stored", actor, now)


async def put_finding(
    session: AsyncSession,
    *,
    visit_id: uuid.UUID,
    finding_id: uuid.UUID,
    body: bytes,
    content_digest: str | None,
    actor: Actor,
    now: datetime,
) -> Finding:
    """Stores what an officer found (JSON of `FindingInput`). It decides nothing: a manager takes the step."""
    told = digest.checked(body, content_digest)
    visit, known = await _open(session, Finding, visit_id, finding_id, told, actor)
    if known is not None:
        return known
    data = _read(body, FindingInput)
    row = Finding(
        id=finding_id, estate_id=visit.estate_id, visit_id=visit.id, body_digest=told, outcome=data.outcome,
        violation=data.violation, statement=data.statement,
        began_on=None if data.began_on is None else data.began_on.isoformat(),
        vulnerability=None if data.vulnerability is None else msgspec.to_builtins(data.vulnerability),
        recorded_by=_person(actor), recorded_at=now, late=visit.status in OVER,
    )  # fmt: skip
    return await _store(session, visit, row, "finding.stored", actor, now, outcome=data.outcome.value)


async def writable(session: AsyncSession, *, visit_id: uuid.UUID, actor: Actor) -> Visit:
    """A visit, locked, for one of its two officers. Raises `VisitNotFound`, `NotYourVisit`."""
    visit = await queries.visit(session, visit_id, lock=True)
    if visit is None:
        raise VisitNotFound
    officer = await require(session, actor=actor, estate_id=visit.estate_id, any_of=FIELD)
    if officer.user_id not in (visit.assigned_to, visit.second_officer):
        raise NotYourVisit
    return visit


async def _open(
    session: AsyncSession, kind: type[Sent], visit_id: uuid.UUID, key: uuid.UUID, told: bytes, actor: Actor
) -> tuple[Visit, Sent | None]:
    """The visit, and what was stored under this id before, if it is the same. Raises `IdReused`."""
    await queries.one_at_a_time(session, key)
    visit = await writable(session, visit_id=visit_id, actor=actor)
    known = await queries.sent(session, kind, key)
    if known is not None and (known.visit_id != visit_id or known.body_digest != told):
        raise IdReused
    return visit, known


async def _store(
    session: AsyncSession,
    visit: Visit,
    row: Sent,
    action: str,
    actor: Actor,
    now: datetime,
    **payload: Any,  # noqa: ANN401
) -> Sent:
    session.add(row)
    try:
        await session.flush()
    except IntegrityError as error:  # the id lies in an estate that this person does not see
        raise IdReused from error
    record(
        session, at=now, actor=actor, action=action, object_kind="visit", object_id=visit.id,
        estate_id=visit.estate_id, item_id=str(row.id), late=row.late, **payload,
    )  # fmt: skip
    return row


def _person(actor: Actor) -> uuid.UUID:
    assert actor.user_id is not None  # noqa: S101 - `writable` lets people in, nobody else
    return actor.user_id


def _read(body: bytes, into: type[Body]) -> Body:
    try:
        found = msgspec.json.decode(body, type=into)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotReadable(f"提交的内容无法识别：{error}", str(error)) from None
    if b"\\u0000" in body and _has_nul(msgspec.to_builtins(found)):  # no text in the database can hold one
        raise NotReadable("文字中不能有空字符", "Text cannot hold a NUL character")
    return found


def _has_nul(value: Any) -> bool:  # noqa: ANN401
    if isinstance(value, dict):
        return any(_has_nul(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_nul(inner) for inner in value)
    return isinstance(value, str) and "\x00" in value
