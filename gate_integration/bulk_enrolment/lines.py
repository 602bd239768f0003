"""Lines between their forms: a draft as a row, a row as the consent it states, remarks as the row keeps them."""

from collections.abc import Iterable
from typing import Any

from gate_integration.bulk_enrolment.consent_sheet import ConsentLine
from gate_integration.bulk_enrolment.gathering import Draft
from gate_integration.bulk_enrolment.models import LineState, PhotoImport, PhotoImportLine
from gate_integration.faces.reasons import Reason
from inspection.registry.consents.models import ConsentScope
from inspection.registry.consents.service import Channel
from storage.ids import new_id


def as_row(draft: Draft, row: PhotoImport, position: int) -> dict[str, object]:
    """A draft as the table holds it; the terms of a consent that gives nothing are left out."""
    stated = draft.consent if not draft.code else None
    return {
        "id": new_id(), "estate_id": row.estate_id, "import_id": row.id, "position": position,
        "row": draft.consent.row if draft.consent is not None else 0,
        "entry": draft.entry if not draft.code else None, "shown": draft.shown, "person_id": draft.person_id,
        "state": LineState.REFUSED if draft.code else LineState.UNCHECKED, "code": draft.code, "reasons": [],
        "resembles": [], "photo_digest": None,
        "scopes": sorted(str(scope) for scope in stated.yes) if stated else [],
        "refused_scopes": sorted(str(scope) for scope in stated.no) if stated else [],
        "signed_on": stated.signed_on if stated else None, "notice": stated.notice if stated else "",
        "channel": str(stated.channel) if stated else "", "guardian": stated.guardian if stated else "",
        "relation": stated.relation if stated else "", "paper": stated.paper if stated else "",
        "template_id": None, "done_at": None,
    }  # fmt: skip


def consent_of(line: PhotoImportLine) -> ConsentLine:
    """The consent that a line states."""
    return ConsentLine(
        row=line.row, number="", yes=frozenset(ConsentScope(scope) for scope in line.scopes),
        no=frozenset(ConsentScope(scope) for scope in line.refused_scopes), signed_on=line.signed_on,
        notice=line.notice, channel=Channel(line.channel), guardian=line.guardian, relation=line.relation,
        paper=line.paper,
    )  # fmt: skip


def remarks(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """Remarks of the quality check, as the row keeps them."""
    return [{"code": one.code, "zh": one.zh, "en": one.en, "refuses": one.refuses} for one in reasons]
