"""One of everything in an estate, as rows: what the access tests ask for from elsewhere."""

import hashlib
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select

from gate_integration.devices.models import (
    CaptureMode,
    Credential,
    DeviceContact,
    DeviceOutage,
    DevicePerson,
    DeviceToken,
    Direction,
    GateDevice,
    GateLevel,
)
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.enrolment.templates import seal_vector, template_place
from gate_integration.intake.models import DeliveryProblem, PassEvent, RawDelivery, RawPending
from gate_integration.occupancy.models import Discrepancy, NotRaisedNote
from gate_integration.removals.models import DeviceRemoval, RemovalState, What
from gate_integration.sightings.models import Band, LinkKind, Pseudonym, Sighting, Source
from gate_integration.webhook_keys.models import WebhookKey, WebhookMessage
from inspection.cases.models import Case, CaseEvidence, CaseStep, Deadline, EvidenceReview, Measure, Representation
from inspection.cases.models import Service as Served
from inspection.cases.schemas import MeasureKind, ServiceMethod
from inspection.cases.vocabulary import Action, EvidenceKind, State
from inspection.documents.models import Document, IssuingAuthority
from inspection.documents.vocabulary import DocumentKind, DocumentStatus
from inspection.leads.models import Lead, LeadSource, LeadStatus
from inspection.registry.consents.models import Consent, ConsentScope, ProcessingBasis
from inspection.registry.households.models import (
    Absence,
    AbsenceReason,
    CareKind,
    CareLevel,
    CareTag,
    GuestStay,
    HouseholdMember,
    Lease,
    Person,
    ServiceWorker,
    WorkerHousehold,
    WorkerKind,
)
from inspection.registry.imports.models import ImportStatus, RegistryImport
from inspection.registry.missing.models import MissingKind, MissingRecord, MissingStatus
from inspection.rights.models import AskedBy, RightsRequest
from inspection.rights.models import Kind as RequestKind
from inspection.rights.models import State as RequestState
from inspection.users.models import (
    Proposal,
    ProposalKind,
    ProposalStatus,
    RefreshFamily,
    ScopeLevel,
    UserGrant,
    UserRole,
)
from inspection.visits.models import (
    CheckIn,
    Finding,
    OccupantMet,
    Outcome,
    Photo,
    Visit,
    VisitKind,
    VisitResult,
    VisitStatus,
)
from storage.database import Database, Role, SystemScope
from storage.holds.models import HoldScope, LegalHold
from storage.ids import new_id
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.api.furnished_lists import lists
from tests.factories import World, make_user

PAPER = b"%PDF-1.7 made up, no document"
PICTURE = b"\xff\xd8\xff\xe0 no picture"
DIGEST = bytes(32)
DAY = date(2026, 3, 1)
LATER = date(2026, 6, 1)
ISSUED = datetime(2026, 3, 1, 1, tzinfo=UTC)


