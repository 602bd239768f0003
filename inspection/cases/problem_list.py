"""The list of substantiated problems (问题（整改）清单) of the estates in scope: what people found, no suspicion."""

import calendar
import hashlib
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import list_queries
from inspection.cases.documents import VIOLATIONS, number_zh
from inspection.cases.periods import as_due
from inspection.cases.schemas import ProblemListInput
from inspection.cases.transitions import FINAL
from inspection.cases.vocabulary import LABELS, State, Violation
from inspection.documents import queries as document_queries
from inspection.documents.errors import ListTooLong
from inspection.documents.ledger import Item, page
from inspection.documents.ledger_sheet import workbook
from inspection.documents.rendering import in_pool, typeset
from inspection.documents.vocabulary import Audience, ListForm
from inspection.documents.wording import day
from inspection.registry.places.models import Estate
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.problems import NotFound

ROWS: Final = {ListForm.XLSX: 20_000, ListForm.PDF: 3_000}
TYPES: Final = {
    ListForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ListForm.PDF: "application/pdf",
}
SOURCES: Final = {
    "gate": "门禁线索", "visit": "入户走访", "patrol": "日常巡查", "data_match": "数据比对", "complaint": "投诉举报",
    "hotline": "12345热线", "petition": "信访", "audit": "审计", "spot_check": "抽查", "annual_review": "年审",
    "self_report": "自查申报",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A list as a file; `digest`: SHA-256 as hexadecimal."""

    name: str
    media_type: str
    data: bytes
    digest: str


async def export(session: AsyncSession, *, data: ProblemListInput, actor: Actor, now: datetime) -> Made:
    """Makes a list and writes down who took it, why, over what, and its hash.

    Raises `NotFound` for an estate out of scope and `ListTooLong`.
    """
    estates = {row.id: row for row in await list_queries.estates(session, data.estate_ids)}
    if set(data.estate_ids) - set(estates):
        raise NotFound
    limit = ROWS[data.form]
    found = await list_queries.substantiated(
        session, estate_ids=data.estate_ids, found_from=data.found_from, found_to=data.found_to, states=data.states,
        limit=limit + 1,
    )  # fmt: skip
    if len(found) > limit:
        raise ListTooLong(f"最多{limit}行", f"{limit} rows at most", limit=limit)
    items = await _items(session, found, estates, now)
    units = sorted({item.unit for item in items if item.unit})
    authority = units[0] if len(units) == 1 else ""
    today = local_day(now)
    told: dict[str, Any] = {
        "audience": data.audience, "authority": authority, "scope": _scope(data, estates), "made_on": today,
    }  # fmt: skip
    if data.form is ListForm.XLSX:
        made = await in_pool(lambda: workbook(items, **told))
    else:
        content = page(items, **told, stamp=calendar.timegm(today.timetuple()))
        made = await in_pool(lambda: typeset("ledger", content))
    digest = hashlib.sha256(made).hexdigest()
    record(
        session, at=now, actor=actor, action="problem-list.exported", object_kind="problem_list", object_id=None,
        estate_id=data.estate_ids[0] if len(data.estate_ids) == 1 else None, reason=data.reason, form=data.form.value,
        audience=data.audience.value, estate_ids=[str(one) for one in data.estate_ids],
        found_from=None if data.found_from is None else data.found_from.isoformat(),
        found_to=None if data.found_to is None else data.found_to.isoformat(),
        states=[state.value for state in data.states], rows=len(items), sha256=digest, size=len(made),
    )  # fmt: skip
    public = "（公开版）" if data.audience is Audience.PUBLIC else ""
    return Made(f"问题（整改）清单{public}-{today:%Y%m%d}.{data.form.value}", TYPES[data.form], made, digest)


def _scope(data: ProblemListInput, estates: dict[uuid.UUID, Estate]) -> str:
    names = "、".join(estates[one].name for one in data.estate_ids[:5]) or "辖区内全部小区"
    more = f"等{len(data.estate_ids)}个小区" if len(data.estate_ids) > 5 else ""
    since = day(data.found_from) if data.found_from else "不限"
    until = day(data.found_to) if data.found_to else "不限"
    states = "、".join(LABELS[state][0] for state in data.states) or "全部"
    return f"范围：{names}{more}　查实日期：{since}至{until}　状态：{states}"


async def _items(
    session: AsyncSession, found: Sequence[list_queries.Substantiated], estates: dict[uuid.UUID, Estate], now: datetime
) -> list[Item]:
    units: dict[str, str | None] = {}
    items: list[Item] = []
    for start in range(0, len(found), 1000):
        chunk = found[start : start + 1000]
        case_ids = [row.case.id for row in chunk]
        tenants: dict[uuid.UUID, list[str]] = defaultdict(list)
        for household_id, name in await list_queries.tenants(
            session, [row.case.household_id for row in chunk], on=local_day(now)
        ):
            tenants[household_id].append(name)
        orders = dict(await list_queries.newest_orders(session, case_ids))
        statements = dict(await list_queries.statements(session, case_ids))
        deadlines = {row.case_id: row for row in await list_queries.rectification(session, case_ids)}
        for row in chunk:
            case, estate = row.case, estates[row.case.estate_id]
            if estate.division_code not in units:
                authority = await document_queries.authority_for(session, division_code=estate.division_code)
                units[estate.division_code] = None if authority is None else authority.name
            deadline, state = deadlines.get(case.id), State(case.state)
            due = None if deadline is None else as_due(deadline)
            items.append(
                Item(
                    case_number=number_zh(case.number),
                    estate=estate.name,
                    address=f"{row.building}{row.entrance}{row.room_no}室",
                    tenants=tenants[case.household_id],
                    source=SOURCES[row.source],
                    violation=VIOLATIONS[Violation(case.violation or "")],
                    found=statements.get(case.id, ""),
                    found_on=local_day(row.found_at),
                    document=orders.get(case.id),
                    due_on=None if due is None else due.date,
                    state=LABELS[state][0],
                    settled=state is State.CLOSED,
                    overdue=bool(
                        due and due.is_over(now) and state not in FINAL and deadline and deadline.met_at is None
                    ),
                    ended_on=None if case.closed_at is None else local_day(case.closed_at),
                    unit=units[estate.division_code],
                    responsible=row.responsible,
                )
            )
    return items
