"""What one administrator proposes and another confirms: roles given and taken, second factors and passwords reset."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.users import administrators, factors, passwords, queries, service
from inspection.users.administrators import Place
from inspection.users.errors import FactorMissing, OwnProposal, ProposalClosed
from inspection.users.models import Proposal, ProposalKind, ProposalStatus, ScopeLevel, User, UserGrant, UserRole
from inspection.users.schemas import GrantInput, ProposalView
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.ids import new_id
from storage.problems import NotFound, Problem

EXPIRES_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for. `grant`: of GRANT and REVOKE; `grant_id`: of REVOKE."""

    kind: ProposalKind
    user_id: uuid.UUID
    reason: str
    grant: GrantInput | None = None
    grant_id: uuid.UUID | None = None


async def places_of(session: AsyncSession, asked: Asked) -> list[Place]:
    """Where something must be administered to decide what is asked: where the grant holds, or all of the user's."""
    if asked.grant is not None:
        return [await administrators.place_of(session, level=asked.grant.level, code=asked.grant.code)]
    grants = await queries.standing_grants(session, asked.user_id)
    return [await administrators.place_of(session, level=g.level, code=g.code) for g in grants]


async def second_needed(session: AsyncSession, *, asked: Asked, actor: Actor, now: datetime) -> bool:
    """Whether another administrator than the actor exists who could confirm, or could until lately.

    For the console every administrator is another one: it acts alone while there are fewer than two, so that a new
    installation can be begun and one that has lost its administrators can be mended.
    """
    if asked.kind is ProposalKind.RESET_PASSWORD and not await _administers(session, asked.user_id):
        return False
    found = await administrators.administrators_of(
        session, places=await places_of(session, asked), now=now, enabled=actor.user_id is None
    )
    return len(found) > 1 if actor.user_id is None else bool(found - {actor.user_id})


async def propose(
    session: AsyncSession, *, asked: Asked, own: list[UserGrant] | None, actor: Actor, now: datetime,
    password_hash: str | None = None,
) -> Proposal | None:  # fmt: skip
    """Makes a proposal, or does at once what needs no second administrator (None).

    An open proposal for the same is not doubled. `password_hash`: of a temporary password, for a new password that
    need not wait. Raises what the deed itself would raise.
    """
    await administrators.lock(session)
    await _check(session, asked, own)
    if asked.kind is ProposalKind.REVOKE:
        going = await service.standing_grant(session, user_id=asked.user_id, grant_id=asked.grant_id)
        if going.role == UserRole.ADMINISTRATOR:
            await administrators.leave_one(session, user_id=asked.user_id, without=going)
    if asked.kind is ProposalKind.RESET_FACTOR and await factors.standing(session, user_id=asked.user_id) is None:
        raise FactorMissing
    if not await second_needed(session, asked=asked, actor=actor, now=now):
        await _apply(session, asked, actor=actor, password_hash=password_hash, now=now)
        return None
    for row in await _open_of(session, asked.user_id, now):
        if row.kind == asked.kind and row.details == _details(asked):
            return row
    proposal = Proposal(
        id=new_id(), kind=asked.kind, user_id=asked.user_id, details=_details(asked), reason=asked.reason,
        status=ProposalStatus.OPEN, proposed_by=actor.user_id, proposed_at=now, expires_at=now + EXPIRES_AFTER,
    )  # fmt: skip
    session.add(proposal)
    await session.flush()
    audit.record(session, at=now, actor=actor, action="proposal.made", object_kind="user", object_id=asked.user_id,
                 reason=asked.reason, proposal=str(proposal.id), kind=asked.kind, **_details(asked))  # fmt: skip
    return proposal


async def confirm(
    session: AsyncSession, *, proposal_id: uuid.UUID, own: list[UserGrant], actor: Actor, password_hash: str,
    now: datetime,
) -> ProposalView:  # fmt: skip
    """A second administrator agrees: it is done. `password_hash`: of a fresh temporary password, for a new password.

    Raises `OwnProposal`, `ProposalClosed`, `NotFound` outside the administrator's own places, and what the deed
    raises.
    """
    await administrators.lock(session)
    proposal = await _within(session, proposal_id, own)
    if proposal.status != ProposalStatus.OPEN or proposal.expires_at <= now:
        raise ProposalClosed
    if proposal.proposed_by == actor.user_id:
        raise OwnProposal
    asked = _asked(proposal)
    if proposal.proposed_by is not None:
        able = await administrators.administrators_of(
            session, places=await places_of(session, asked), now=now, enabled=True
        )
        if proposal.proposed_by not in able:
            raise ProposalClosed
    await _apply(session, asked, actor=actor, password_hash=password_hash, now=now)
    return await _close(session, proposal, ProposalStatus.APPLIED, actor, now)


async def withdraw(
    session: AsyncSession, *, proposal_id: uuid.UUID, own: list[UserGrant], actor: Actor, now: datetime
) -> ProposalView:
    """Nothing comes of it: its author thought better of it, or another administrator refuses."""
    proposal = await _within(session, proposal_id, own)
    if proposal.status != ProposalStatus.OPEN:
        raise ProposalClosed
    return await _close(session, proposal, ProposalStatus.WITHDRAWN, actor, now)