async def furnish(
    database: Database, world: World, *, now: datetime, vault: Vault, objects: Objects,
    inspector: uuid.UUID | None = None, manager: uuid.UUID | None = None,
) -> dict[str, str]:  # fmt: skip
    """Puts one of everything into the world's first flat; ids by the names that paths and bodies have for them.

    `assigned_to` is an inspector, `second_officer` a manager: those given, or new ones of this estate alone.
    `point` is the first of a representation, `number` what the device calls the tenant, `child_id` the ward of
    `guardian_id`, `open_case_id` a case in whose state visits are planned.
    """

    async def user(role: UserRole) -> uuid.UUID:
        return await make_user(database, now=now, role=role, level=ScopeLevel.ESTATE, code=str(world.estate_id))

    inspector = inspector or await user(UserRole.INSPECTOR)
    manager = manager or await user(UserRole.MANAGER)
    known = {
        "estate_id": world.estate_id, "building_id": world.building_id, "entrance_id": world.entrance_id,
        "unit_id": world.units[0], "household_id": world.households[0], "person_id": world.tenants[0],
        "guardian_id": world.tenants[1], "assigned_to": inspector, "second_officer": manager, "user_id": inspector,
    }  # fmt: skip
    number = f"no-{new_id().hex[-12:]}"
    async with database.transaction(Role.OWNER, SystemScope()) as session:

        async def add(table: type[Any], /, **values: Any) -> uuid.UUID:
            row = table(id=new_id(), estate_id=world.estate_id, **values)
            session.add(row)
            await session.flush()
            return uuid.UUID(str(row.id))

        async def link(table: type[Any], /, **values: Any) -> None:
            session.add(table(estate_id=world.estate_id, **values))
            await session.flush()

        async def first(kind: type[Any]) -> uuid.UUID:
            found = await session.scalar(select(kind.id).where(kind.estate_id == world.estate_id).order_by(kind.id))
            assert found is not None
            return uuid.UUID(str(found))

        place = {"household_id": known["household_id"], "unit_id": known["unit_id"]}
        person = known["person_id"]
        known["basis_id"] = await first(ProcessingBasis)
        known["member_id"] = await first(HouseholdMember)
        known["lease_id"] = await first(Lease)
        grant = await session.scalar(select(UserGrant.id).where(UserGrant.user_id == inspector))
        assert grant is not None
        known["grant_id"] = grant
        known["session_id"], known["proposal_id"] = new_id(), new_id()
        session.add(
            RefreshFamily(id=known["session_id"], user_id=inspector, created_at=now, expires_at=now, last_used_at=now)
        )
        session.add(
            Proposal(
                id=known["proposal_id"], kind=ProposalKind.GRANT, user_id=inspector, reason="测试",
                details={"role": "inspector", "level": "estate", "code": str(world.estate_id)},
                status=ProposalStatus.OPEN, proposed_at=now, expires_at=now + timedelta(days=7),
            )
        )  # fmt: skip
        await _people(add, link, known, now)
        await _gate(add, link, known, now, number)

        known["child_id"] = await add(
            Person, name="测试儿童", birth_date=date(2018, 1, 1), guardian_id=known["guardian_id"], created_at=now
        )
        key = await vault.subject_key(session, estate_id=world.estate_id, subject_id=person, now=now)
        template = new_id()
        session.add(
            FaceTemplate(
                id=template, estate_id=world.estate_id, person_id=person, engine="still", model_hash="0" * 16,
                quality={"score": 0.9}, created_at=now,
                sealed=seal_vector(
                    key, np.full(128, 1 / np.sqrt(128), np.float32),
                    place=template_place(
                        estate_id=world.estate_id, person_id=person, engine="still", template_id=template
                    ),
                ),
            )
        )  # fmt: skip
        known["template_id"] = template

        known["discrepancy_id"] = await add(
            Discrepancy, **place, rule="SUBLET", severity="high", admissibility="lead_only", first_flagged_at=now,
            last_confirmed_at=now, score=3.0, terms={}, counts={}, first_day=DAY, last_day=DAY, explanation_zh="测试",
            explanation_en="A test", clears_zh="测试", clears_en="A test", rule_version="1", event_ids=[],
        )  # fmt: skip
        await link(
            NotRaisedNote, household_id=known["household_id"], rule="EMPTY", code="care", why_zh="关注", why_en="Care",
            at=now,
        )  # fmt: skip
        known["lead_id"] = await add(
            Lead, **place, source=LeadSource.COMPLAINT, rule=None, discrepancy_ids=[str(known["discrepancy_id"])],
            summary_zh="测试线索", summary_en="A test", status=LeadStatus.NEW, created_at=now, created_by=manager,
        )  # fmt: skip
        known["scope_id"] = known["estate_id"]
        known["hold_id"] = await add(
            LegalHold, scope_kind=HoldScope.UNIT, scope_id=known["unit_id"], legal_basis="测试", reason="测试保全",
            requested_by=manager, requested_at=now, approve_before=now + timedelta(days=14),
            until=now + timedelta(days=30),
        )  # fmt: skip
        known["request_id"] = await add(
            RightsRequest, person_id=person, kind=RequestKind.ERASURE, state=RequestState.OPEN, asked_by=AskedBy.SELF,
            asked_on=DAY, identified_by="身份证原件", paper_number="SQ-1", answer_by=LATER, recorded_by=manager,
            recorded_at=now, kept=[], proof=[],
        )  # fmt: skip
        known["removal_id"] = await add(
            DeviceRemoval, device_id=known["device_id"], person_id=person, device_person_no=number, what=What.FACE,
            reason="consent-withdrawn", state=RemovalState.PENDING, other_way_in=True, created_at=now,
        )  # fmt: skip
        await _case(add, known, now, world.division_code[:6])
        await _visit(add, known, now)
        file = await objects.put(
            session, data=b"\xff", kind="registry-import", content_type="text/csv", estate_id=world.estate_id, now=now
        )
        await session.flush()
        known["import_id"] = await add(
            RegistryImport, object_id=file.id, name="a.csv", sheet="", digest=DIGEST, size=1, full_list=False,
            create_units=False, status=ImportStatus.CHECKED, attempts=1, rows_total=0, rows_checked=0, records_total=0,
            records_applied=0, created_at=now, touched_at=now,
        )  # fmt: skip
        await lists(session, add, link, known, vault, now)
        known["missing_id"] = await add(
            MissingRecord, import_id=known["import_id"], kind=MissingKind.MEMBER, record_id=known["member_id"],
            household_id=known["household_id"], person_id=person, listed_at=now, status=MissingStatus.OPEN,
        )  # fmt: skip
        stored = await objects.put(
            session, data=PICTURE, kind="visit-photo", content_type="image/jpeg", estate_id=world.estate_id, now=now
        )
        await session.flush()
        known["photo_id"] = await add(
            Photo, visit_id=known["visit_id"], user_id=inspector, object_id=stored.id, body_digest=DIGEST,
            content_type="image/jpeg", size=len(PICTURE), received_at=now,
        )  # fmt: skip
        known["document_id"] = await _document(session, add, known, now, objects, world.division_code[:6])
    return {name: str(value) for name, value in known.items()} | {"point": "0", "number": number}


