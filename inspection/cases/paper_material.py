"""What a document of a case is made from, gathered from the rows. A machine's words are never among it."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import documents as words
from inspection.cases import facts, periods, queries
from inspection.cases.calendar import from_rules, length
from inspection.cases.deadlines import DeadlineKind, Unit, due
from inspection.cases.models import Case, CaseEvidence, Deadline, EvidenceReview, Measure, Service
from inspection.cases.schemas import MeasureKind, ServiceMethod
from inspection.cases.vocabulary import Action, EvidenceKind, State, Violation
from inspection.documents import queries as document_queries
from inspection.documents.material import (
    Earlier,
    Heard,
    Issuer,
    Material,
    Proof,
    ServiceFacts,
    Signer,
    Term,
    VisitFacts,
)
from inspection.documents.models import Document, IssuingAuthority
from inspection.documents.vocabulary import TITLES, DocumentKind, DocumentStatus
from inspection.documents.wording import line
from inspection.registry.places.models import Estate
from inspection.users.authority import Officer, officers_at
from inspection.visits import queries as visit_queries
from inspection.visits.models import CheckIn, Finding, OccupantMet, Photo, Visit, VisitStatus
from storage.clock import local_day
from storage.objects.models import StoredObject
from storage.rules.service import in_force

K = DocumentKind
SERVED_WITH = {MeasureKind.NOTICE: Action.OPEN_REPRESENTATION, MeasureKind.ORDER: Action.START_RECTIFYING}
"""Which step, and so which periods, the service of a document opens."""


async def gather(
    session: AsyncSession, *, case: Case, kind: DocumentKind, given: Mapping[str, Any], replaces: str | None,
    officer: Officer, now: datetime,
) -> tuple[Material, IssuingAuthority | None]:  # fmt: skip
    """The material of a document of a case and the authority that issues it, as things stand at `now`."""
    estate = await session.get_one(Estate, case.estate_id)
    values = (await in_force(session, division_code=estate.division_code, on=local_day(now))).values
    authority = await document_queries.authority_for(session, division_code=estate.division_code)
    rows = await facts.known(session, case)
    violation = None if case.violation is None else Violation(case.violation)
    supporting = rows.supporting(violation) if violation else []
    today, earlier = local_day(now), await _earlier(session, rows, kind, given)

    def term(deadline: DeadlineKind) -> Term:
        amount, unit, _ = length(deadline, values)
        end = due(today, amount, unit, from_rules(values))
        return Term(
            amount=amount, unit=words.UNITS[unit], counted_from=today, last_day=end.date, provisional=end.provisional
        )

    visit, at_the_visits = await _visit(session, rows, kind, given)
    people = at_the_visits or {user_id for found, _ in supporting for user_id in rows.certified(found)}
    return Material(
        kind=kind,
        today=today,
        case_number=words.number_zh(case.number),
        address=await queries.address(session, case.unit_id),
        addressees=await queries.tenants(session, household_id=case.household_id, on=today),
        issuer=_issuer(authority),
        violation=None if violation is None else words.VIOLATIONS[violation],
        began_on=None if case.began_on is None else date.fromisoformat(case.began_on),
        facts=given.get("facts") or (supporting[-1][1].statement if supporting else None),
        evidence=await _evidence(session, rows, dict(supporting)),
        legal_basis=given.get("legal_basis") or words.articles(kind, violation),
        demands=words.demands(kind, given) or (earlier.demands if earlier else None),
        term=term(words.TERMS[kind]) if kind in words.TERMS else None,
        hearing=bool(given.get("hearing")),
        hearing_term=term(DeadlineKind.HEARING_REQUEST),
        reconsideration=term(DeadlineKind.RECONSIDERATION),
        litigation=term(DeadlineKind.LITIGATION),
        officers=[_signer(rows.officers[user_id]) for user_id in sorted(people, key=lambda one: _number(rows, one))],
        decider=_signer(officer) if officer.certificate_number else None,
        heard=_heard(rows),
        earlier=earlier,
        closed_for=_closed_for(case, rows),
        visit=visit,
        service=await _service(session, case, rows, given, values),
        replaces=replaces,
    ), authority


def _number(rows: facts.Known, user_id: uuid.UUID) -> str:
    return rows.officers[user_id].certificate_number or ""


def _signer(officer: Officer) -> Signer:
    return Signer(name=officer.name, certificate=officer.certificate_number or "")


def _issuer(row: IssuingAuthority | None) -> Issuer | None:
    if row is None:
        return None
    return Issuer(name=row.name, address=row.address, phone=row.phone, review_body=row.review_body, court=row.court)


def _heard(rows: facts.Known) -> Heard | None:
    """What the person said and what was answered; None until a person has reviewed it."""
    if all(step.action != Action.REVIEW for step in rows.steps):
        return None
    spoken = rows.spoken()
    return Heard(
        points=[(point["text"], point["reply"] or "") for row in spoken for point in row.points],
        waived=any(row.waived or row.nothing_more for row in spoken),
    )


def _closed_for(case: Case, rows: facts.Known) -> str | None:
    follow_up, last = rows.follow_up(), rows.steps[-1]
    if case.state != State.CLOSED or follow_up is None:
        return None
    return f"{last.note or ''}\n{follow_up[1].statement}"


async def _evidence(session: AsyncSession, rows: facts.Known, supporting: Mapping[Visit, Finding]) -> list[Proof]:
    """The admitted evidence; of a machine's record it is told who admitted it and why, not what the machine thought."""
    items = rows.against()
    reviews = await queries.newest_reviews(session, [item.id for item in items])
    findings = {visit.id: finding for visit, finding in supporting.items()}
    proofs = []
    for item in items:
        if item.kind == EvidenceKind.VISIT and item.source_id not in findings:
            continue
        finding = findings.get(item.source_id) if item.source_id else None
        photos = [] if finding is None else await visit_queries.sent_of_visit(session, Photo, finding.visit_id)
        text = words.admitted(reviews[item.id].note) if facts.needs_checks(item) else item.description
        proofs.append(
            Proof(
                kind=words.KINDS[EvidenceKind(item.kind)],
                text=f"{text}（照片{len(photos)}张）" if photos else text,
                on=local_day(item.added_at),
                digest=_digest(item, finding, photos, reviews.get(item.id)),
            )
        )
    return proofs


