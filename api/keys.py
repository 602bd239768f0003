"""Rotation of keys over a whole house: what the command line and the worker do."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.house import House
from gate_integration.intake.models import RawDelivery
from gate_integration.webhook_keys.reseal import reseal
from storage.audit.service import Actor
from storage.database import Role, SystemScope
from storage.vault import crypto, rotation
from storage.vault.key_check import learn
from storage.vault.models import DerivedKey, EstateKey, RetiredEstateKey

WORKER = Actor.system("worker")


@dataclass(frozen=True, slots=True)
class MasterLine:
    """A master key of the file: `state` is current, older or coming; how many keys it wraps."""

    key_id: str
    state: str
    wraps: int


@dataclass(frozen=True, slots=True)
class EstateLine:
    """An estate with retired keys: their ids, and how many keys wait to be wrapped anew."""

    estate_id: uuid.UUID
    retired: list[str]
    waiting: int


@dataclass(frozen=True, slots=True)
class DerivedLine:
    """A version of a key of the installation."""

    name: str
    version: int
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """Which keys there are. `unnamed`: keys wrapped by the first releases, which do not say by which master key."""

    master: list[MasterLine]
    unnamed: int
    finished: bool
    estates: int
    rotating: list[EstateLine]
    derived: list[DerivedLine]


async def status(house: House) -> Status:
    """Which keys there are, and what is not finished."""
    vault = house.vault
    vault.reread()
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        named: dict[bytes, int] = {}
        for one in rotation.UNDER_MASTER:
            prefix = func.substring(one.column, 1, 1 + crypto.KEY_ID_BYTES)
            for found, how_many in await session.execute(select(prefix, func.count()).group_by(prefix)):
                key = crypto.named_key(found) or b""
                named[key] = named.get(key, 0) + how_many
        left = await rotation.left_under_master(session, vault)
        rotating = []
        for estate_id in await rotation.unfinished_estates(session):
            current = await rotation.current_key(session, vault, estate_id)
            retired = await session.scalars(
                select(RetiredEstateKey.key_id)
                .where(RetiredEstateKey.estate_id == estate_id)
                .order_by(RetiredEstateKey.retired_at)
            )
            waiting = await rotation.waiting(session, estate_id=estate_id, current=current)
            rotating.append(EstateLine(estate_id, [key.hex() for key in retired], waiting))
        estates = await session.scalar(select(func.count()).select_from(EstateKey)) or 0
        derived = await session.scalars(select(DerivedKey).order_by(DerivedKey.name, DerivedKey.version))
        lines = [DerivedLine(one.name, one.version, one.created_at, one.retired_at) for one in derived]
    states = ["current", *["older"] * (len(vault.master.keys) - 1), "coming"]
    ids = [crypto.key_id(key) for key in vault.wrapping.keys]
    return Status(
        master=[
            MasterLine(key.hex(), state, named.get(key, 0)) for key, state in zip(ids, states, strict=False)
        ],
        unnamed=named.get(b"", 0), finished=not left, estates=estates, rotating=rotating, derived=lines,
    )  # fmt: skip


async def rewrap_in(house: House) -> None:
    """The worker's job: goes on with rotations, and deletes signing keys whose tokens have expired."""
    now = house.clock.now()
    await rotation.rewrap_all(house.database, vault=house.vault, actor=WORKER, now=now)
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await rotation.prune_tokens(session, now=now)


async def rotate_estate(house: House, *, estate_id: uuid.UUID, actor: Actor) -> int:
    """A new key for an estate; how many keys were wrapped anew. A job goes on if this process ends."""
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await rotation.rotate_estate(
            session, vault=house.vault, estate_id=estate_id, reseal=reseal, actor=actor, now=house.clock.now()
        )
    return await rotation.rewrap_estate(house.database, vault=house.vault, estate_id=estate_id)


async def rotate_tokens(house: House, *, at_once: bool, actor: Actor) -> int:
    """A new key signs access tokens; its version."""
    async with house.database.transaction(Role.OWNER, SystemScope()) as session:
        version = await rotation.rotate_tokens(
            session, vault=house.vault, at_once=at_once, lifetime=timedelta(seconds=house.settings.access_token_s),
            actor=actor, now=house.clock.now(),
        )  # fmt: skip
    await asyncio.to_thread(learn, house.urls.by_role[Role.OWNER], house.vault)
    return version


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed; `waiting`: retired keys of estates that something still needs, or that are too young."""

    master: int
    estates: int
    waiting: int
    tokens: int


async def prune(house: House, *, actor: Actor) -> Pruned:
    """Finishes what is not finished and removes every older key that nothing needs.

    Raises `KeysInUse`, `KeysBusy`.
    """
    now, vault = house.clock.now(), house.vault
    await rotation.rewrap_all(house.database, vault=vault, actor=actor, now=now)
    gone = waiting = 0
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        estates = await rotation.unfinished_estates(session)
        tokens = await rotation.prune_tokens(session, now=now)
    for estate_id in estates:
        async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
            some, more = await rotation.prune_estate(
                session, vault=vault, estate_id=estate_id, elsewhere=sealed_deliveries, actor=actor, now=now
            )
        gone, waiting = gone + some, waiting + more
    master = await rotation.prune_master(house.database, vault=vault, actor=actor, now=now)
    return Pruned(master, gone, waiting, tokens)


async def sealed_deliveries(session: AsyncSession, estate_id: uuid.UUID, key_id: bytes) -> int:
    """Deliveries that could not be cleared and lie encrypted for some days, by this key or by one they do not name."""
    named = crypto.NAMED + key_id
    found = await session.scalar(
        select(func.count()).where(
            RawDelivery.estate_id == estate_id, RawDelivery.sealed, RawDelivery.body.is_not(None),
            (func.substring(RawDelivery.body, 1, len(named)) == named)
            | (func.substring(RawDelivery.body, 1, 1) == crypto.UNNAMED),
        )
    )  # fmt: skip
    return int(found or 0)
