"""What goes in and out about documents and issuing authorities."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from inspection.documents.models import Document, IssuingAuthority
from inspection.documents.vocabulary import TITLES, DocumentKind, DocumentStatus
from storage.fields import Text

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
Phone = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[0-9+()（） 、,-]+$")]
Basis = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=r"\S")]
Designator = Annotated[str, msgspec.Meta(min_length=1, max_length=20, pattern=r"^[^\s〔〕\[\]0-9]+$")]
Division = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$")]


class AuthorityInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An issuing authority; set again for the same division, it is changed.

    `designator`: 机关代字, such as 明住保; numbers already given keep theirs.
    """

    division_code: Division
    name: Line
    designator: Designator
    address: Line | None = None
    phone: Phone | None = None
    review_body: Line | None = None
    court: Line | None = None


class AuthorityView(msgspec.Struct, frozen=True, kw_only=True):
    """An issuing authority."""

    id: uuid.UUID
    division_code: str
    name: str
    designator: str
    address: str | None
    phone: str | None
    review_body: str | None
    court: str | None
    updated_at: datetime

    @classmethod
    def of(cls, row: IssuingAuthority) -> "AuthorityView":
        """From its row."""
        return cls(
            id=row.id, division_code=row.division_code, name=row.name, designator=row.designator, address=row.address,
            phone=row.phone, review_body=row.review_body, court=row.court, updated_at=row.updated_at,
        )  # fmt: skip


class DocumentInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft. Everything that is not told here comes from the case.

    `facts`: instead of what the officers' finding says. `hearing`: the intended measure is one that gives the right
    to a hearing (行政处罚法 63). `visit_id`: for a record of a visit; `service_id`: for a record of service;
    `replaces_id`: the void document that this one replaces.
    """

    kind: DocumentKind
    facts: Text | None = None
    demands: Text | None = None
    legal_basis: Basis | None = None
    hearing: bool = False
    visit_id: uuid.UUID | None = None
    service_id: uuid.UUID | None = None
    replaces_id: uuid.UUID | None = None


class VoidInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a document is void."""

    reason: Reason


class MissingView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a draft still lacks."""

    code: str
    zh: str
    en: str


class DocumentView(msgspec.Struct, frozen=True, kw_only=True):
    """A document. `sha256`: of its file, as hexadecimal, from its issue on."""

    id: uuid.UUID
    estate_id: uuid.UUID
    case_id: uuid.UUID
    kind: DocumentKind
    title: str
    status: DocumentStatus
    number: str | None
    year: int | None
    sha256: str | None
    size: int | None
    replaces_id: uuid.UUID | None
    created_by: uuid.UUID
    created_at: datetime
    issued_by: uuid.UUID | None
    issued_at: datetime | None
    void_reason: str | None
    voided_by: uuid.UUID | None
    voided_at: datetime | None

    @classmethod
    def of(cls, row: Document) -> "DocumentView":
        """From its row."""
        kind = DocumentKind(row.kind)
        return cls(
            id=row.id, estate_id=row.estate_id, case_id=row.case_id, kind=kind, title=row.title or TITLES[kind],
            status=DocumentStatus(row.status), number=row.number, year=row.year,
            sha256=None if row.digest is None else row.digest.hex(), size=row.size, replaces_id=row.replaces_id,
            created_by=row.created_by, created_at=row.created_at, issued_by=row.issued_by, issued_at=row.issued_at,
            void_reason=row.void_reason, voided_by=row.voided_by, voided_at=row.voided_at,
        )  # fmt: skip


class DocumentDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A document with what a draft still lacks, and from its issue on its text."""

    document: DocumentView
    missing: list[MissingView]
    text: str | None
