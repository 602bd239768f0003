"""Whom an entry on a terminal may mean: reasons, points, levels; and exports of terminals as entries."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_integration.terminal_people.columns import Entry, Field, NoHeadings, guess, read_export
from gate_integration.terminal_people.matching import (
    MOST,
    WORDS,
    Asked,
    Candidate,
    Matcher,
    Register,
    Registered,
    Why,
    at_home,
    same,
)
from gate_integration.terminal_people.models import Level
from inspection.registry.exports.sheets import csv_file, xlsx_file

A, B, C, D = (uuid.UUID(int=n) for n in range(1, 5))
HOME = (("1幢", "1单元", "101"),)
REGISTER = Register(
    people={
        A: Registered("测试甲", here=True, addresses=HOME),
        B: Registered("测试乙", here=True, addresses=HOME),
        C: Registered("测试丙", here=True, addresses=(("2幢", "1单元", "1101"),)),
        D: Registered("测试丙", here=False),
    },
    own_cards={b"a": A, b"gone": uuid.UUID(int=9)},
    household_cards={b"h": {A, B}},
    id_numbers={b"n": C},
    elsewhere={"15": {B}},
    mapped={"77": A},
)
MATCHER = Matcher(REGISTER)


def best(asked: Asked) -> tuple[Level, Candidate | None]:
    found = MATCHER.propose(asked)
    return found.level, found.candidates[0] if found.candidates else None


@pytest.mark.parametrize(
    ("asked", "level", "who", "reasons"),
    [
        (Asked("1", "测试甲", b"a"), Level.EXACT, A, {Why.OWN_CARD, Why.NAME}),
        (Asked("1", "测 试甲", b"h"), Level.EXACT, A, {Why.HOUSEHOLD_CARD, Why.NAME}),
        (Asked("1", "测试甲", b"h", place="1幢101室"), Level.EXACT, A, {Why.HOUSEHOLD_CARD, Why.NAME, Why.ADDRESS}),
        (Asked("1", "", b"a"), Level.LIKELY, A, {Why.OWN_CARD}),
        (Asked("1", "别人", b"a"), Level.LIKELY, A, {Why.OWN_CARD, Why.NAME_DIFFERS}),
        (Asked("1", "别人", b"h"), Level.NONE, None, set()),
        (Asked("1", "", b"h"), Level.AMBIGUOUS, A, {Why.HOUSEHOLD_CARD}),
        (Asked("1", "测试乙"), Level.LIKELY, B, {Why.NAME}),
        (Asked("1", "测试丙"), Level.AMBIGUOUS, C, {Why.NAME}),
        (Asked("1", "测试丙", place="2-1-1101"), Level.LIKELY, C, {Why.NAME, Why.ADDRESS}),
        (Asked("1", "测试丙", number_index=b"n"), Level.LIKELY, C, {Why.NAME, Why.ID_NUMBER}),
        (Asked("15", "测试乙"), Level.LIKELY, B, {Why.NAME, Why.SAME_NUMBER}),
        (Asked("15"), Level.NONE, None, set()),
        (Asked("77"), Level.LIKELY, A, {Why.MAPPED}),
        (Asked("1", "无此人", b"gone", b"x"), Level.NONE, None, set()),
    ],
)
def test_reasons_add_up_to_a_proposal(asked: Asked, level: Level, who: uuid.UUID | None, reasons: set[Why]) -> None:
    found, first = best(asked)
    assert found is level
    assert (first.person_id if first else None, set(first.reasons) if first else set()) == (who, reasons)


def test_a_name_that_two_people_here_have_is_never_exact() -> None:
    twins = replace(REGISTER, people=dict(REGISTER.people) | {D: Registered("测试甲", here=True)})
    assert Matcher(twins).propose(Asked("1", "测试甲", b"a")).level is Level.LIKELY


def test_whoever_has_left_is_proposed_as_such_and_never_exact() -> None:
    gone = replace(REGISTER, people=dict(REGISTER.people) | {A: Registered("测试甲", here=False)})
    found = Matcher(gone).propose(Asked("1", "测试甲", b"a"))
    assert (found.level, found.candidates[0].here) == (Level.LIKELY, False)


def test_rejected_people_are_not_proposed_again_and_no_more_than_ten_are() -> None:
    assert MATCHER.propose(Asked("1", "测试甲", b"a"), rejected={A}).level is Level.NONE
    many = Register(people={uuid.UUID(int=n): Registered("同名", here=True) for n in range(50)})
    assert len(Matcher(many).propose(Asked("1", "同名")).candidates) == MOST


def test_rooms_count_as_whole_numbers() -> None:
    flats = [("1幢", "2单元", "101")]
    assert at_home("1幢2单元0101室", flats) == [Why.ADDRESS]
    assert at_home("３幢101", flats) == [Why.ROOM]
    assert at_home("1幢2单元1101", flats) == []
    assert at_home("101", [("甲", "乙", "101")]) == [Why.ROOM]
    assert at_home("101", [("1幢", "1单元", "甲")]) == []
    assert at_home("0", [("0", "0", "0")]) == [Why.ADDRESS]


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_compared(number: str, name: str) -> None:
    for one in MATCHER.propose(Asked(number, name, b"h", b"n", name)).candidates:
        assert set(one.reasons) <= set(WORDS)
        assert not {Why.NAME, Why.NAME_DIFFERS} <= set(one.reasons)
    assert same(name) == same(f" {name} ")


ROWS = [
    ["导出时间", "2026-03-01", "", "", ""],
    ["*人员编号", "姓名", "卡号", "所属组织", "人脸数"],
    ["000015", "测试甲", "0012345678", "1幢/101", "1"],
    ["16", "测试乙", "0", "", "0"],
    ["000015", "测试丙", "", "", ""],
    ["", "无号", "", "", ""],
    ["9" * 65, "太长", "", "", ""],
    ["17", "测试丁", "null", "", "未录入"],
    ["18\x07", "x", "", "", ""],
]


def test_an_export_is_read_by_the_headings_vendors_use() -> None:
    for content in (csv_file(ROWS), xlsx_file("a", ROWS[:-1], widths=[9] * 5)):
        export = read_export(content, None)
        assert export.columns[Field.NUMBER] == "人员编号"
        assert export.entries == [
            Entry("000015", "测试甲", "0012345678", "1幢/101", "", face=True), Entry("16", "测试乙", face=False),
            Entry("17", "测试丁", face=False),
        ]  # fmt: skip
    assert export.skipped == 3
    assert read_export(csv_file(ROWS), None).skipped == 4
    assert guess(["name", "姓名", "x"]) == {Field.NAME: "name"}


def test_columns_kept_for_a_device_come_before_guesses() -> None:
    rows = [["甲", "乙", "姓名"], ["1", "测试", "别的"]]
    kept = {Field.NUMBER: "甲", Field.NAME: " 乙 "}
    assert read_export(csv_file(rows), kept).entries == [Entry("1", "测试")]
    assert read_export(csv_file(rows), {Field.NUMBER: "甲"}).entries == [Entry("1")]
    for columns in (None, {Field.NUMBER: "没有", Field.NAME: "乙"}):
        with pytest.raises(NoHeadings) as caught:
            read_export(csv_file(rows), columns)
        assert caught.value.found == ("甲", "乙", "姓名")