def _digest(item: CaseEvidence, finding: Finding | None, photos: Sequence[Photo], review: EvidenceReview | None) -> str:
    """SHA-256 over the record of a piece of evidence with everything that it rests on."""
    record = {
        "id": item.id, "kind": item.kind, "source_kind": item.source_kind, "source_id": item.source_id,
        "description": item.description, "facts": item.facts, "added_at": item.added_at.isoformat(),
        "finding": None if finding is None else finding.body_digest.hex(),
        "photos": [photo.body_digest.hex() for photo in photos],
        "review": None if review is None else {"id": review.id, "checks": review.checks, "note": review.note},
    }  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(record, order="deterministic")).hexdigest()


async def _earlier(
    session: AsyncSession, rows: facts.Known, kind: DocumentKind, given: Mapping[str, Any]
) -> Earlier | None:
    """The document that one of this kind refers to."""
    if kind is K.RECEIPT:
        service = next((row for row in rows.services if str(row.id) == given.get("service_id")), None)
        measure = next((row for row in rows.measures if service is not None and row.id == service.measure_id), None)
        return None if measure is None else await _of_measure(session, measure)
    if kind not in {K.DEMAND, K.CLOSURE}:
        return None
    orders = [
        paper for paper in rows.papers
        if paper.kind in {K.ORDER, K.RETURN_ORDER} and paper.status == DocumentStatus.ISSUED
    ]  # fmt: skip
    if not orders:
        return None
    newest = orders[-1]
    served = [row for row in rows.services if row.measure_id in {m.id for m in rows.measures_of(newest)}]
    return _refer(newest, served[0] if served else None)


async def _of_measure(session: AsyncSession, measure: Measure) -> Earlier:
    paper = None if measure.document_id is None else await document_queries.document(session, measure.document_id)
    if paper is not None:
        return _refer(paper, None)
    return Earlier(
        title=words.MEASURES[MeasureKind(measure.kind)], number=measure.number, issued_on=local_day(measure.issued_at)
    )