async def _document(
    session: Any, add: Any, known: dict[str, uuid.UUID], now: datetime, objects: Objects, district: str
) -> uuid.UUID:
    """An issued document of the case; its authority is the district's."""
    authority = IssuingAuthority(
        id=new_id(), division_code=district, name="测试机关", designator=f"测{new_id().hex[-6:]}", updated_at=now
    )
    session.add(authority)
    stored = await objects.put(
        session, data=PAPER, kind="document", content_type="application/pdf", estate_id=known["estate_id"], now=now
    )
    await session.flush()
    known["authority_id"] = authority.id
    return uuid.UUID(
        str(
            await add(
                Document, case_id=known["case_id"], kind=DocumentKind.NOTICE, status=DocumentStatus.ISSUED, given={},
                created_by=known["second_officer"], created_at=now, authority_id=authority.id, year=2026, running=1,
                number=f"{authority.designator}告〔2026〕1号", title="拟处理告知书", object_id=stored.id,
                digest=hashlib.sha256(PAPER).digest(), size=len(PAPER), issued_by=known["second_officer"],
                issued_at=now,
            )
        )
    )  # fmt: skip


async def _people(add: Any, link: Any, known: dict[str, uuid.UUID], now: datetime) -> None:
    person, household = known["person_id"], known["household_id"]
    known["consent_id"] = await add(
        Consent, person_id=person, scope=ConsentScope.TEMPLATE, notice_version="v1", channel="paper", given_at=now
    )
    known["stay_id"] = await add(
        GuestStay, household_id=household, person_id=known["guardian_id"], valid_from=DAY, valid_to=LATER,
        relation="亲属", created_at=now,
    )  # fmt: skip
    known["worker_id"] = await add(
        ServiceWorker, person_id=known["guardian_id"], kind=WorkerKind.CARER, employer="测试单位", valid_from=DAY,
        created_at=now,
    )  # fmt: skip
    await link(WorkerHousehold, worker_id=known["worker_id"], household_id=household)
    known["tag_id"] = await add(
        CareTag, household_id=household, level=CareLevel.STANDARD, kind=CareKind.LONE_ELDER, valid_from=DAY
    )
    known["absence_id"] = await add(
        Absence, person_id=person, valid_from=DAY, valid_to=LATER, reason=AbsenceReason.TRAVEL, told_at=now
    )


