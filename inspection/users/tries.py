"""Counting tries to sign in, in the database, since many processes serve one account.

A try is counted as failed before the password is looked at, and taken back when it was right: however many come at
the same moment, each sees those before it.
"""

import base64
import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.users.errors import SignInLocked
from inspection.users.models import SignInThrottle
from inspection.users.throttle import (
    FORGOTTEN_AFTER,
    FREE_CODES,
    Count,
    place_of,
    seconds_left,
    seconds_to_wait,
    standing,
)
from storage.vault.crypto import blind_index


@dataclass(frozen=True, slots=True)
class Subjects:
    """Under what a try is counted; see `throttle`. All are keyed hashes: no login and no address is stored."""

    pair: bytes
    account: bytes
    address: bytes
    known_device: bool

    @property
    def all(self) -> list[bytes]:
        """In the order in which they are locked."""
        return sorted((self.pair, self.account, self.address))


def subjects_of(key: bytes, *, login: str, address: str, device_token: str | None) -> Subjects:
    """What a try counts under."""
    device = device_of(key, login=login, token=device_token)
    place = place_of(address)
    return Subjects(
        pair=blind_index(key, f"sign-in/pair/{device or place}/{login}"),
        account=blind_index(key, f"sign-in/account/{login}"),
        address=blind_index(key, f"sign-in/address/{place}"),
        known_device=device is not None,
    )


def new_device_token(key: bytes, *, login: str, family_id: uuid.UUID) -> str:
    """Proof that a device has signed in to an account before. It opens nothing; it keeps a count of its own."""
    return f"{family_id}.{_device_proof(key, login, str(family_id))}"


def device_of(key: bytes, *, login: str, token: str | None) -> str | None:
    """The device that a token names, if we made the token for this account."""
    device, _, proof = (token or "").partition(".")
    good = hmac.compare_digest(_device_proof(key, login, device).encode(), proof.encode())
    return device if good else None


def _device_proof(key: bytes, login: str, device: str) -> str:
    return base64.urlsafe_b64encode(blind_index(key, f"sign-in/device/{device}/{login}")).decode().rstrip("=")


async def admit(session: AsyncSession, *, subjects: Subjects, now: datetime) -> None:
    """Counts a try as failed; raises `SignInLocked` for one that comes too early, which does not count."""
    counts = await _locked(session, subjects.all)
    wait = seconds_to_wait(
        pair=counts.get(subjects.pair), account=counts.get(subjects.account), address=counts.get(subjects.address),
        known_device=subjects.known_device, now=now,
    )  # fmt: skip
    if wait:
        raise SignInLocked(retry_after=wait)
    await _count(session, counts, subjects.all, now)


async def take_back(session: AsyncSession, *, subjects: Subjects, forget: bool) -> None:
    """The try was right. `forget`: so are the account's and the pair's failures; those of the address stay, since
    otherwise whoever has one account could try all others from there."""
    if forget:
        await session.execute(
            delete(SignInThrottle).where(SignInThrottle.subject.in_((subjects.pair, subjects.account)))
        )
    for subject in [subjects.address] if forget else subjects.all:
        await session.execute(
            update(SignInThrottle)
            .where(SignInThrottle.subject == subject)
            .values(failures=func.greatest(SignInThrottle.failures - 1, 0))
        )


async def admit_code(session: AsyncSession, *, key: bytes, user_id: uuid.UUID, now: datetime) -> bytes:
    """The same for codes and for passwords asked for again: the subject that was counted.

    Over all addresses: only who knows the password, or is signed in, gets as far as this.
    """
    subject = blind_index(key, f"code/{user_id}")
    counts = await _locked(session, [subject])
    wait = seconds_left(counts.get(subject), FREE_CODES, now)
    if wait:
        raise SignInLocked(retry_after=wait)
    await _count(session, counts, [subject], now)
    return subject


async def forget_code(session: AsyncSession, *, subject: bytes) -> None:
    """The code was right."""
    await session.execute(delete(SignInThrottle).where(SignInThrottle.subject == subject))


async def forget_old(session: AsyncSession, *, now: datetime) -> int:
    """Deletes counts that no longer count; how many."""
    result = await session.execute(
        delete(SignInThrottle).where(SignInThrottle.last_at < now - FORGOTTEN_AFTER).returning(SignInThrottle.subject)
    )
    return len(result.all())


async def _locked(session: AsyncSession, subjects: list[bytes]) -> dict[bytes, Count]:
    """The counts, nobody else's until the transaction ends; also those that have no row yet."""
    for subject in subjects:
        await session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(subject[:8], signed=True))))
    rows = await session.scalars(select(SignInThrottle).where(SignInThrottle.subject.in_(subjects)))
    return {row.subject: Count(row.failures, row.last_at) for row in rows}


async def _count(session: AsyncSession, counts: dict[bytes, Count], subjects: list[bytes], now: datetime) -> None:
    for subject in subjects:
        values = {"failures": standing(counts.get(subject), now) + 1, "last_at": now}
        await session.execute(
            insert(SignInThrottle)
            .values(subject=subject, **values)
            .on_conflict_do_update(index_elements=["subject"], set_=values)
        )
