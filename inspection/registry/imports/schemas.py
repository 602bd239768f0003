"""Imports as the API shows them."""

import uuid
from datetime import datetime

import msgspec

from inspection.registry.imports.models import ImportStatus, RegistryImport, RegistryImportIssue
from inspection.registry.imports.report import Count, Report, Severity


class ReportView(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says and would change, or has changed. `missing`: by kind, what a full list lacks.

    `register_changed`: the register changed between the confirmation and the import; it is to be confirmed again.
    """

    encoding: str
    rows: int
    acceptable: bool
    counts: dict[str, Count]
    missing: dict[str, int]
    issue_counts: dict[str, int]
    issues_left_off: int
    register_changed: bool


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """An import and how far it is: rows checked of all, then records applied of all."""

    id: uuid.UUID
    estate_id: uuid.UUID
    name: str
    sheet: str
    size: int
    full_list: bool
    create_units: bool
    status: ImportStatus
    rows_total: int
    rows_checked: int
    records_total: int
    records_applied: int
    report: ReportView | None
    created_by: uuid.UUID | None
    created_at: datetime
    confirmed_by: uuid.UUID | None
    confirmed_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: RegistryImport) -> "ImportView":
        """From the row."""
        return cls(
            id=row.id, estate_id=row.estate_id, name=row.name, sheet=row.sheet, size=row.size,
            full_list=row.full_list, create_units=row.create_units, status=ImportStatus(row.status),
            rows_total=row.rows_total, rows_checked=row.rows_checked, records_total=row.records_total,
            records_applied=row.records_applied, report=report_view(row), created_by=row.created_by,
            created_at=row.created_at, confirmed_by=row.confirmed_by, confirmed_at=row.confirmed_at,
            ended_at=row.ended_at,
        )  # fmt: skip


def report_view(row: RegistryImport) -> ReportView | None:
    """The report, once there is one."""
    if row.report is None:
        return None
    report = msgspec.convert(row.report, Report)
    return ReportView(
        encoding=report.encoding, rows=report.rows, acceptable=report.acceptable, counts=report.counts,
        missing=report.missing, issue_counts=report.issue_counts, issues_left_off=report.issues_left_off,
        register_changed=report.register_changed,
    )  # fmt: skip


class IssueView(msgspec.Struct, frozen=True, kw_only=True):
    """Something found in a file. `row` counts as a spreadsheet does, 0 is the file; `value` is masked."""

    position: int
    row: int
    column: str
    code: str
    severity: Severity
    value: str
    zh: str
    en: str

    @classmethod
    def of(cls, row: RegistryImportIssue) -> "IssueView":
        """From the row."""
        return cls(
            position=row.position, row=row.row, column=row.column, code=row.code, severity=Severity(row.severity),
            value=row.value, zh=row.zh, en=row.en,
        )  # fmt: skip