async def _gate(add: Any, link: Any, known: dict[str, uuid.UUID], now: datetime, number: str) -> None:
    device = known["device_id"] = await add(
        GateDevice, name="测试门禁", vendor="hikvision", serial=new_id().hex, model="M", firmware="1",
        capture_mode=CaptureMode.SNAPSHOT, level=GateLevel.UNIT, unit_id=known["unit_id"], direction=Direction.IN,
        camera=True, exit_recorded=True, reports_strangers=True, profile={}, created_at=now,
    )  # fmt: skip
    known["token_id"] = await add(DeviceToken, device_id=device, token_hash=new_id().bytes, created_at=now)
    known["key_id"] = await add(
        WebhookKey, device_id=device, kind="secret", sealed=b"x", created_at=now, valid_from=now
    )
    await link(
        WebhookMessage, delivery_id=new_id(), device_id=device, key_id=known["key_id"], digest=b"x" * 32,
        received_at=now,
    )  # fmt: skip
    await link(DeviceContact, device_id=device, last_contact_at=now, last_event_at=now, last_heartbeat_at=now)
    known["outage_id"] = await add(DeviceOutage, device_id=device, reason="silence", began_at=now - timedelta(hours=2))
    known["credential_id"] = await add(
        Credential, kind="card", number_index=new_id().bytes, household_id=known["household_id"], valid_from=DAY
    )
    known["device_person_id"] = await add(
        DevicePerson, device_id=device, person_id=known["person_id"], number=number, has_face=True, since=now
    )
    delivery = known["delivery_id"] = await add(
        RawDelivery, received_at=now, device_id=device, protocol="isapi", content_type="application/json", body=b"{}",
        sealed=False, cutouts=[],
    )  # fmt: skip
    await link(RawPending, delivery_id=delivery, received_at=now, device_id=device, live=True, attempts=0)
    known["problem_id"] = await add(
        DeliveryProblem, device_id=device, delivery_id=delivery, received_at=now, parser="isapi/1", code="unreadable",
        detail="x", at=now,
    )  # fmt: skip
    event = known["event_id"] = await add(
        PassEvent, device_id=device, delivery_id=delivery, kind="pass", outcome="granted", credential_kind="face",
        direction="in", code="5/75", received_at=now, effective_at=now, effective_reason="device", replay=False,
        pictures=[], extra={},
    )  # fmt: skip
    pseudonym = known["pseudonym_id"] = await add(
        Pseudonym, number=1, engine="still", model_hash="0" * 16, faces=1, first_seen_at=now, last_seen_at=now
    )
    known["sighting_id"] = await add(
        Sighting, pass_event_id=event, device_id=device, seen_at=now - timedelta(minutes=1), band=Band.NO_MATCH,
        source=Source.FACE, pseudonym_id=pseudonym, unit_id=known["unit_id"], link_kind=LinkKind.UNIT_DOOR,
    )  # fmt: skip


