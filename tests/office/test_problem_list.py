"""The list of problems: what people found, as a sheet without formulas and as a page; nobody is named in public."""

import hashlib
import io
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from inspection.cases import problem_list
from inspection.cases.schemas import ProblemListInput
from inspection.cases.vocabulary import Action, State
from inspection.documents import ledger
from inspection.documents.errors import ListTooLong
from inspection.documents.ledger import COLUMNS, Item, Totals
from inspection.documents.ledger_sheet import workbook
from inspection.documents.rendering import typeset
from inspection.documents.vocabulary import Audience, ListForm
from inspection.visits.models import VisitKind
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database
from storage.ids import new_id
from storage.problems import NotFound
from storage.vault.service import Vault
from tests.office.paper import read, words
from tests.office.road import Road

TODAY = date(2026, 3, 31)


def item(**more: Any) -> Item:
    told: dict[str, Any] = {
        "case_number": "公租房案〔2026〕999999第0001号", "estate": "测试小区", "address": "1幢1单元101室",
        "tenants": ["测甲"], "source": "门禁线索", "violation": "转租公共租赁住房", "found": "屋内为租客居住",
        "found_on": date(2026, 3, 2), "document": "测住保责改〔2026〕1号", "due_on": date(2026, 3, 18), "state": "销号",
        "settled": True, "overdue": False, "ended_on": date(2026, 3, 20), "unit": "测试局", "responsible": "用户",
    }  # fmt: skip
    return Item(**(told | more))


def sheet(items: list[Item], audience: Audience = Audience.INTERNAL) -> Any:
    made = workbook(items, audience=audience, authority="测试局", scope="范围", made_on=TODAY)
    assert made == workbook(items, audience=audience, authority="测试局", scope="范围", made_on=TODAY)
    return openpyxl.load_workbook(io.BytesIO(made)).active