async def page(
    session: AsyncSession, *, own: list[UserGrant], after: uuid.UUID | None, limit: int, now: datetime
) -> list[ProposalView]:
    """Open proposals within an administrator's own places, the oldest first."""
    query = (
        select(Proposal, User.login)
        .join(User, User.id == Proposal.user_id)
        .where(Proposal.status == ProposalStatus.OPEN, Proposal.expires_at > now)
        .order_by(Proposal.id)
    )
    if after is not None:
        query = query.where(Proposal.id > after)
    found: list[ProposalView] = []
    for proposal, login in (await session.execute(query)).all():
        if len(found) < limit and await _reaches(session, _asked(proposal), own):
            found.append(view(proposal, login))
    return found


async def open_of(session: AsyncSession, *, user: User, now: datetime) -> list[ProposalView]:
    """What waits for a second administrator about one user."""
    return [view(row, user.login) for row in await _open_of(session, user.id, now)]


def view(proposal: Proposal, login: str, *, temporary_password: str | None = None) -> ProposalView:
    """A proposal as shown."""
    details = proposal.details
    role, level = details.get("role"), details.get("level")
    return ProposalView(
        id=proposal.id, kind=ProposalKind(proposal.kind), status=ProposalStatus(proposal.status),
        user_id=proposal.user_id, user_login=login, role=UserRole(role) if role else None,
        level=ScopeLevel(level) if level else None, code=details.get("code"), reason=proposal.reason,
        proposed_by=proposal.proposed_by, proposed_at=proposal.proposed_at, expires_at=proposal.expires_at,
        closed_by=proposal.closed_by, closed_at=proposal.closed_at, temporary_password=temporary_password,
    )  # fmt: skip


async def _apply(
    session: AsyncSession, asked: Asked, *, actor: Actor, password_hash: str | None, now: datetime
) -> None:
    match asked.kind:
        case ProposalKind.GRANT:
            assert asked.grant is not None  # noqa: S101 - of every GRANT
            await service.give(session, user_id=asked.user_id, data=asked.grant, actor=actor, now=now)
        case ProposalKind.REVOKE:
            await service.take(session, user_id=asked.user_id, grant_id=asked.grant_id, actor=actor, now=now)
        case ProposalKind.RESET_FACTOR:
            await factors.reset(session, user_id=asked.user_id, actor=actor, reason=asked.reason, now=now)
        case ProposalKind.RESET_PASSWORD:
            assert password_hash is not None  # noqa: S101 - the confirmation brings one
            await passwords.reset(
                session, user_id=asked.user_id, password_hash=password_hash, actor=actor, reason=asked.reason, now=now
            )


async def _check(session: AsyncSession, asked: Asked, own: list[UserGrant] | None) -> None:
    if await session.get(User, asked.user_id) is None:
        raise NotFound
    if asked.grant is not None:
        await service.check_grant(session, asked.grant, own)
    elif own is not None and not await queries.reaches(session, own=own, user_id=asked.user_id):
        raise NotFound


async def _reaches(session: AsyncSession, asked: Asked, own: list[UserGrant]) -> bool:
    try:
        await _check(session, asked, own)
    except Problem:
        return False
    return True


async def _within(session: AsyncSession, proposal_id: uuid.UUID, own: list[UserGrant]) -> Proposal:
    proposal = await session.get(Proposal, proposal_id, with_for_update=True)
    if proposal is None or not await _reaches(session, _asked(proposal), own):
        raise NotFound
    return proposal


async def _close(
    session: AsyncSession, proposal: Proposal, status: ProposalStatus, actor: Actor, now: datetime
) -> ProposalView:
    proposal.status, proposal.closed_by, proposal.closed_at = status, actor.user_id, now
    audit.record(session, at=now, actor=actor, action=f"proposal.{status}", object_kind="user",
                 object_id=proposal.user_id, proposal=str(proposal.id))  # fmt: skip
    user = await session.get(User, proposal.user_id)
    return view(proposal, "" if user is None else user.login)


async def _open_of(session: AsyncSession, user_id: uuid.UUID, now: datetime) -> list[Proposal]:
    return list(
        await session.scalars(
            select(Proposal)
            .where(Proposal.user_id == user_id, Proposal.status == ProposalStatus.OPEN, Proposal.expires_at > now)
            .order_by(Proposal.id)
        )
    )


async def _administers(session: AsyncSession, user_id: uuid.UUID) -> bool:
    return bool(await queries.standing_grants(session, user_id, roles=[UserRole.ADMINISTRATOR]))


def _details(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if asked.grant is not None:
        found |= {"role": str(asked.grant.role), "level": str(asked.grant.level), "code": asked.grant.code}
    if asked.grant_id is not None:
        found["grant_id"] = str(asked.grant_id)
    return found


def _asked(proposal: Proposal) -> Asked:
    details = proposal.details
    grant = None
    if "role" in details:
        grant = GrantInput(role=UserRole(details["role"]), level=ScopeLevel(details["level"]), code=details["code"])
    return Asked(
        kind=ProposalKind(proposal.kind), user_id=proposal.user_id, reason=proposal.reason, grant=grant,
        grant_id=uuid.UUID(details["grant_id"]) if "grant_id" in details else None,
    )  # fmt: skip
