"""Consent: given and withdrawn scope by scope. Whatever ends a consent is told to the gate side in the same way."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.ages import ADULT_FROM, GUARDIAN_CONSENTS_UNDER
from inspection.registry.consents import facts, queries
from inspection.registry.consents.basis import (
    basis_for,
    current_notices,
    list_bases,
    record_basis,
    require_basis,
    withdraw_basis,
)
from inspection.registry.consents.errors import (
    AgeUnknown,
    ConsentWithdrawn,
    GuardianRequired,
    NoProcessingBasis,
    NoticeOutdated,
    NotTheGuardian,
)
from inspection.registry.consents.models import Consent, ConsentScope
from inspection.registry.errors import BadPeriod
from inspection.registry.households.models import Person
from inspection.registry.id_number import age_on
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import NotFound

__all__ = [
    "basis_for", "current_notices", "give", "list_bases", "list_consents", "record_basis", "require_basis",
    "standing_scopes", "withdraw", "withdraw_all", "withdraw_basis",
]  # fmt: skip


class Channel(StrEnum):
    """How a consent reached us."""

    PAPER = "paper"
    COUNTER = "counter"
    DOOR = "door"
    PHONE_APP = "phone_app"
    VOICE = "voice"  # for whoever cannot read the notice (人脸识别技术应用安全管理办法 5)


async def give(
    session: AsyncSession,
    *,
    person_id: uuid.UUID,
    scopes: Collection[ConsentScope],
    notice_version: str,
    channel: Channel,
    guardian_id: uuid.UUID | None = None,
    valid_to: date | None = None,
    actor: Actor,
    now: datetime,
) -> list[Consent]:
    """Records consent of a person to some scopes, told by the current notice; a standing one is renewed.

    A scope that stands already on the same terms is left as it is. Raises `NotFound`, `NoProcessingBasis` (no purpose
    of the estate is on), `NoticeOutdated`, `AgeUnknown`, `GuardianRequired`, `NotTheGuardian`, `BadPeriod`.
    """
    person = await queries.person(session, person_id=person_id)
    if person is None:
        raise NotFound("没有这个人", "No such person")
    today = local_day(now)
    if valid_to is not None and valid_to < today:
        raise BadPeriod("有效期止早于今天", "The last day lies before today")
    await check_notice(session, estate_id=person.estate_id, notice_version=notice_version, today=today)
    await check_guardian(session, person=person, guardian_id=guardian_id, today=today)
    given = []
    for scope in sorted(set(scopes)):
        before = await queries.unended(session, person_id=person_id, scope=scope)
        if before is not None:
            terms = (before.notice_version, before.given_by_guardian_id, before.valid_to)
            if terms == (notice_version, guardian_id, valid_to):
                given.append(before)
                continue
            before.withdrawn_at, before.withdrawn_reason = now, "renewed"  # nothing ends, so nothing is told
            await session.flush()
        row = Consent(
            id=new_id(), estate_id=person.estate_id, person_id=person_id, scope=scope, notice_version=notice_version,
            channel=channel, given_at=now, given_by_guardian_id=guardian_id, valid_to=valid_to,
        )  # fmt: skip
        session.add(row)
        record(session, at=now, actor=actor, action="consent.give", object_kind="consent", object_id=row.id,
               estate_id=person.estate_id, person_id=str(person_id), scope=scope, notice_version=notice_version,
               channel=channel, by_guardian=guardian_id is not None)  # fmt: skip
        given.append(row)
    await session.flush()
    return given


async def check_notice(session: AsyncSession, *, estate_id: uuid.UUID, notice_version: str, today: date) -> None:
    """Raises `NoProcessingBasis` without any basis in force, `NoticeOutdated` for a notice of none of them."""
    current = await current_notices(session, estate_id=estate_id, on=today)
    if not current:
        raise NoProcessingBasis
    if notice_version not in current:
        raise NoticeOutdated(
            f"现行版本：{'、'.join(current)}", f"Current: {', '.join(current)}", current_versions=current
        )


async def check_guardian(session: AsyncSession, *, person: Person, guardian_id: uuid.UUID | None, today: date) -> None:
    """Under 14 the registered guardian, an adult, consents; from 14 on the person does and nobody else."""
    if person.birth_date is None:
        raise AgeUnknown
    if age_on(person.birth_date, today) >= GUARDIAN_CONSENTS_UNDER:
        if guardian_id is not None:
            raise NotTheGuardian("已满14周岁，应由本人同意", "From 14 on the person consents, nobody else")
        return
    if guardian_id is None:
        raise GuardianRequired
    guardian = await session.get(Person, guardian_id)
    if guardian is None or guardian.id != person.guardian_id or guardian.birth_date is None:
        raise NotTheGuardian
    if age_on(guardian.birth_date, today) < ADULT_FROM:
        raise NotTheGuardian


async def withdraw(
    session: AsyncSession, *, consent_id: uuid.UUID, reason: str, actor: Actor, now: datetime
) -> Consent:
    """Withdraws one scope; others stand. Raises `NotFound`, `ConsentWithdrawn`."""
    row = await queries.consent(session, consent_id=consent_id)
    if row is None:
        raise NotFound("没有这条同意记录", "No such consent")
    if row.withdrawn_at is not None:
        raise ConsentWithdrawn
    await end(session, row=row, action="consent.withdraw", reason=reason, actor=actor, now=now)
    return row


async def withdraw_all(
    session: AsyncSession,
    *,
    person_id: uuid.UUID,
    scopes: Collection[ConsentScope],
    reason: str,
    actor: Actor,
    now: datetime,
) -> list[Consent]:
    """Withdraws the named scopes of a person as far as they stand. Raises `NotFound`."""
    if await queries.person(session, person_id=person_id) is None:
        raise NotFound("没有这个人", "No such person")
    ended = []
    for scope in sorted(set(scopes)):
        row = await queries.unended(session, person_id=person_id, scope=scope)
        if row is not None:
            await end(session, row=row, action="consent.withdraw", reason=reason, actor=actor, now=now)
            ended.append(row)
    return ended


async def end(session: AsyncSession, *, row: Consent, action: str, reason: str, actor: Actor, now: datetime) -> None:
    """Marks a consent as ended and tells it, so that what rests on it is destroyed."""
    row.withdrawn_at, row.withdrawn_reason = now, reason
    await facts.tell_consent_withdrawn(
        session, estate_id=row.estate_id, consent_id=row.id, person_id=row.person_id, scope=row.scope, now=now
    )
    record(session, at=now, actor=actor, action=action, object_kind="consent", object_id=row.id,
           estate_id=row.estate_id, reason=reason, person_id=str(row.person_id), scope=row.scope)  # fmt: skip
    await session.flush()


async def list_consents(session: AsyncSession, *, person_id: uuid.UUID) -> Sequence[Consent]:
    """All consents of a person, newest first, ended ones too. Raises `NotFound`."""
    if await session.get(Person, person_id) is None:
        raise NotFound("没有这个人", "No such person")
    return await queries.consents_of(session, person_id=person_id)


async def standing_scopes(
    session: AsyncSession, person_ids: Collection[uuid.UUID], on: date
) -> dict[uuid.UUID, frozenset[ConsentScope]]:
    """What each of the people allows on a day (Asia/Shanghai); whoever allows nothing has an empty set."""
    found: dict[uuid.UUID, set[ConsentScope]] = {person_id: set() for person_id in person_ids}
    for person_id, scope in await queries.standing(session, person_ids=person_ids, on=on):
        found[person_id].add(ConsentScope(scope))
    return {person_id: frozenset(scopes) for person_id, scopes in found.items()}
