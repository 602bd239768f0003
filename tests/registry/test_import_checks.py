"""Reading and checking a register's file, without a database: every code, every encoding, any bytes."""

import uuid
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspection.registry.imports.checker import Stated
from inspection.registry.imports.headings import ALIASES, Column, column_of
from inspection.registry.imports.known import Known, KnownHousehold, KnownLease, KnownMember, KnownPerson, KnownUnit
from inspection.registry.imports.plan import Indexes, Plan, plan
from inspection.registry.imports.reader import MOST_ROWS, read
from inspection.registry.imports.report import MOST_ISSUES_KEPT, Report, Severity, issue, shown
from inspection.registry.imports.values import read_date
from tests.ids import make_test_number
from tests.registry.sheets import HEADINGS, adult, child, row, sheet

TODAY = date(2026, 3, 2)
INDEXES = Indexes(id_number=lambda n: f"id/{n}".encode(), phone=lambda n: f"phone/{n}".encode(), new_id=uuid.uuid4)


def run(content: bytes, *, known: Known | None = None, create_units: bool = True) -> Plan:
    table, stated = read(content), Stated()
    for raw in table.rows:
        stated.take(raw, today=TODAY)
    stated.issues += table.issues
    return plan(stated, known or Known(), indexes=INDEXES, create_units=create_units, today=TODAY)


def codes(found: Plan) -> set[tuple[str, int, str]]:
    return {(i.code, i.row, i.column) for i in found.issues}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_a_sound_file_in_each_encoding(encoding: str) -> None:
    found = run(sheet([row(1), row(2)], encoding=encoding))
    assert found.issues == []
    assert {kind: count.new for kind, count in found.counts.items()} == dict.fromkeys(
        ("units", "households", "people", "members", "leases"), 2
    )
    assert found.new_people[0].name == "测试甲"


BAD_ID = make_test_number(birth=date(1990, 1, 1), sequence=5)
BAD_ID = BAD_ID[:-1] + ("0" if BAD_ID[-1] != "0" else "1")

ONE_ROW_CASES = [
    ({"身份证号": BAD_ID}, "id-check-digit", "身份证号"),
    ({"身份证号": "9.99999E+17"}, "id-rounded", "身份证号"),
    ({"身份证号": "123"}, "id-length", "身份证号"),
    ({"身份证号": ""}, "missing-value", "身份证号"),
    ({"姓名": ""}, "missing-value", "姓名"),
    ({"姓名": "甲" * 201}, "too-long", "姓名"),
    ({"户号": ""}, "missing-value", "户号"),
    ({"户号": "9" * 65}, "too-long", "户号"),
    ({"角色": "房东"}, "unknown-role", "角色"),
    ({"角色": ""}, "missing-value", "角色"),
    ({"保障方式": "赠与"}, "unknown-kind", "保障方式"),
    ({"手机号": "12345"}, "bad-phone", "手机号"),
    ({"合同起": "2025-02-30"}, "bad-date", "合同起"),
    ({"合同起": ""}, "missing-value", "合同起"),
    ({"合同编号": ""}, "missing-value", "合同编号"),
    ({"合同止": "2024-12-31"}, "bad-period", "合同止"),
    ({"入住日期": "昨天"}, "bad-date", "入住日期"),
    ({"入住日期": "1850-01-01"}, "bad-date", "入住日期"),
    ({"离开日期": "2025-01-01"}, "bad-period", "离开日期"),
    ({"楼层": "一"}, "bad-number", "楼层"),
    ({"最多居住人数": "0"}, "bad-number", "最多居住人数"),
    ({"楼层": ""}, "missing-value", "楼层"),
    ({"房源编号": "", "单元": ""}, "missing-value", "房源编号"),
    ({"姓名": "甲\x07"}, "bad-characters", "姓名"),
    ({"身份证号": child(1)}, "child-without-guardian", "监护人身份证号"),
    ({"身份证号": child(1), "监护人身份证号": adult(7)}, "unknown-guardian", "监护人身份证号"),
    ({"身份证号": child(1), "监护人身份证号": child(1)}, "unknown-guardian", "监护人身份证号"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "code", "column"), ONE_ROW_CASES)