async def _case(add: Any, known: dict[str, uuid.UUID], now: datetime, district: str) -> None:
    manager = known["second_officer"]

    async def opened(state: State) -> uuid.UUID:
        place = {"household_id": known["household_id"], "unit_id": known["unit_id"]}
        lead = await add(
            Lead, **place, source=LeadSource.HOTLINE, discrepancy_ids=[], summary_zh="测试线索", summary_en="A test",
            status=LeadStatus.ACCEPTED, created_at=now, created_by=manager, decided_at=now, decided_by=manager,
            decision_reason="受理", evidence={},
        )  # fmt: skip
        return uuid.UUID(
            str(
                await add(
                    Case, **place, lead_id=lead, number=f"{district}-2026-{1000 + lead.int % 9000}", state=state,
                    opened_by=manager, opened_at=now, version=1,
                )
            )
        )  # fmt: skip

    known["open_case_id"] = await opened(State.REGISTERED)
    case = known["case_id"] = await opened(State.NOTICE)
    known["step_id"] = await add(
        CaseStep, case_id=case, position=1, action=Action.REGISTER, from_state=State.LEAD, to_state=State.REGISTERED,
        actor_user_id=manager, actor_role="manager", certificate_number="ZF-0001", at=now, note="测试", details={},
    )  # fmt: skip
    known["evidence_id"] = await add(
        CaseEvidence, case_id=case, kind=EvidenceKind.GATE, source_kind="lead", source_id=known["lead_id"],
        description="测试", facts={}, added_by=manager, added_at=now,
    )  # fmt: skip
    known["review_id"] = await add(
        EvidenceReview, evidence_id=known["evidence_id"], admissible=True, checks={}, note="测试", reviewed_by=manager,
        reviewed_at=now,
    )  # fmt: skip
    known["measure_id"] = await add(
        Measure, case_id=case, kind=MeasureKind.NOTICE, number=f"made-{new_id()}", text="测试", legal_basis="测试",
        issued_by=manager, issued_at=ISSUED,
    )  # fmt: skip
    known["service_id"] = await add(
        Served, measure_id=known["measure_id"], method=ServiceMethod.DIRECT, received_by="承租人", served_at=now,
        effective_at=now, recorded_by=manager, recorded_at=now,
    )  # fmt: skip
    known["representation_id"] = await add(
        Representation, case_id=case, made_by="承租人", made_at=now, waived=False, nothing_more=False,
        points=[{"text": "测试", "reply": None, "replied_by": None, "replied_at": None}], recorded_by=manager,
        recorded_at=now,
    )  # fmt: skip
    known["deadline_id"] = await add(
        Deadline, case_id=case, kind="representation", starts_on=DAY.isoformat(), amount=5, unit="working_day",
        due_at=datetime(2026, 3, 9, 16, tzinfo=UTC), provisional=False, source="测试",
    )  # fmt: skip


async def _visit(add: Any, known: dict[str, uuid.UUID], now: datetime) -> None:
    inspector = known["assigned_to"]
    visit = known["visit_id"] = await add(
        Visit, household_id=known["household_id"], unit_id=known["unit_id"], kind=VisitKind.VERIFICATION,
        lead_id=known["lead_id"], case_id=known["case_id"], assigned_to=inspector,
        second_officer=known["second_officer"], due_at=now, status=VisitStatus.STARTED, result=VisitResult.MET,
        notice_left=False, created_by=known["second_officer"], created_at=now, started_at=now,
    )  # fmt: skip
    known["check_in_id"] = await add(
        CheckIn, visit_id=visit, user_id=inspector, body_digest=DIGEST, fixes=[], phone_time=now, received_at=now,
        grade="not_assessed", reasons=[],
    )  # fmt: skip
    known["occupant_id"] = await add(
        OccupantMet, visit_id=visit, body_digest=DIGEST, person_id=known["person_id"], recorded_by=inspector,
        recorded_at=now,
    )  # fmt: skip
    known["finding_id"] = await add(
        Finding, visit_id=visit, body_digest=DIGEST, outcome=Outcome.UNFOUNDED, statement="测试",
        recorded_by=inspector, recorded_at=now,
    )  # fmt: skip
