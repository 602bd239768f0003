"""How long ended entries of people on gates, and withdrawn credentials, are kept."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import Credential, DevicePerson, GateDevice
from storage.holds.models import HoldScope
from storage.holds.reach import Cover, Locate
from storage.retention.classes import Described, RowRetention
from storage.rules.values import RuleDefault

ENDED = RuleDefault(
    "retention.ended_access_days", 365, "calendar_day",
    "长于通行记录的保存期，使其在记录存续期间可以解释；个人信息保护法 19，须由法律顾问确认",
)  # fmt: skip
RULES = (ENDED,)


async def locate(session: AsyncSession, device_id: uuid.UUID) -> uuid.UUID | None:
    """The estate of a device in scope."""
    found: uuid.UUID | None = await session.scalar(select(GateDevice.estate_id).where(GateDevice.id == device_id))
    return found


async def widen(session: AsyncSession, cover: Cover) -> Cover:
    """A held flat holds the terminals at its own door."""
    if not cover.units:
        return cover
    own = select(GateDevice.id).where(cover.any_of(units=GateDevice.unit_id))
    return cover.widened(devices=list(await session.scalars(own)))


LOCATE: dict[HoldScope, Locate] = {HoldScope.DEVICE: locate}

CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "access.people", "已移除的门禁人员编号", "removed numbers of people on gates",
            "移除之时", "when it was removed", ENDED,
        ),
        key=DevicePerson.id, clock=DevicePerson.removed_at, estate=DevicePerson.estate_id,
        held=lambda cover: cover.any_of(
            estates=DevicePerson.estate_id, devices=DevicePerson.device_id, people=DevicePerson.person_id
        ),
    ),
    RowRetention(
        described=Described(
            "access.credentials", "已收回的凭证", "withdrawn credentials", "收回之时", "when it was withdrawn", ENDED
        ),
        key=Credential.id, clock=Credential.withdrawn_at, estate=Credential.estate_id,
        held=lambda cover: cover.any_of(
            estates=Credential.estate_id, people=Credential.person_id,
            households=Credential.household_id, units=Credential.unit_id,
        ),
    ),
)  # fmt: skip