def test_one_wrong_cell_is_found_in_its_place(changed: dict[str, str], code: str, column: str) -> None:
    found = run(sheet([row(1), row(2, **changed)]))
    assert (code, 3, column) in codes(found)
    report = Report(encoding="utf-8", rows=2)
    report.add(found.issues)
    assert not report.acceptable


def test_units_must_exist_unless_they_may_be_made() -> None:
    assert ("unknown-unit", 2, "房源编号") in codes(run(sheet([row(1)]), create_units=False))
    assert ("unknown-unit", 2, "房号") in codes(run(sheet([row(1, 房源编号="")]), create_units=False))


@pytest.mark.asvs("v5.0.0-2.2.3")
def test_code_and_address_belong_together() -> None:
    assert ("unit-differs", 3, "房源编号") in codes(run(sheet([row(1), row(2, 房号="101")])))
    assert ("unit-differs", 3, "楼层") in codes(run(sheet([row(1), row(1, 楼层="7", 身份证号=adult(2))])))
    assert ("unit-differs", 3, "房源编号") in codes(
        run(sheet([row(1), row(1, 房号="909", 身份证号=adult(2), 合同编号="", 合同起="", 合同止="")]))
    )


def test_two_leases_on_one_unit() -> None:
    second = row(2, 房源编号="F00001", 房号="101")
    assert ("unit-already-let", 3, "合同编号") in codes(run(sheet([row(1), second])))
    assert run(sheet([row(1, 合同止="2025-12-31"), second | {"合同起": "2026-01-01"}])).issues == []


def test_one_lease_number_says_one_thing() -> None:
    assert ("lease-differs", 3, "合同编号") in codes(run(sheet([row(1), row(2, 合同编号="HT00001")])))


def test_a_lease_needs_a_unit() -> None:
    nowhere = row(1, 楼栋="", 单元="", 房号="", 房源编号="")
    assert ("missing-value", 2, "房源编号") in codes(run(sheet([nowhere])))


def test_rent_subsidy_needs_no_unit_and_no_lease() -> None:
    nowhere = row(1, 楼栋="", 单元="", 房号="", 房源编号="", 合同编号="", 合同起="", 合同止="", 保障方式="租赁补贴")
    assert run(sheet([nowhere])).issues == []
    assert ("missing-value", 2, "入住日期") in codes(run(sheet([nowhere | {"入住日期": ""}])))


def test_a_person_is_registered_once_at_a_time() -> None:
    number = adult(3)
    twice = [row(1, 身份证号=number), row(1, 身份证号=number)]
    assert ("duplicate-person", 3, "身份证号") in codes(run(sheet(twice)))
    two_homes = [row(1, 身份证号=number), row(2, 身份证号=number, 手机号="")]
    assert ("duplicate-person", 3, "身份证号") in codes(run(sheet(two_homes)))
    moved = [row(1, 身份证号=number, 离开日期="2025-06-30"), row(2, 身份证号=number, 手机号="", 入住日期="2025-07-01")]
    assert run(sheet(moved)).issues == []
    named = [row(1, 身份证号=number), row(2, 身份证号=number, 姓名="测试乙", 监护人身份证号=adult(9))]
    assert {("person-differs", 3, "姓名"), ("person-differs", 3, "手机号")} <= codes(run(sheet(named)))
    guarded = [named[0] | {"监护人身份证号": adult(8)}, named[1]]
    assert ("person-differs", 3, "监护人身份证号") in codes(run(sheet(guarded)))