def _refer(paper: Document, service: Service | None) -> Earlier:
    kind = DocumentKind(paper.kind)
    return Earlier(
        title=paper.title or TITLES[kind],
        number=paper.number or "",
        issued_on=local_day(paper.issued_at or paper.created_at),
        demands=words.demands(kind, paper.given) or "",
        served_on=None if service is None else local_day(service.effective_at),
    )


async def _visit(
    session: AsyncSession, rows: facts.Known, kind: DocumentKind, given: Mapping[str, Any]
) -> tuple[VisitFacts | None, frozenset[uuid.UUID]]:
    """The visit that a record is about, and who was there with a certificate."""
    visit = next((row for row in rows.visits if str(row.id) == given.get("visit_id")), None)
    if kind is not K.VISIT_RECORD or visit is None or visit.status != VisitStatus.DONE:
        return None, frozenset()
    if visit.started_at is None or visit.done_at is None or visit.result is None:
        return None, frozenset()
    finding = rows.findings.get(visit.id)
    there = await visit_queries.sent_of_visit(session, CheckIn, visit.id)
    names = await officers_at(session, user_ids=frozenset(row.user_id for row in there), estate_id=visit.estate_id)
    met = await visit_queries.sent_of_visit(session, OccupantMet, visit.id)
    people = await queries.names(session, [row.person_id for row in met if row.person_id])
    return VisitFacts(
        kind=words.VISIT_KINDS[visit.kind],
        began_at=visit.started_at,
        ended_at=visit.done_at,
        result=words.VISIT_RESULTS[visit.result],
        let_in_by=visit.let_in_by,
        notice_left=visit.notice_left,
        met=[_met(row, people) for row in met],
        finding=None if finding is None else finding.statement,
        notes=visit.notes,
        photos=[
            (row.caption or "", row.body_digest.hex())
            for row in await visit_queries.sent_of_visit(session, Photo, visit.id)
        ],
        check_ins=[f"{names[row.user_id].name}：定位等级 {row.grade}" for row in there if row.user_id in names],
    ), rows.certified(visit)


def _met(row: OccupantMet, people: Mapping[uuid.UUID, str]) -> str:
    who = people.get(row.person_id, "登记人员") if row.person_id else line(row.described_as or "未说明身份的人员")
    lives = {True: "称在此居住", False: "称不在此居住", None: "是否居住未说明"}[row.lives_here]
    return "；".join(part for part in (who, lives, row.since, row.statement) if part)


async def _service(
    session: AsyncSession, case: Case, rows: facts.Known, given: Mapping[str, Any], values: Mapping[str, Any]
) -> ServiceFacts | None:
    """The service that a record is about, with the periods that run from it."""
    service = next((row for row in rows.services if str(row.id) == given.get("service_id")), None)
    if service is None:
        return None
    found = await officers_at(session, user_ids=frozenset({service.recorded_by}), estate_id=case.estate_id)
    photo = None if service.photo_object_id is None else await session.get(StoredObject, service.photo_object_id)
    measure = next(row for row in rows.measures if row.id == service.measure_id)
    kind = MeasureKind(measure.kind)
    running = periods.starting(
        SERVED_WITH[kind], served_at=service.effective_at, recorded_at=service.recorded_at, now=service.recorded_at,
        values=values,
    ) if kind in SERVED_WITH else []  # fmt: skip
    by = found.get(service.recorded_by)
    return ServiceFacts(
        method=words.METHODS[ServiceMethod(service.method)],
        served_at=service.served_at,
        effective_on=local_day(service.effective_at),
        received_by=service.received_by,
        witness=service.witness,
        note=service.note,
        photo_digest=None if photo is None else await queries.photo_digest(session, object_id=photo.id),
        recorded_by=Signer(name=by.name if by else "", certificate=(by.certificate_number or "") if by else ""),
        running=[(words.PERIODS[name], _term(row)) for name, row in running],
    )


def _term(row: Deadline) -> Term:
    return Term(
        amount=row.amount, unit=words.UNITS[Unit(row.unit)], counted_from=date.fromisoformat(row.starts_on),
        last_day=periods.as_due(row).date, provisional=row.provisional,
    )  # fmt: skip
