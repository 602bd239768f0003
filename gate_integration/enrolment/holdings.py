"""What the gate side holds of a person, for the person. Implements `inspection.ports.GateHoldings`."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.bulk_enrolment.models import PhotoImportLine
from gate_integration.devices.models import Credential, DevicePerson
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.intake.erasure import passages
from gate_integration.intake.models import PassEvent
from gate_integration.removals.models import DeviceRemoval, RemovalState
from gate_integration.sightings.models import Sighting
from gate_integration.terminal_people.models import TerminalCandidate, TerminalEntry
from inspection.registry.consents.models import Purpose
from inspection.rights.holdings import Holding

CONSENT = (
    "本人单独同意（个人信息保护法第二十九条；人脸识别技术应用安全管理办法第六条）",
    "separate consent (个人信息保护法 29)",
)


class PersonAtGates:
    """Counts rows in the caller's scope; shows nothing of what they hold."""

    async def holdings(self, session: AsyncSession, *, person_id: uuid.UUID, now: datetime) -> list[Holding]:
        """Templates, photographs, entries on gates, cards, passages; categories without any are left out."""
        del now

        async def number(table: type[Any], *conditions: Any) -> int:  # noqa: ANN401
            return await session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

        own = FaceTemplate.person_id == person_id
        entry = DevicePerson.person_id == person_id
        found = [
            Holding(
                category="face-template", what_zh="人脸特征模板（加密）", what_en="Face templates (encrypted)",
                count=await number(FaceTemplate, own, FaceTemplate.destroyed_at.is_(None)), from_zh="本人照片",
                from_en="the person's photograph", purposes=[Purpose.ACCESS_CONTROL, Purpose.TENANCY_COMPLIANCE],
                basis_zh=CONSENT[0], basis_en=CONSENT[1], kept_zh="至撤回同意或离开小区之日",
                kept_en="until consent is withdrawn or the person leaves",
            ),
            Holding(
                category="enrolment-photo", what_zh="建档照片（加密）", what_en="Enrolment photographs (encrypted)",
                count=await number(FaceTemplate, own, FaceTemplate.photo_object_id.is_not(None)), from_zh="本人",
                from_en="the person", purposes=[Purpose.ACCESS_CONTROL], basis_zh=CONSENT[0], basis_en=CONSENT[1],
                kept_zh="至撤回同意之日", kept_en="until consent is withdrawn",
            ),
            Holding(
                category="gate-entry", what_zh="门禁设备上的人员条目", what_en="Entries on gates",
                count=await number(DevicePerson, entry, DevicePerson.removed_at.is_(None)), from_zh="登记信息",
                from_en="the register", purposes=[Purpose.ACCESS_CONTROL], basis_zh=CONSENT[0], basis_en=CONSENT[1],
                kept_zh="至撤回同意或离开小区之日", kept_en="until consent is withdrawn or the person leaves",
                recipients_zh="小区门禁设备", recipients_en="the estate's gates",
            ),
            Holding(
                category="gate-entry-leaving", what_zh="等待从门禁设备删除的条目",
                what_en="Entries still to be removed",
                count=await number(
                    DeviceRemoval, DeviceRemoval.person_id == person_id, DeviceRemoval.state == RemovalState.PENDING
                ),
                from_zh="门禁设备", from_en="the gates", purposes=[Purpose.ACCESS_CONTROL],
                basis_zh="个人信息保护法第四十七条", basis_en="个人信息保护法 47", kept_zh="至设备确认删除",
                kept_en="until the device confirms",
            ),
            Holding(
                category="terminal-list",
                what_zh="门禁设备名单中对应或疑似对应的条目（姓名加密）",
                what_en="Entries of terminals' lists that mean the person, or may (names encrypted)",
                count=await number(
                    TerminalEntry,
                    or_(
                        TerminalEntry.person_id == person_id,
                        exists().where(
                            TerminalCandidate.entry_id == TerminalEntry.id, TerminalCandidate.person_id == person_id
                        ),
                    ),
                ),
                from_zh="门禁设备导出的名单", from_en="lists exported from the gates",
                purposes=[Purpose.ACCESS_CONTROL], basis_zh="处理依据登记所载（个人信息保护法第十三条）",
                basis_en="as recorded for the estate (个人信息保护法 13)",
                kept_zh="未确认的90日，已消失的30日", kept_en="90 days unconfirmed, 30 days once gone from the list",
            ),
            Holding(
                category="photo-archive", what_zh="照片批量导入的检查记录", what_en="Lines of archives of photographs",
                count=await number(PhotoImportLine, PhotoImportLine.person_id == person_id),
                from_zh="管理单位提交的照片与同意书清单", from_en="an archive handed in by the authority",
                purposes=[Purpose.ACCESS_CONTROL], basis_zh=CONSENT[0], basis_en=CONSENT[1],
                kept_zh="导入结束后90日", kept_en="90 days after the import ended",
            ),
            Holding(
                category="credential", what_zh="门禁卡、密码、二维码", what_en="Cards, PINs and QR codes",
                count=await number(Credential, Credential.person_id == person_id), from_zh="登记信息",
                from_en="the register", purposes=[Purpose.ACCESS_CONTROL], basis_zh="履行租赁合同所必需",
                basis_en="needed to perform the lease", kept_zh="至退房", kept_en="until the unit is returned",
            ),
            Holding(
                category="passages", what_zh="通行记录（时间、门禁、方向）",
                what_en="Passages (when, which gate, which way)",
                count=await number(PassEvent, passages(person_id)), from_zh="门禁设备", from_en="the gates",
                purposes=[Purpose.ACCESS_CONTROL, Purpose.TENANCY_COMPLIANCE],
                basis_zh="处理依据登记所载（个人信息保护法第十三条）",
                basis_en="as recorded for the estate (个人信息保护法 13)",
                kept_zh="180日", kept_en="180 days",
            ),
            Holding(
                category="sightings", what_zh="由识别得出的通行人判断", what_en="Who was recognised at a gate",
                count=await number(Sighting, Sighting.person_id == person_id), from_zh="门禁设备识别或比对",
                from_en="recognition by the gate or by comparison", purposes=[Purpose.TENANCY_COMPLIANCE],
                basis_zh=CONSENT[0], basis_en=CONSENT[1], kept_zh="180日", kept_en="180 days",
            ),
        ]  # fmt: skip
        return [one for one in found if one.count]