def test_guardians_are_known_adults() -> None:
    parent, kid = row(1), row(1, 角色="共同居住人", 身份证号=child(2), 手机号="")
    good = run(sheet([kid | {"监护人身份证号": parent["身份证号"]}, parent]))
    assert good.issues == []
    guardian = next(p for p in good.new_people if p.index == INDEXES.id_number(parent["身份证号"]))
    assert next(p for p in good.new_people if p.guardian_id).guardian_id == guardian.id
    young = row(1, 角色="共同居住人", 身份证号=make_test_number(birth=date(2010, 1, 1)), 手机号="")
    found = run(sheet([parent, young, kid | {"监护人身份证号": young["身份证号"]}]))
    assert ("guardian-too-young", 4, "监护人身份证号") in codes(found)


def test_too_many_people_is_a_warning() -> None:
    family = [row(1)] + [
        row(1, 角色="共同居住人", 身份证号=adult(n), 手机号="", 合同编号="", 合同起="", 合同止="") for n in (1, 2, 3)
    ]
    found = run(sheet(family))
    assert codes(found) == {("too-many-people", 2, "户号")}
    report = Report(encoding="utf-8", rows=4)
    report.add(found.issues)
    assert report.acceptable


def test_a_household_is_assisted_in_one_way() -> None:
    other = row(1, 身份证号=adult(1), 保障方式="租赁补贴", 手机号="")
    assert ("household-differs", 3, "保障方式") in codes(run(sheet([row(1), other])))


def test_the_register_counts_as_much_as_the_file() -> None:
    ids = [uuid.uuid4() for _ in range(6)]
    unit = KnownUnit(ids[0], "F00001", "1幢", "1单元", "101", 1, 3)
    known = Known(
        units=[unit],
        households=[KnownHousehold(ids[1], "OLD", "in_kind")],
        people=[KnownPerson(ids[2], INDEXES.id_number(adult(1)), "测试甲", None, None, None)],
        members=[KnownMember(ids[3], ids[1], ids[2], "tenant", date(2020, 1, 1), None)],
        leases=[KnownLease(ids[4], "OLD-1", ids[1], ids[0], date(2020, 1, 1), None)],
    )
    found = codes(run(sheet([row(1, 身份证号=adult(1))]), known=known))
    assert {("unit-already-let", 2, "合同编号"), ("duplicate-person", 2, "身份证号")} <= found
    moved = codes(run(sheet([row(1, 身份证号=adult(1), 合同编号="OLD-1")]), known=known))
    assert ("lease-differs", 2, "合同编号") in moved
    ends = [row(1, 户号="OLD", 身份证号=adult(1), 合同编号="OLD-1", 合同起="2020-01-01", 合同止="2024-12-31",
                入住日期="", 离开日期="2024-12-31"), row(1, 身份证号=adult(2), 手机号="")]  # fmt: skip
    later = run(sheet(ends), known=known)
    assert later.issues == []
    assert (later.counts["leases"].changed, later.counts["members"].changed) == (1, 1)
    backwards = sheet([row(1, 户号="OLD", 身份证号=adult(1), 合同编号="", 合同起="", 合同止="", 入住日期="",
                           离开日期="2019-01-01")])  # fmt: skip
    assert ("bad-period", 2, "离开日期") in codes(run(backwards, known=known))


@pytest.mark.parametrize("missing", ["户号", "角色", "姓名", "身份证号"])
def test_a_missing_heading(missing: str) -> None:
    found = run(sheet([row(1)], headings=[h for h in HEADINGS if h != missing]))
    assert codes(found) == {("missing-heading", 1, missing)}


def test_a_unit_is_headed_by_code_or_by_address() -> None:
    assert run(sheet([row(1)], headings=[h for h in HEADINGS if h != "楼层"])).issues != []
    without = [h for h in HEADINGS if h not in {"房源编号", "房号"}]
    assert codes(run(sheet([row(1)], headings=without))) == {("missing-heading", 1, "房源编号")}


