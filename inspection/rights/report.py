"""What is held of a person, who looked, how machines judge: told to the person (个人信息保护法 24, 45, 48)."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases.models import Case
from inspection.leads.models import Lead
from inspection.ports import GateHoldings
from inspection.registry.consents.models import Consent, Purpose
from inspection.registry.consents.queries import bases_in_force
from inspection.registry.households import papers
from inspection.registry.households.models import Absence, GuestStay, HouseholdMember, Lease, Person, ServiceWorker
from inspection.registry.households.people import subject_key
from inspection.rights import queries
from inspection.rights.holdings import Holding
from inspection.rights.schemas import AccessReport, Asking, RequestView, ViewedView
from inspection.rights.text import as_text
from inspection.users.models import User, UserGrant
from inspection.visits.models import OccupantMet, Photo, Visit
from storage.audit.models import AuditEntry, AuditPayload
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.problems import NotFound
from storage.vault.service import Vault

VIEWS: Final[dict[str, tuple[str, str]]] = {
    "person.unmask": ("查看证件号码或电话原文", "saw the ID number or telephone in clear"),
    "trail.viewed": ("查看房屋通行记录", "saw the unit's passages"),
    "lead.evidence-viewed": ("查看线索证据", "saw the evidence of a lead"),
    "photo.viewed": ("查看走访照片", "saw a photograph of a visit"),
    "rights.viewed": ("查看本人提出的申请", "saw what the person asked for"),
    "person.reported": ("为本人出具个人信息报告", "made this report for the person"),
    "person.copied": ("为本人出具个人信息副本", "made a copy of the data for the person"),
}
AUTOMATED_ZH: Final = (
    "系统依公开的规则比对门禁记录与登记信息，只提示线索（如长期无人居住、疑似转租），不作出任何决定：每条线索由工作人员"
    "核实，未经核实不影响您的任何权利。您不使用人脸识别不会产生任何不利后果。对线索有异议的，可要求人工复核。"
)
AUTOMATED_EN: Final = (
    "Published rules compare gate records with the register and raise leads alone; they decide nothing. A person "
    "checks each lead, and none touches your rights before. Not using face recognition weighs nothing. You may object "
    "to a lead and have a person look at it."
)


async def access_report(
    session: AsyncSession,
    *,
    person_id: uuid.UUID,
    asking: Asking,
    gate: GateHoldings,
    actor: Actor,
    now: datetime,
) -> AccessReport:
    """The report; that it was made is in the audit log. Raises `NotFound`."""
    person = await _living(session, person_id)
    today = local_day(now)
    found = AccessReport(
        person_id=person.id, estate_id=person.estate_id, made_at=now, name=person.name,
        id_number_masked=person.id_number_masked,
        holdings=[*await register_holdings(session, person, today),
                  *await gate.holdings(session, person_id=person_id, now=now)],
        viewed=await viewed(session, person_id=person_id),
        requests=[RequestView.of(row, today=today) for row in await queries.of_person(session, person_id=person_id)],
        automated_zh=AUTOMATED_ZH, automated_en=AUTOMATED_EN,
    )  # fmt: skip
    record(
        session, at=now, actor=actor, action="person.reported", object_kind="person", object_id=person_id,
        estate_id=person.estate_id, reason=f"{asking.asked_by}: {asking.paper_number}", categories=len(found.holdings),
    )  # fmt: skip
    return msgspec.structs.replace(found, text_zh=as_text(found, "zh"), text_en=as_text(found, "en"))


async def portable_copy(
    session: AsyncSession, *, vault: Vault, person_id: uuid.UUID, asking: Asking, actor: Actor, now: datetime
) -> dict[str, Any]:
    """The person's own data in clear, for them or for another office of their choice (个人信息保护法 45).

    Raises `NotFound`. What others recorded about them, and biometric measurements, are no part of it.
    """
    person = await _living(session, person_id)
    key = await subject_key(session, vault=vault, person=person, now=now)
    clear = {
        kind: papers.opened(key, sealed, papers.place(person.estate_id, person.id, kind)) if sealed else None
        for kind, sealed in ((papers.ID_NUMBER, person.id_number_sealed), (papers.PHONE, person.phone_sealed))
    }
    record(
        session, at=now, actor=actor, action="person.copied", object_kind="person", object_id=person_id,
        estate_id=person.estate_id, reason=f"{asking.asked_by}: {asking.paper_number}",
    )  # fmt: skip
    periods: dict[str, list[dict[str, Any]]] = {}
    kinds: tuple[tuple[Any, str], ...] = (
        (HouseholdMember, "role"), (GuestStay, "relation"), (ServiceWorker, "kind"), (Absence, "reason"),
    )  # fmt: skip
    for table, extra in kinds:
        rows = await session.scalars(select(table).where(table.person_id == person_id).order_by(table.id))
        periods[table.__tablename__] = [
            {"from": row.valid_from, "to": row.valid_to, extra: getattr(row, extra)} for row in rows
        ]
    consents = await session.scalars(select(Consent).where(Consent.person_id == person_id).order_by(Consent.id))
    return {
        "format": "ruhu-person/1", "made_at": now, "name": person.name, "birth_date": person.birth_date,
        "id_number": clear[papers.ID_NUMBER], "phone": clear[papers.PHONE], **periods,
        "consents": [
            {"scope": row.scope, "notice_version": row.notice_version, "channel": row.channel,
             "given_at": row.given_at, "ended_at": row.withdrawn_at}
            for row in consents
        ],
    }  # fmt: skip


async def register_holdings(session: AsyncSession, person: Person, today: date) -> list[Holding]:
    """What the register, the field and the office hold."""
    bases = list(await session.scalars(bases_in_force(estate_id=person.estate_id, on=today)))
    homes = select(HouseholdMember.household_id).where(HouseholdMember.person_id == person.id)
    met = select(OccupantMet.visit_id).where(OccupantMet.person_id == person.id)

    async def number(table: type[Any], *conditions: Any) -> int:  # noqa: ANN401
        return await session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    lease_end = await session.scalar(select(func.max(Lease.valid_to)).where(Lease.household_id.in_(homes)))
    ties = sum([await number(table, table.person_id == person.id) for table in (HouseholdMember, GuestStay,
                                                                               ServiceWorker, Absence)])  # fmt: skip
    statutory = ("公共租赁住房管理办法；个人信息保护法第十三条第三项", "statutory duty (个人信息保护法 13(3))")
    found = [
        Holding(
            category="register", what_zh="登记信息：姓名、出生日期、证件号码、电话、户籍成员及居住期间",
            what_en="Register: name, birth date, ID number, telephone, membership and stays", count=1 + ties,
            from_zh="本人或所在家庭申报、主管部门名册", from_en="the household, or the authority's list",
            purposes=[Purpose.TENANCY_COMPLIANCE], basis_zh=statutory[0], basis_en=statutory[1],
            kept_zh="租赁合同存续期间；终止后按保存期限规则",
            kept_en="while the lease runs; then by the rules of retention",
            until=lease_end,
        ),
        Holding(
            category="consents", what_zh="同意与撤回记录", what_en="Consents and withdrawals",
            count=await number(Consent, Consent.person_id == person.id), from_zh="本人", from_en="the person",
            purposes=sorted({row.purpose for row in bases}), basis_zh="个人信息保护法第十四条、第六十九条",
            basis_en="个人信息保护法 14, 69", kept_zh="至少三年", kept_en="three years at least",
        ),
        Holding(
            category="visits", what_zh="入户走访：会见记录、照片", what_en="Visits: who was met, photographs",
            count=await number(OccupantMet, OccupantMet.person_id == person.id)
            + await number(Photo, Photo.visit_id.in_(met)),
            from_zh="走访人员现场记录", from_en="inspectors on the spot", purposes=[Purpose.TENANCY_COMPLIANCE],
            basis_zh=statutory[0], basis_en=statutory[1], kept_zh="按保存期限规则；涉案的至案卷保存期满",
            kept_en="by the rules of retention; of a case as long as its file",
        ),
        Holding(
            category="cases", what_zh="涉及所在家庭的线索和案件", what_en="Leads and cases about the household",
            count=await number(Lead, Lead.household_id.in_(homes)) + await number(Case, Case.household_id.in_(homes)),
            from_zh="规则提示、走访、投诉举报", from_en="rules, visits, complaints",
            purposes=[Purpose.TENANCY_COMPLIANCE],
            basis_zh=statutory[0], basis_en=statutory[1], kept_zh="结案后至案卷保存期满",
            kept_en="until the case's file may be destroyed", recipients_zh="依法移送的机关、人民法院",
            recipients_en="authorities and courts to which a case is referred by law",
        ),
    ]  # fmt: skip
    return [one for one in found if one.count]


async def viewed(session: AsyncSession, *, person_id: uuid.UUID) -> list[ViewedView]:
    """Who looked at the person's number, face or trail, or at their home's, oldest first."""
    homes = select(HouseholdMember.household_id).where(HouseholdMember.person_id == person_id)
    ids = or_(
        AuditEntry.object_id == person_id,
        AuditEntry.object_id.in_(select(Lease.unit_id).where(Lease.household_id.in_(homes))),
        AuditEntry.object_id.in_(select(Lead.id).where(Lead.household_id.in_(homes))),
        AuditEntry.object_id.in_(
            select(Photo.id).join(Visit, Visit.id == Photo.visit_id).where(Visit.household_id.in_(homes))
        ),
        AuditEntry.id.in_(select(AuditPayload.entry_id).where(AuditPayload.subject_id == person_id)),
    )
    rows: Sequence[AuditEntry] = (
        (
            await session.scalars(
                select(AuditEntry).where(AuditEntry.action.in_(VIEWS), ids).order_by(AuditEntry.at, AuditEntry.id)
            )
        )
        .unique()
        .all()
    )
    users = {row.actor_user_id for row in rows if row.actor_user_id is not None}
    numbers = await session.execute(select(User.id, User.certificate_number).where(User.id.in_(users)))
    certificates: dict[uuid.UUID, str | None] = {user_id: number for user_id, number in numbers}  # noqa: C416
    roles: dict[uuid.UUID, set[str]] = {}
    for user_id, role in await session.execute(
        select(UserGrant.user_id, UserGrant.role).where(UserGrant.user_id.in_(users))
    ):
        roles.setdefault(user_id, set()).add(role)
    return [
        ViewedView(
            at=row.at, what_zh=VIEWS[row.action][0], what_en=VIEWS[row.action][1], purpose=row.purpose,
            reason=row.reason,
            role="+".join(sorted(roles.get(row.actor_user_id, set()))) if row.actor_user_id else row.actor_kind,
            certificate_number=certificates.get(row.actor_user_id) if row.actor_user_id else None,
        )
        for row in rows
    ]  # fmt: skip


async def _living(session: AsyncSession, person_id: uuid.UUID) -> Person:
    person = await session.get(Person, person_id)
    if person is None or person.erased_at is not None:
        raise NotFound("没有这个人", "No such person")
    return person
