"""The values that a document is made from, and what of them is missing. Pure.

Nothing in here comes from a machine's suspicion: `facts` were found or written by an officer, and evidence is listed
only once a person has admitted it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from inspection.documents.vocabulary import NEEDS, DocumentKind, Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """发文机关. `review_body` and `court`: where its decisions are challenged; None until somebody has set them."""

    name: str
    address: str | None = None
    phone: str | None = None
    review_body: str | None = None
    court: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """An officer with 执法证号."""

    name: str
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A piece of admitted evidence; `digest`: SHA-256 of its record as hexadecimal."""

    kind: str
    text: str
    on: date
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A period: `amount` of `unit` (个工作日, 日, 个月), its last day if it began on `counted_from`.

    `provisional`: a holiday calendar that it needs is not published yet.
    """

    amount: int
    unit: str
    counted_from: date
    last_day: date
    provisional: bool

    @property
    def words(self) -> str:
        """`5个工作日`."""
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A document that this one refers to. `served_on`: from when it counts as served."""

    title: str
    number: str
    issued_on: date
    demands: str = ""
    served_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of the hearing of the person: each point with its answer, or why there is none."""

    points: Sequence[tuple[str, str]] = ()
    waived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFacts:
    """A visit that was done. `met`: how people described themselves; `photos`: (caption, digest)."""

    kind: str
    began_at: datetime
    ended_at: datetime
    result: str
    let_in_by: str | None
    notice_left: bool
    met: Sequence[str]
    finding: str | None
    notes: str | None
    photos: Sequence[tuple[str, str]]
    check_ins: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """A service that was recorded. `running`: (what, last day, how it is counted)."""

    method: str
    served_at: datetime
    effective_on: date
    received_by: str | None
    witness: str | None
    note: str | None
    photo_digest: str | None
    recorded_by: Signer
    running: Sequence[tuple[str, Term]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that a document of a case may say, on `today` (Asia/Shanghai). What is unknown is None or empty."""

    kind: DocumentKind
    today: date
    case_number: str
    address: str
    addressees: Sequence[str] = ()
    issuer: Issuer | None = None
    violation: str | None = None
    began_on: date | None = None
    facts: str | None = None
    evidence: Sequence[Proof] = ()
    legal_basis: str | None = None
    demands: str | None = None
    term: Term | None = None
    hearing: bool = False
    hearing_term: Term | None = None
    reconsideration: Term | None = None
    litigation: Term | None = None
    officers: Sequence[Signer] = ()
    decider: Signer | None = None
    heard: Heard | None = None
    earlier: Earlier | None = None
    closed_for: str | None = None
    visit: VisitFacts | None = None
    service: ServiceFacts | None = None
    replaces: str | None = None


def _said(text: str | None) -> bool:
    return bool(text and text.strip())


_THERE: Final[Mapping[Need, Callable[[Material], bool]]] = {
    Need.AUTHORITY: lambda m: m.issuer is not None,
    Need.ADDRESSEES: lambda m: any(_said(name) for name in m.addressees),
    Need.VIOLATION: lambda m: m.violation is not None,
    Need.FACTS: lambda m: _said(m.facts),
    Need.EVIDENCE: lambda m: bool(m.evidence),
    Need.LEGAL_BASIS: lambda m: _said(m.legal_basis),
    Need.DEMANDS: lambda m: _said(m.demands),
    Need.TERM: lambda m: m.term is not None,
    Need.HEARING_TERM: lambda m: not m.hearing or m.hearing_term is not None,
    Need.REMEDIES: lambda m: m.reconsideration is not None and m.litigation is not None,
    Need.COURT_AND_REVIEW: lambda m: m.issuer is None or (_said(m.issuer.review_body) and _said(m.issuer.court)),
    Need.TWO_OFFICERS: lambda m: len(set(m.officers)) >= 2,  # 行政处罚法 42
    Need.DECIDER: lambda m: m.decider is not None,
    Need.HEARD: lambda m: m.heard is not None,
    Need.DECISION: lambda m: m.earlier is not None,
    Need.DECISION_SERVED: lambda m: m.earlier is None or m.earlier.served_on is not None,
    Need.CLOSED_FOR: lambda m: _said(m.closed_for),
    Need.VISIT: lambda m: m.visit is not None,
    Need.SERVICE: lambda m: m.service is not None,
}


def missing(material: Material) -> tuple[Need, ...]:
    """Everything that a document of this kind needs and the material does not have, in a fixed order."""
    wanted = NEEDS[material.kind]
    return tuple(need for need in Need if need in wanted and not _THERE[need](material))