@pytest.mark.parametrize(
    ("content", "code", "at"),
    [
        (b"", "empty-file", 0),
        (b"\xef\xbb\xbf \r\n", "empty-file", 0),
        (b"\xff\xfe\x00a", "unknown-encoding", 0),
        (b"\xff\xff\xff\xff", "unknown-encoding", 0),
        (sheet([]), "no-rows", 0),
        (sheet([row(1)]) + b'"' + b"x" * 200_000, "bad-csv", 3),
        (sheet([row(1)], headings=[*HEADINGS, "户号"]), "duplicate-heading", 1),
        (sheet([row(1)], headings=[*HEADINGS, "备注"]), "unknown-heading", 1),
        (sheet([row(1)]) + b"," * 30 + b"x\r\n", "too-many-cells", 3),
    ],
)  # fmt: skip
def test_the_form_of_the_file(content: bytes, code: str, at: int) -> None:
    assert (code, at) in {(c, r) for c, r, _ in codes(run(content))}


def test_very_long_files_come_in_parts() -> None:
    lines = sheet([row(1)]).splitlines(keepends=True)
    found = read(lines[0] + lines[1] * (MOST_ROWS + 5))
    assert sum(1 for _ in found.rows) == MOST_ROWS
    assert [i.code for i in found.issues] == ["too-many-rows"]


def test_headings_have_many_names() -> None:
    for column, names in ALIASES.items():
        assert {column_of(name) for name in names} == {column}
    assert column_of(" * 身份证号（必填） ") is Column.ID_NUMBER
    assert column_of("姓 名") is Column.NAME
    assert column_of("备注") is None


def test_aliases_semicolons_and_wide_digits() -> None:
    text = "房屋编号;户编号;身份;人员姓名;公民身份号码;入住时间\nF１;B１;户主;甲;'" + adult(1) + ";２０２５年１月５日\n"
    known = Known(units=[KnownUnit(uuid.uuid4(), "F1", "1幢", "1单元", "101", 1, 3)])
    found = run(text.encode("gb18030"), known=known, create_units=False)
    assert found.issues == []
    assert found.new_members[0].valid_from == date(2025, 1, 5)
    assert found.counts["units"].unchanged == 1


@pytest.mark.parametrize(
    "text", ["2026-03-01", "2026/3/1", "2026.03.1", "2026年3月1日", "20260301", "2026-3-1 0:00:00"]
)
def test_dates_as_people_type_them(text: str) -> None:
    assert read_date(text) == date(2026, 3, 1)


def test_reports_show_no_number_in_clear() -> None:
    number = adult(4)
    for column in (*Column, "备注"):
        for text in (number, f" {number[:6]} {number[6:]} ", "13912345678", f"甲{number}"):
            value = shown(column, text)
            assert number not in value.replace(" ", "")
            assert number[6:14] not in value
            assert "13912345678" not in value
    assert shown(Column.NAME, "测试甲") == "测**"
    assert shown(Column.BUILDING, "") == ""
    assert shown(Column.BUILDING, "楼" * 50).endswith("…")
    assert shown(Column.LEASE_FROM, "2026-13-01") == "2026-13-01"


def test_a_report_is_bounded() -> None:
    report = Report(encoding="utf-8", rows=1)
    report.add(issue("bad-date", n, Column.LEASE_FROM) for n in range(MOST_ISSUES_KEPT + 10))
    assert len(report.issues) == MOST_ISSUES_KEPT
    assert report.issues_left_off == 10
    assert report.issue_counts == {"bad-date": MOST_ISSUES_KEPT + 10}


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered(content: bytes) -> None:
    run(content)


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", adult(1), adult(2), child(1), BAD_ID, "承租人", "2025-01-01", "2024-02-30", "F1", "F2", "3"]),
)


@settings(max_examples=150)
@given(
    st.lists(st.lists(CELLS, min_size=len(HEADINGS), max_size=len(HEADINGS)), max_size=6),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
)
def test_any_cells_are_answered_and_no_number_is_shown(rows: list[list[str]], encoding: str) -> None:
    cells = [dict(zip(HEADINGS, [c.encode(encoding, "ignore").decode(encoding) for c in r], strict=True)) for r in rows]
    found = run(sheet(cells, encoding=encoding))
    assert all(number not in i.value for i in found.issues for number in (adult(1), adult(2), child(1), BAD_ID))
    assert all(i.severity in Severity for i in found.issues)
