"""Second factors: set up, confirmed, asked for, ended. The secret lies sealed under a key outside the database."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.users import one_time_codes as codes
from inspection.users import sessions
from inspection.users.errors import FactorMissing, WrongCode
from inspection.users.models import RecoveryCode, SecondFactor, User
from inspection.users.schemas import FactorSecret, FactorView, RecoveryCodes
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.ids import new_id
from storage.vault.crypto import blind_index, seal, unseal
from storage.vault.service import Vault


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose factor, and the log-in that asks."""

    user_id: uuid.UUID
    family_id: uuid.UUID


def place(factor: SecondFactor) -> str:
    """Where a secret belongs: sealed for another row it does not open."""
    return f"second-factor/{factor.user_id}/{factor.id}"


def reseal(factor: SecondFactor, *, old: Vault, new: Vault) -> None:
    """The secret under another master key."""
    if factor.sealed is not None:
        factor.sealed = seal(
            new.second_factor_key, unseal(old.second_factor_key, factor.sealed, place=place(factor)),
            place=place(factor),
        )  # fmt: skip


async def standing(session: AsyncSession, *, user_id: uuid.UUID) -> SecondFactor | None:
    """A user's confirmed factor, locked: a code is good once, also for two who come at once."""
    found: SecondFactor | None = await session.scalar(
        select(SecondFactor)
        .where(SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None), SecondFactor.ended_at.is_(None))
        .with_for_update()
    )
    return found


async def accepts(session: AsyncSession, *, factor: SecondFactor, code: str, vault: Vault, now: datetime) -> bool:
    """Whether a code is the generator's, newer than the last one, or an unused recovery code; uses it up."""
    plain = codes.plain_recovery_code(code)
    if plain is not None:
        used = await session.scalar(
            update(RecoveryCode)
            .where(
                RecoveryCode.factor_id == factor.id, RecoveryCode.used_at.is_(None),
                RecoveryCode.code_hash == _recovery_hash(vault, factor.id, plain),
            )
            .values(used_at=now)
            .returning(RecoveryCode.id)
        )  # fmt: skip
        if used is not None:
            audit.record(session, at=now, actor=Actor.user(factor.user_id), action="second-factor.recovery-code-used",
                         object_kind="user", object_id=factor.user_id)  # fmt: skip
        return used is not None
    counter = codes.matching_counter(_secret(vault, factor), code, now=now, after=factor.last_counter)
    if counter is not None:
        factor.last_counter = counter
    return counter is not None


async def begin(session: AsyncSession, *, user: User, code: str | None, vault: Vault, now: datetime) -> FactorSecret:
    """A new secret, good once a code confirms it; raises `WrongCode` where one would replace another without a code of
    that one."""
    before = await standing(session, user_id=user.id)
    if before is not None and not await accepts(session, factor=before, code=code or "", vault=vault, now=now):
        raise WrongCode
    await session.execute(
        update(SecondFactor)
        .where(SecondFactor.user_id == user.id, SecondFactor.confirmed_at.is_(None), SecondFactor.ended_at.is_(None))
        .values(ended_at=now, sealed=None)
    )
    secret = codes.new_secret()
    factor = SecondFactor(id=new_id(), user_id=user.id, created_at=now, last_counter=0)
    factor.sealed = seal(vault.second_factor_key, secret.encode(), place=place(factor))
    session.add(factor)
    await session.flush()
    audit.record(session, at=now, actor=Actor.user(user.id), action="second-factor.begun", object_kind="user",
                 object_id=user.id)  # fmt: skip
    return FactorSecret(secret=secret, uri=codes.enrolment_uri(secret, login=user.login))


