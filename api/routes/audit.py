"""The auditor's desk: who did or saw what, when, for which purpose and why; and how far that can be proven."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import UnitOfWork, Work, requires
from api.paging import AfterMoment, Cursor, Limit, Page, decode_cursor, paged
from api.parameters import Why
from api.problems import InvalidRequest
from inspection.users import queries as users
from inspection.users.models import ScopeLevel, User, UserRole
from storage.audit.search import Found, Wanted, search, show_unplaced
from storage.audit.state import sealing_state

Beginning = Annotated[
    str | None,
    QueryParameter(max_length=64, pattern=r"^[a-z0-9.-]*$", description="动作前缀 / how the action begins"),
]
Named = Annotated[str | None, QueryParameter(max_length=64, pattern=r"^[a-z0-9_-]*$")]


class AuditItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing done or seen. `sequence`: its place in the sealed chain, None until it is sealed.

    `erased`: its reason and payload were erased, by a person's right or by age; that it happened stays.
    """

    id: uuid.UUID
    at: datetime
    actor_kind: str
    actor_user_id: uuid.UUID | None
    actor_login: str | None
    action: str
    object_kind: str
    object_id: uuid.UUID | None
    estate_id: uuid.UUID | None
    purpose: str | None
    reason: str | None
    payload: dict[str, Any]
    erased: bool
    sealed: bool
    sequence: int | None


class HeadView(msgspec.Struct, frozen=True, kw_only=True):
    """The signed end of the chain. Write `sequence` and `digest` down elsewhere: they prove everything before them."""

    epoch: int
    sequence: int
    digest: str
    at: datetime
    key_id: str


class AuditState(msgspec.Struct, frozen=True, kw_only=True):
    """How far the log is sealed. `head`: None before the first entry was.

    `unsealed`: entries of the caller's estates that wait; `oldest_unsealed_s`: for how long. `uncopied`: signed heads
    since the newest copy outside the database.
    """

    head: HeadView | None
    unsealed: int
    oldest_unsealed_s: float | None
    uncopied: int
    copied_to: int
    copied_at: datetime | None


def item(found: Found, logins: dict[uuid.UUID, str]) -> AuditItem:
    """As it is shown."""
    entry = found.entry
    return AuditItem(
        id=entry.id, at=entry.at, actor_kind=entry.actor_kind, actor_user_id=entry.actor_user_id,
        actor_login=logins.get(entry.actor_user_id) if entry.actor_user_id is not None else None, action=entry.action,
        object_kind=entry.object_kind, object_id=entry.object_id, estate_id=entry.estate_id, purpose=entry.purpose,
        reason=entry.reason, payload=entry.payload, erased=found.erased, sealed=found.sequence is not None,
        sequence=found.sequence,
    )  # fmt: skip


async def logins_of(session: AsyncSession, found: Iterable[Found]) -> dict[uuid.UUID, str]:
    """The log-in names of the people who acted."""
    ids = {one.entry.actor_user_id for one in found if one.entry.actor_user_id is not None}
    rows = await session.execute(select(User.id, User.login).where(User.id.in_(ids)))
    return {row.id: row.login for row in rows}


async def show_all_that_is_theirs(session: AsyncSession, work: UnitOfWork) -> None:
    """Entries of no estate (sign-ins, users, settings) are for those whose grant covers the whole country."""
    own = await users.standing_grants(session, work.caller.user_id, roles=work.acting_roles)
    if any(grant.level == ScopeLevel.ALL for grant in own):
        await show_unplaced(session)


@get(
    "/api/v1/audit", guards=[requires(UserRole.AUDITOR)], tags=["audit"], operation_id="searchAudit",
    summary="查询审计记录（查询留痕） / Search the audit log; the search is logged",
)  # fmt: skip
async def search_audit(
    work: Work,
    reason: Why,
    actor_user_id: FromQuery[uuid.UUID | None] = None,
    action: Beginning = None,
    object_kind: Named = None,
    object_id: FromQuery[uuid.UUID | None] = None,
    person_id: FromQuery[uuid.UUID | None] = None,
    estate_id: FromQuery[uuid.UUID | None] = None,
    purpose: Named = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AuditItem]:
    """Entries of the auditor's estates, newest first; `person_id`: about that person. `until` is not included."""
    if any(moment is not None and moment.tzinfo is None for moment in (since, until)):
        raise InvalidRequest("时间须带时区", "A moment needs its offset")
    wanted = Wanted(
        actor_user_id=actor_user_id, action=action, object_kind=object_kind, object_id=object_id,
        subject_id=person_id, estate_id=estate_id, purpose=purpose, since=since, until=until,
    )  # fmt: skip
    after = decode_cursor(cursor, AfterMoment)
    async with work.transaction() as session:
        await show_all_that_is_theirs(session, work)
        found = await search(
            session, wanted=wanted, after=after, limit=limit + 1, reason=reason, actor=work.actor, now=work.now
        )
        logins = await logins_of(session, found)
        items = [item(one, logins) for one in found]
    return paged(items, limit=limit, key=lambda row: (row.at, row.id))


@get(
    "/api/v1/audit/state", guards=[requires(UserRole.AUDITOR, UserRole.ADMINISTRATOR)], tags=["audit"],
    operation_id="getAuditState", summary="审计封存状态 / How far the audit log is sealed",
)  # fmt: skip
async def audit_state(work: Work) -> AuditState:
    """The newest signed head, what waits to be sealed, and how far copies lie outside the database."""
    async with work.transaction() as session:
        await show_all_that_is_theirs(session, work)
        state = await sealing_state(session, now=work.now)
    head = state.head
    return AuditState(
        head=None if head is None else HeadView(
            epoch=head.epoch, sequence=head.sequence, digest=head.digest.hex(), at=head.at, key_id=head.key_id
        ),
        unsealed=state.unsealed,
        oldest_unsealed_s=None if state.oldest is None else state.oldest.total_seconds(), uncopied=state.uncopied,
        copied_to=state.copied_to, copied_at=state.copied_at,
    )  # fmt: skip


handlers = [search_audit, audit_state]
