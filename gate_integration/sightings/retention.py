"""How long pass events, sightings, pictures and pseudonyms are kept.

What a lead or a case rests on is no reason to keep any of it: on acceptance a frozen copy was made, and the pictures
it shows were taken off their expiry.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import Credential
from gate_integration.enrolment.parameters import DEFAULTS
from gate_integration.intake.models import EventKey, PassEvent
from gate_integration.sightings import queries
from gate_integration.sightings.models import Pseudonym, Sighting
from gate_integration.sightings.pseudonyms import forget
from storage.holds.reach import Cover
from storage.objects.models import StoredObject
from storage.retention.classes import Described, Removed, RowRetention, Tools
from storage.retention.ground import act_on_objects, held_objects
from storage.rules.values import RuleDefault

_CHOSEN = "个人信息保护法 19（最短必要期限）、28（行踪轨迹属敏感个人信息）；须由法律顾问确认"
SHIPPED = {default.key: default for default in DEFAULTS}
STAMPED = timedelta(days=7)  # what the intake writes on a picture

EVENTS = RuleDefault("retention.sightings_days", 180, "calendar_day", _CHOSEN)
SNAPSHOTS = RuleDefault("retention.snapshot_days", 7, "calendar_day", _CHOSEN)
LINKED = SHIPPED["retention.linked_snapshot_days"]
PSEUDONYMS = SHIPPED["retention.pseudonym_unseen_days"]
LET_GO = RuleDefault(
    "retention.let_go_snapshot_days", 0, "calendar_day", "无处理依据或同意：立即删除（个人信息保护法 47）"
)
RULES = (EVENTS, SNAPSHOTS, LET_GO)


def event_held(cover: Cover) -> ColumnElement[bool]:
    """An event of a held estate or device, of a held household's credential, or in which somebody held was seen."""
    parts = [cover.any_of(estates=PassEvent.estate_id, devices=PassEvent.device_id)]
    if cover.people or cover.units:
        seen = cover.any_of(people=Sighting.person_id, units=Sighting.unit_id)
        parts.append(exists().where(Sighting.pass_event_id == PassEvent.id, seen))
    if cover.people or cover.units or cover.households:
        whose = cover.any_of(
            people=Credential.person_id, units=Credential.unit_id,
            households=Credential.household_id,
        )  # fmt: skip
        parts.append(exists().where(Credential.id == PassEvent.credential_id, whose))
    return or_(*parts)


async def delete_events(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """An event with its sighting and the key that marks it as known: history that a device sends again goes again."""
    del tools, now
    rows = 0
    for statement in (
        delete(Sighting).where(Sighting.pass_event_id.in_(ids)).returning(Sighting.id),
        delete(EventKey).where(EventKey.pass_event_id.in_(ids)).returning(EventKey.pass_event_id),
        delete(PassEvent).where(PassEvent.id.in_(ids)).returning(PassEvent.id),
    ):
        rows += len((await session.scalars(statement.execution_options(synchronize_session=False))).all())
    return Removed(ids=ids, rows=rows)


async def forget_unseen(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """Forgets those who stayed away."""
    await forget(session, await queries.pseudonyms(session, ids=ids), vault=tools.vault, now=now)
    return Removed(ids=ids, rows=len(ids))


def pseudonym_held(cover: Cover) -> ColumnElement[bool]:
    """Of a held estate, or seen for a held flat."""
    direct = cover.any_of(estates=Pseudonym.estate_id)
    if not cover.units:
        return direct
    return or_(direct, exists().where(Sighting.pseudonym_id == Pseudonym.id, cover.any_of(units=Sighting.unit_id)))


def live_snapshot(_: datetime) -> ColumnElement[bool]:
    """A picture of a gate that no lead has taken off its expiry."""
    return and_(
        StoredObject.kind == "snapshot", StoredObject.expires_at.is_not(None), StoredObject.destroyed_at.is_(None)
    )


def unlinked(now: datetime) -> ColumnElement[bool]:
    """As the intake stamped it: it led to no flat (those live longer) and was not let go of early."""
    stamped = StoredObject.expires_at - StoredObject.created_at
    slack = timedelta(hours=1)
    return and_(live_snapshot(now), stamped > STAMPED - slack, stamped < STAMPED + slack)


def let_go(now: datetime) -> ColumnElement[bool]:
    """Let go of before its time, since nobody may look at it: its own date counts."""
    early = StoredObject.expires_at - StoredObject.created_at <= STAMPED - timedelta(hours=1)
    return and_(live_snapshot(now), early, StoredObject.expires_at <= now)


def linked(now: datetime) -> ColumnElement[bool]:
    """It led to a flat; gone by its own date, or sooner when the period in force has become shorter."""
    return and_(live_snapshot(now), StoredObject.expires_at - StoredObject.created_at >= STAMPED + timedelta(hours=1))


async def events_of(session: AsyncSession, cover: Cover) -> Cover:
    """Widens a cover by the pictures of events that are held by person, flat, household or device."""
    if not (cover.people or cover.units or cover.households or cover.devices):
        return cover
    rows = await session.scalars(select(PassEvent.pictures).where(event_held(Cover(
        people=cover.people, units=cover.units, households=cover.households, devices=cover.devices
    ))))  # fmt: skip
    pictures = [picture["object_id"] for row in rows for picture in row if picture.get("object_id") is not None]
    return cover.widened(objects=[uuid.UUID(one) for one in pictures])


CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "snapshots", "未关联到房屋的抓拍图", "snapshots that lead to no flat",
            "收到之时", "when it arrived", SNAPSHOTS,
        ),
        key=StoredObject.id, clock=StoredObject.created_at, estate=StoredObject.estate_id, where=unlinked,
        held=held_objects, act=act_on_objects,
    ),
    RowRetention(
        described=Described(
            "snapshots.linked", "关联到房屋的抓拍图", "snapshots that lead to a flat",
            "收到之时", "when it arrived", LINKED,
        ),
        key=StoredObject.id, clock=StoredObject.created_at, estate=StoredObject.estate_id, where=linked,
        held=held_objects, act=act_on_objects,
    ),
    RowRetention(
        described=Described(
            "snapshots.let_go", "不得查看的抓拍图", "snapshots nobody may look at",
            "标记放弃之时", "when it was let go of",
            LET_GO,
        ),
        key=StoredObject.id, clock=StoredObject.expires_at, estate=StoredObject.estate_id, where=let_go,
        held=held_objects, act=act_on_objects,
    ),
    RowRetention(
        described=Described(
            "events", "通行事件与识别记录", "pass events and sightings",
            "通行之时（采信的时间）", "when somebody passed, by the time that counts", EVENTS,
        ),
        key=PassEvent.id, clock=PassEvent.effective_at, estate=PassEvent.estate_id, held=event_held, act=delete_events,
    ),
    RowRetention(
        described=Described(
            "pseudonyms", "未登记人员代号", "pseudonyms",
            "最后一次出现；销毁密钥与特征", "when last seen; key and template go", PSEUDONYMS,
        ),
        key=Pseudonym.id, clock=Pseudonym.last_seen_at, estate=Pseudonym.estate_id,
        where=lambda _: Pseudonym.forgotten_at.is_(None), held=pseudonym_held, act=forget_unseen,
    ),
)  # fmt: skip