async def confirm(session: AsyncSession, *, owner: Owner, code: str, vault: Vault, now: datetime) -> RecoveryCodes:
    """The new factor counts from now on, an older one no longer, and other log-ins are ended.

    Raises `FactorMissing`, `WrongCode`.
    """
    factor = await session.scalar(
        select(SecondFactor)
        .where(
            SecondFactor.user_id == owner.user_id, SecondFactor.confirmed_at.is_(None), SecondFactor.ended_at.is_(None)
        )
        .with_for_update()
    )
    if factor is None:
        raise FactorMissing
    counter = codes.matching_counter(_secret(vault, factor), code, now=now, after=0)
    if counter is None:
        raise WrongCode
    await _end(session, user_id=owner.user_id, but=factor.id, now=now)
    factor.confirmed_at, factor.last_counter = now, counter
    await session.flush()
    await sessions.end(session, user_id=owner.user_id, why="second-factor", now=now, but=owner.family_id)
    audit.record(session, at=now, actor=Actor.user(owner.user_id), action="second-factor.confirmed",
                 object_kind="user", object_id=owner.user_id)  # fmt: skip
    return await _new_recovery_codes(session, factor_id=factor.id, vault=vault)


async def renew_recovery_codes(
    session: AsyncSession, *, user_id: uuid.UUID, code: str, vault: Vault, now: datetime
) -> RecoveryCodes:
    """Fresh recovery codes in place of all older ones; raises `FactorMissing`, `WrongCode`."""
    factor = await standing(session, user_id=user_id)
    if factor is None:
        raise FactorMissing
    if not await accepts(session, factor=factor, code=code, vault=vault, now=now):
        raise WrongCode
    audit.record(session, at=now, actor=Actor.user(user_id), action="second-factor.recovery-codes-renewed",
                 object_kind="user", object_id=user_id)  # fmt: skip
    return await _new_recovery_codes(session, factor_id=factor.id, vault=vault)


async def reset(session: AsyncSession, *, user_id: uuid.UUID, actor: Actor, reason: str, now: datetime) -> None:
    """Takes a user's factor away, and ends their log-ins; raises `FactorMissing`."""
    if await standing(session, user_id=user_id) is None:
        raise FactorMissing
    await _end(session, user_id=user_id, but=None, now=now)
    await sessions.end(session, user_id=user_id, why="second-factor", now=now)
    audit.record(session, at=now, actor=actor, action="second-factor.reset", object_kind="user", object_id=user_id,
                 reason=reason)  # fmt: skip


async def view(session: AsyncSession, *, user_id: uuid.UUID, needed: bool) -> FactorView:
    """A user's factor as shown to them."""
    factor = await standing(session, user_id=user_id)
    left = 0
    if factor is not None:
        left = await session.scalar(
            select(func.count()).where(RecoveryCode.factor_id == factor.id, RecoveryCode.used_at.is_(None))
        ) or 0  # fmt: skip
    return FactorView(
        set_up=factor is not None, needed=needed, confirmed_at=None if factor is None else factor.confirmed_at,
        recovery_codes_left=left,
    )  # fmt: skip


async def _end(session: AsyncSession, *, user_id: uuid.UUID, but: uuid.UUID | None, now: datetime) -> None:
    which = [SecondFactor.user_id == user_id, SecondFactor.ended_at.is_(None)]
    if but is not None:
        which.append(SecondFactor.id != but)
    ended = select(SecondFactor.id).where(SecondFactor.user_id == user_id)
    await session.execute(delete(RecoveryCode).where(RecoveryCode.factor_id.in_(ended)))
    await session.execute(update(SecondFactor).where(*which).values(ended_at=now, sealed=None))


async def _new_recovery_codes(session: AsyncSession, *, factor_id: uuid.UUID, vault: Vault) -> RecoveryCodes:
    await session.execute(delete(RecoveryCode).where(RecoveryCode.factor_id == factor_id))
    made = codes.new_recovery_codes()
    session.add_all(
        RecoveryCode(
            id=new_id(), factor_id=factor_id,
            code_hash=_recovery_hash(vault, factor_id, codes.plain_recovery_code(code) or ""),
        )
        for code in made
    )  # fmt: skip
    return RecoveryCodes(recovery_codes=made)


def _recovery_hash(vault: Vault, factor_id: uuid.UUID, plain: str) -> bytes:
    return blind_index(vault.index_key, f"recovery-code/{factor_id}/{plain}")


def _secret(vault: Vault, factor: SecondFactor) -> str:
    return unseal(vault.second_factor_key, factor.sealed or b"", place=place(factor)).decode()