@pytest.mark.asvs("v5.0.0-1.1.2")
@pytest.mark.asvs("v5.0.0-1.3.3")
def test_no_cell_is_a_formula() -> None:
    hostile = ["=1+1", '=HYPERLINK("http://example.invalid","x")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1",
               "http://example.invalid", "007", "{=A1}"]  # fmt: skip
    made = sheet([item(found=text, tenants=[text], estate=text) for text in hostile])
    cells = [cell for row in made.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert all(cell.hyperlink is None for cell in cells)
    assert [made.cell(row=4 + index, column=8).value for index in range(len(hostile))] == [
        text.strip() for text in hostile
    ]


def test_the_sheet_is_laid_out_for_work() -> None:
    items = [item(), item(settled=False, overdue=True, ended_on=None, due_on=None, document=None, unit=None)]
    made = sheet(items)
    assert [cell.value for cell in made[3]] == [column.heading for column in COLUMNS]
    assert made.freeze_panes == "A4"
    assert made.auto_filter.ref == "A3:P5"
    assert made["I4"].value == datetime(2026, 3, 2)  # noqa: DTZ001 - a sheet's dates have no zone
    assert made["I4"].number_format == 'yyyy"年"m"月"d"日"'
    assert (made["K5"].value, made["M5"].value, made["N5"].value) == ("—", "—", "是")
    totals = {made.cell(row=row, column=2).value: made.cell(row=row, column=3).value for row in range(7, 11)}
    assert totals == {"合计": 2, "已整改到位（销号）": 1, "逾期": 1, "整改到位率": 0.5}
    assert made["C7"].number_format == '#,##0"件"'
    assert sheet([])["B5"].value == "合计"
    assert Totals.of([]).rate == 0.0


def test_the_public_list_leads_to_nobody() -> None:
    secret = item(tenants=["测秘密"], address="9幢9单元909室", found="秘密情况", responsible="某人")
    made = sheet([secret], Audience.PUBLIC)
    shown = " ".join(str(cell.value) for row in made.iter_rows() for cell in row)
    content = ledger.page([secret], audience=Audience.PUBLIC, authority="测试局", scope="范围", made_on=TODAY, stamp=0)
    for text in (shown, words(typeset("ledger", content))):
        assert "转租公共租赁住房" in text
        for hidden in ("测秘密", "909", "秘密情况", "某人", "第0001号"):
            assert hidden not in text


def test_the_page_lies_across_and_counts() -> None:
    items = [item(found="#set text(red)", due_on=None) for _ in range(60)]
    content = ledger.page(items, audience=Audience.INTERNAL, authority="", scope="范围：全部", made_on=TODAY, stamp=0)
    pdf = typeset("ledger", content)
    pages = read(pdf).pages
    assert pages[0].mediabox.width > pages[0].mediabox.height
    assert len(pages) > 1
    text = words(pdf)
    for said in ("问题（整改）清单", "#settext(red)", "合计60件", "整改到位率100.00%", "第2页", "2026年3月2日", "—"):
        assert said in text, said
    assert all(
        "序号" in "".join(page.extract_text().split()) for page in pages[:-1]
    )  # the heading stands on every page


@pytest.fixture
async def road(database: Database, vault: Vault, clock: SimulatedClock) -> Road:
    return await Road.make(database, vault, clock)


async def export(road: Road, **more: Any) -> problem_list.Made:
    async with road.transaction() as session:
        return await problem_list.export(
            session, data=ProblemListInput(reason="上报半月报", **more), actor=Actor.user(road.manager), now=road.now
        )


def rows(made: problem_list.Made) -> list[list[Any]]:
    found = openpyxl.load_workbook(io.BytesIO(made.data)).active
    assert found is not None
    listed = []
    for row in found.iter_rows(min_row=4, values_only=True):
        if row[0] is None:
            break
        listed.append(list(row))
    return listed


async def test_from_real_cases(road: Road) -> None:
    await road.to_rectifying()
    first = road.case_id
    road.wait(days=30)
    (row,) = rows(await export(road))
    assert row[4:7] == ["住户0", "门禁线索", "转租公共租赁住房"]
    assert "租金转账记录" in row[7]
    assert row[11:14] == ["整改中", "—", "是"]
    assert "责改〔2026〕" in row[9]
    assert row[14] == "测试区住房保障局"
    await road.accept(await road.gate_lead(flat=1))  # a lead that nobody has substantiated is no problem
    assert len(rows(await export(road))) == 1
    road.case_id = first
    await road.bring(proof=True)
    await road.step(Action.REPORT_COMPLETE, by=road.first)
    await road.step(Action.START_FOLLOW_UP, by=road.other)
    await road.visit("rectified", kind=VisitKind.FOLLOW_UP, officers=(road.other, road.second))
    await road.step(Action.CLOSE, reason="回访确认整改到位")
    (row,) = rows(await export(road, states=[State.CLOSED], estate_ids=[road.world.estate_id]))
    assert (row[11], row[13]) == ("销号", "否")
    assert rows(await export(road, states=[State.RECTIFYING])) == []
    found_on = row[8].date()
    assert len(rows(await export(road, found_from=found_on, found_to=found_on))) == 1
    assert rows(await export(road, found_from=found_on + timedelta(days=1))) == []
    assert rows(await export(road, found_to=found_on - timedelta(days=1))) == []
    assert len(rows(await export(road, found_from=date.min, found_to=date.max))) == 1


async def test_a_list_is_written_down_with_its_hash_and_reason(road: Road) -> None:
    await road.to_substantiated()
    made = await export(road, form=ListForm.PDF, audience=Audience.PUBLIC, estate_ids=[road.world.estate_id])
    assert made.name.endswith(".pdf")
    assert "公开版" in made.name
    async with road.transaction() as session:
        audited = await session.scalar(
            select(AuditEntry).where(AuditEntry.action == "problem-list.exported").order_by(AuditEntry.id.desc())
        )
    assert audited is not None
    assert audited.reason == "上报半月报"
    assert audited.payload["sha256"] == hashlib.sha256(made.data).hexdigest() == made.digest
    assert audited.payload["rows"] == 1
    with pytest.raises(NotFound):
        await export(road, estate_ids=[road.world.estate_id, new_id()])


async def test_a_list_has_an_end(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    await road.to_substantiated()
    monkeypatch.setitem(problem_list.ROWS, ListForm.XLSX, 0)
    with pytest.raises(ListTooLong):
        await export(road)
