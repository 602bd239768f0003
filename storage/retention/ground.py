"""The classes of the ground floor: facts told, jobs done, objects whose date has come, bytes and orphans."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, and_, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.holds.reach import Cover
from storage.objects.jobs import delete_bytes
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.outbox import OutboxFact
from storage.retention.classes import Counted, Described, Due, Removed, RowRetention, Tools
from storage.rules.values import RuleDefault

OURS = "内部管理参数：处理目的实现后不再需要（个人信息保护法 19、47），须由法律顾问确认"

OUTBOX = RuleDefault("retention.outbox_days", 30, "calendar_day", OURS)
JOBS = RuleDefault("retention.jobs_days", 30, "calendar_day", OURS)
DATED = RuleDefault("retention.dated_objects_days", 0, "calendar_day", "对象自带的到期日，到期即删除")
BYTES = RuleDefault("retention.destroyed_bytes_days", 0, "calendar_day", "密钥销毁后密文随即删除（个人信息保护法 47）")
ORPHANS = RuleDefault("retention.orphan_days", 1, "calendar_day", OURS, 1, "上传先于其记录提交：一天之内可能正在办理")

_OLD_JOBS = (
    "status IN ('succeeded', 'failed', 'cancelled', 'aborted') "
    "AND NOT EXISTS (SELECT 1 FROM procrastinate_events e WHERE e.job_id = j.id AND e.at > :cutoff)"
)
LOOKED_UP = 2000


async def destroy_objects(
    session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime
) -> tuple[int, int]:
    """Destroys the keys of objects; how many, and the size of their bytes, which a job deletes after the commit."""
    sizes = [await tools.objects.destroy(session, object_id=one, now=now) for one in ids]
    return sum(size > 0 for size in sizes), sum(sizes)


async def act_on_objects(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """For classes whose rows are objects: the row stays as proof, without its key."""
    count, size = await destroy_objects(session, ids, tools, now)
    return Removed(ids=ids, objects=count, bytes=size)


def held_objects(cover: Cover) -> ColumnElement[bool]:
    """An object of a held estate or person, or one that something held shows."""
    return cover.any_of(estates=StoredObject.estate_id, people=StoredObject.subject_id, objects=StoredObject.id)


@dataclass(frozen=True, slots=True)
class JobRetention:
    """Jobs that ended, with their events; their arguments are ids only, and they belong to no estate.

    Their times are the database server's.
    """

    described: Described

    async def destroy(self, session: AsyncSession, *, due: Due, limit: int, wait: bool, tools: Tools) -> Removed:
        """Deletes the oldest; their events go with them."""
        del tools
        skip = "" if wait else "SKIP LOCKED"
        ids = list(
            await session.scalars(
                text(
                    f"SELECT j.id FROM procrastinate_jobs j WHERE {_OLD_JOBS} "  # noqa: S608 - constants
                    f"ORDER BY j.id LIMIT :most FOR UPDATE {skip}"
                ),
                {"cutoff": due.cutoff, "most": limit},
            )
        )
        if not ids:
            return Removed()
        given = bindparam("ids", value=ids, type_=ARRAY(BigInteger()))
        await session.execute(
            text("DELETE FROM procrastinate_periodic_defers WHERE job_id = ANY (:ids)").bindparams(given)
        )
        await session.execute(text("DELETE FROM procrastinate_jobs WHERE id = ANY (:ids)").bindparams(given))
        return Removed(ids=[uuid.UUID(int=one) for one in ids], rows=len(ids))

    async def count(self, session: AsyncSession, *, due: Due) -> Counted:
        """By the same condition."""
        found = await session.scalar(
            text(f"SELECT count(*) FROM procrastinate_jobs j WHERE {_OLD_JOBS}"),  # noqa: S608 - constants
            {"cutoff": due.cutoff},
        )
        return Counted(int(found or 0), 0)


@dataclass(frozen=True, slots=True)
class ByteRetention:
    """Bytes of destroyed objects that the store has not confirmed to be gone; a hold comes too late for them."""

    described: Described

    async def destroy(self, session: AsyncSession, *, due: Due, limit: int, wait: bool, tools: Tools) -> Removed:
        """Deletes them from the store; raises `StoreFailed` when it can do nothing."""
        gone = await delete_bytes(session, objects=tools.objects, now=due.now, limit=limit, wait=wait)
        return Removed(ids=[row.id for row in gone], objects=len(gone), bytes=sum(row.size for row in gone))

    async def count(self, session: AsyncSession, *, due: Due) -> Counted:
        """Those that wait."""
        waiting = await session.scalar(
            select(func.count())
            .select_from(StoredObject)
            .where(StoredObject.destroyed_at <= due.cutoff, StoredObject.bytes_deleted_at.is_(None))
        )
        return Counted(waiting or 0, 0)


@dataclass(frozen=True, slots=True)
class OrphanRetention:
    """Bytes in the store without a row: what was uploaded and not committed, or lost its row.

    A key is a UUIDv7 and carries the machine's time, so that its age is measured by the database server's clock: a
    simulated one must not make an upload of this moment old.
    """

    described: Described
    objects: Objects

    async def destroy(self, session: AsyncSession, *, due: Due, limit: int, wait: bool, tools: Tools) -> Removed:
        """Looks through the whole store and deletes up to `limit`."""
        del wait
        orphans = (await self.orphans(session, due=due))[:limit]
        for key in orphans:
            await tools.objects.remove(key)
        return Removed(ids=[uuid.UUID(key) for key in orphans], objects=len(orphans))

    async def count(self, session: AsyncSession, *, due: Due) -> Counted:
        """Those that are still there."""
        return Counted(len(await self.orphans(session, due=due)), 0)

    async def orphans(self, session: AsyncSession, *, due: Due) -> list[str]:
        """Old keys of the store that no row has."""
        now = await session.scalar(select(func.now()))
        if now is None:
            return []
        before = int((now - (due.now - due.cutoff)).timestamp() * 1000)
        keys = await asyncio.get_running_loop().run_in_executor(self.objects.pool, lambda: self._older(before))
        found: list[str] = []
        for part in _parts(keys):
            known = set(
                await session.scalars(
                    text("SELECT id::text FROM stored_object WHERE id = ANY (CAST(:keys AS uuid[]))").bindparams(
                        bindparam("keys", value=list(part), type_=ARRAY(Text()))
                    )
                )
            )
            found += [key for key in part if key not in known]
        return found

    def _older(self, before: int) -> list[str]:
        return [key for key in self.objects.store.keys("") if (made := made_at(key)) is not None and made <= before]


def _parts(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[start : start + LOOKED_UP] for start in range(0, len(keys), LOOKED_UP)]


def made_at(key: str) -> int | None:
    """Milliseconds since 1970 of a key that is a UUIDv7; None for a key that is not ours to judge."""
    try:
        one = uuid.UUID(key)
    except ValueError:
        return None
    return one.int >> 80 if one.version == 7 and str(one) == key else None


OUTBOX_FACTS = RowRetention(
    described=Described(
        "outbox", "已处理的内部通知", "facts told and acted upon",
        "处理完毕之时", "when it was acted upon", OUTBOX,
    ),
    key=OutboxFact.id, clock=OutboxFact.processed_at, estate=OutboxFact.estate_id,
    held=lambda cover: cover.any_of(estates=OutboxFact.estate_id),
)  # fmt: skip
DATED_OBJECTS = RowRetention(
    described=Described(
        "objects.dated", "自带到期日的文件（抓拍图除外）", "files with a date of their own, snapshots aside",
        "文件自己的到期日", "the file's own date", DATED,
    ),
    key=StoredObject.id, clock=StoredObject.expires_at, estate=StoredObject.estate_id,
    where=lambda _: and_(StoredObject.destroyed_at.is_(None), StoredObject.kind != "snapshot"),
    held=held_objects, act=act_on_objects,
)  # fmt: skip


def ground(objects: Objects) -> tuple[JobRetention | ByteRetention | OrphanRetention | RowRetention, ...]:
    """The classes of the ground floor; bytes come last, after everything that frees some."""
    return (
        OUTBOX_FACTS,
        JobRetention(
            Described("jobs", "已结束的后台任务", "jobs that ended", "最后一次状态变化", "its last change", JOBS)
        ),
        DATED_OBJECTS,
        ByteRetention(
            Described(
                "objects.bytes", "已销毁对象的密文", "bytes of destroyed objects",
                "密钥销毁之时", "when its key was destroyed", BYTES,
            )
        ),
        OrphanRetention(
            Described(
                "objects.orphans", "对象库中没有记录的文件", "files in the store without a row",
                "上传之时（以文件编号为准）", "when it was uploaded, by its key", ORPHANS,
            ),
            objects,
        ),
    )  # fmt: skip


RULES = (OUTBOX, JOBS, DATED, BYTES, ORPHANS)
