"""What an archive and its sheet say: limits, names, numbers, consent; by example and over arbitrary bytes."""

import io
import stat
import uuid
import zipfile
from dataclasses import replace
from datetime import date
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_integration.bulk_enrolment import archive as rules
from gate_integration.bulk_enrolment.archive import look, name_of
from gate_integration.bulk_enrolment.consent_sheet import ConsentLine, read_consents
from gate_integration.bulk_enrolment.findings import REASONS, WHOLE, told
from gate_integration.bulk_enrolment.gathering import Named, gather, masked, named_by
from gate_integration.bulk_enrolment.judging import KnownPerson, judge
from gate_integration.bulk_enrolment.sheets import template
from gate_integration.sheets.reader import NoHeadings, read_sheet
from inspection.registry.consents.models import ConsentScope
from inspection.registry.consents.service import Channel
from inspection.registry.exports.sheets import SheetForm, csv_file, xlsx_file
from inspection.registry.imports.workbook import Unreadable
from tests.faces.archives import archive, consent, consents
from tests.ids import make_test_number
from tests.registry.importing import saved

TODAY = date(2026, 3, 2)
NUMBER = make_test_number(birth=date(1980, 1, 1), sequence=9)
SHEET = {"consent.csv": b"x"}


def opened(members: dict[str, bytes]) -> rules.Contents:
    return look(zipfile.ZipFile(io.BytesIO(archive(members))).infolist())


def info(name: str, **values: Any) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name)
    found.flag_bits = rules.UTF8
    for key, value in values.items():
        setattr(found, key, value)
    return found


def test_photographs_the_sheet_and_the_rest_are_told_apart() -> None:
    found = opened(
        SHEET
        | {"照片/1.jpg": b"1", "2.JPEG": b"2", "a/b/ 3 .png": b"3", "x.zip": b"", "note.txt": b"", "list.csv": b"",
           "Thumbs.db": b"", "__MACOSX/1.jpg": b"", "a/._2.jpg": b"", "b/": b"", ".jpg": b"", "bare": b""}
    )  # fmt: skip
    assert (found.refused, found.sheet) == ("", 0)
    assert [photo.stem for photo in found.photos] == ["1", "2", "3", ""]
    assert [(odd.name, odd.code) for odd in found.odd] == [
        ("x.zip", "nested-archive"), ("note.txt", "not-a-photo"), ("list.csv", "not-a-photo"), ("bare", "not-a-photo"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["../a.jpg", "/a.jpg", "a/../../b.jpg", "C:/a.jpg", "..\\a.jpg", "\\\\host\\a.jpg", "a" * 501, "", "a\x00.jpg"],
)
def test_names_that_leave_the_folder_keep_the_archive_out(name: str) -> None:
    entry = info("a")
    entry.orig_filename = name
    assert look([info("consent.csv"), entry]).refused == "unsafe-name"


def test_limits_come_before_anything_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = info("consent.csv")
    big = info("a.jpg", file_size=rules.SMALL + 1, compress_size=10)
    assert look([sheet, big]).refused == "archive-bomb"
    many = [info(f"{n}.jpg", file_size=rules.MOST_UNPACKED // 2 + 1, compress_size=rules.MOST_UNPACKED) for n in (1, 2)]
    assert look([sheet, *many]).refused == "archive-bomb"
    assert look([info("a.jpg", flag_bits=1), sheet]).refused == "encrypted-archive"
    assert look([]).refused == "no-consent-sheet"
    assert look([sheet, info("同意.xlsx")]).refused == "several-consent-sheets"
    assert look([info("consent.csv", file_size=rules.MOST_SHEET + 1, compress_size=rules.MOST_SHEET)]).refused == (
        "sheet-too-large"
    )
    link = info("a.jpg", external_attr=(stat.S_IFLNK | 0o777) << 16)
    large = info("b.jpg", file_size=rules.MOST_PHOTO + 1, compress_size=rules.MOST_PHOTO)
    assert [odd.code for odd in look([sheet, link, large]).odd] == ["link-entry", "photo-too-large"]
    monkeypatch.setattr(rules, "MOST_ENTRIES", 1)
    assert look([sheet, link]).refused == "too-many-entries"


def test_names_are_read_in_the_encoding_of_their_country() -> None:
    for raw, name in (("张.jpg".encode("gb18030"), "张.jpg"), ("张.jpg".encode(), "张.jpg"), (b"\xff\xff", None)):
        entry = info("x", flag_bits=0)
        entry.orig_filename = raw.decode("cp437")
        assert name_of(entry) == (name or entry.orig_filename)
    entry.orig_filename = "张"
    assert name_of(entry) == "张"


@settings(max_examples=60)
@given(st.binary(max_size=400), st.integers(0, 400), st.integers(0, 255))
def test_a_spoiled_archive_is_looked_at_or_refused(content: bytes, place: int, byte: int) -> None:
    whole = bytearray(archive({"consent.csv": content, "1.jpg": content}))
    whole[place % len(whole)] = byte
    try:
        found = look(zipfile.ZipFile(io.BytesIO(bytes(whole))).infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return
    assert found.refused in WHOLE | {""}


def test_the_sheet_is_read_as_meant() -> None:
    lines = read_consents(
        consents(
            consent(NUMBER, 姓名="测试甲", 监护人姓名="测试乙", 监护关系="母亲"),
            consent("2", 同意人脸模板="也许"),
            consent("3", 同意方式="口信"),
            consent("4", 姓名="长" * 65),
            consent("5", 同意保存照片="", 同意日期="2026/2/3"),
            consent("示例"),
        )
    )
    assert [line.fault for line in lines] == ["", "consent-cell", "consent-cell", "consent-cell", ""]
    assert lines[0] == ConsentLine(
        row=2, number=NUMBER, name="测试甲",
        yes=frozenset({ConsentScope.TEMPLATE, ConsentScope.KEEP_PHOTO, ConsentScope.PUSH_TO_GATES}),
        no=frozenset({ConsentScope.OFF_DEVICE}), signed_on=date(2026, 3, 1), notice="v1", channel=Channel.PAPER,
        guardian="测试乙", relation="母亲", paper="TY-1",
    )  # fmt: skip
    assert lines[4].signed_on == date(2026, 2, 3)
    assert ConsentScope.KEEP_PHOTO not in lines[4].yes | lines[4].no
    for form in SheetForm:
        assert read_consents(template(form)) == []
    for content in (b"", b"a,b\n1,2\n", b"PK\x03\x04", "人员编号".encode("utf-16")):
        with pytest.raises(Unreadable):
            read_consents(content)


def test_a_number_rounded_by_a_spreadsheet_is_not_guessed() -> None:
    import xlsxwriter

    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page = book.add_worksheet()
        line = consent(NUMBER)
        page.write_row(0, 0, list(line))
        page.write_row(1, 0, [1.1e17, *list(line.values())[1:]])
    (found,) = read_consents(file.getvalue())
    assert found.fault == "consent-cell"


def test_any_table_is_read_under_its_own_headings() -> None:
    rows = [["门禁人员名单", ""], ["编号*", "姓 名（全）"], ["000015", "甲\x07"], ["", ""], ["16"]]

    def fits(headings: object) -> bool:
        return "编号" in set(headings)  # type: ignore[call-overload]  # a sequence of text

    for content in (csv_file(rows), xlsx_file("a", rows, widths=[9, 9])):
        sheet = read_sheet(content, fits=fits, most_rows=9)
        assert sheet.headings == ("编号", "姓名")
        assert [row.cells.get("编号") for row in sheet.rows] == ["000015", "16"]
        assert sheet.rows[0].number == 3
    assert read_sheet(csv_file(rows), fits=fits, most_rows=9).rows[0].faults == (("姓名", "bad-characters"),)
    with pytest.raises(Unreadable, match="too-many-rows"):
        read_sheet(csv_file(rows), fits=fits, most_rows=1)
    with pytest.raises(NoHeadings) as caught:
        read_sheet(csv_file([["工号", ""], ["1", "2"]]), fits=fits, most_rows=9)
    assert caught.value.found == ("工号",)
    book = openpyxl.Workbook()
    for page in (book.active, book.create_sheet("b"), book.create_sheet("c")):
        assert page is not None
        page.append([page.title, "x"])
    with pytest.raises(NoHeadings) as caught:
        read_sheet(saved(book), fits=fits, most_rows=9)
    assert caught.value.found == ("Sheet", "x")
    gap = [["编号"], ["1"], *[[""]] * 20_001, ["2"]]
    with pytest.raises(Unreadable, match="too-many-blank-rows"):
        read_sheet(csv_file([["a", "b"], *gap]), fits=fits, most_rows=9)
    faulty = csv_file([["编号", ""], ["1", "\x07"]])
    assert read_sheet(faulty, fits=fits, most_rows=9).rows[0].faults == ()


def index(number: str) -> bytes:
    return number.encode()


def test_photographs_and_consents_of_one_person_come_together() -> None:
    ids = {name: uuid.uuid4() for name in ("a", "b", "c", "d", "e")}
    photos = {f"{ids['a']}.jpg": b"", f"{ids['b']}.jpg": b"", f"x/{ids['b']}.png": b"", f"{ids['c']}.jpg": b"",
              f"{ids['e']}.jpg": b"", f"{uuid.uuid4()}.jpg": b"", "甲.jpg": b"", "a.txt": b""}  # fmt: skip
    contents = opened(SHEET | photos)
    lines = [ConsentLine(n, str(ids[name])) for n, name in enumerate("aabcd", 2)]
    lines += [ConsentLine(9, NUMBER), ConsentLine(10, "没有")]
    named = named_by(contents, lines, today=TODAY, index=index)
    assert named[NUMBER] == Named(index=NUMBER.encode())
    drafts = gather(contents, lines, named=named, people={Named(person_id=one): one for one in ids.values()})
    assert [draft.code for draft in drafts] == [
        "duplicate-consent", "duplicate-consent", "duplicate-photo", "", "no-photo", "unknown-person", "bad-number",
        "duplicate-consent", "duplicate-photo", "duplicate-photo", "", "unknown-person", "bad-number", "not-a-photo",
    ]  # fmt: skip
    assert [draft.person_id for draft in drafts if not draft.code] == [ids["c"], ids["e"]]
    assert [draft.consent is None for draft in drafts if not draft.code] == [False, True]
    assert NUMBER not in {draft.shown for draft in drafts}
    assert masked("13900000001.jpg") != "13900000001.jpg"


SOUND = ConsentLine(
    row=2, number="1", yes=frozenset({ConsentScope.TEMPLATE}), signed_on=TODAY, notice="v1", channel=Channel.PAPER,
    paper="1",
)  # fmt: skip
ADULT = KnownPerson(name="甲", birth_date=date(1980, 1, 1), here=True)
CHILD = KnownPerson(
    name="甲", birth_date=date(2016, 1, 1), here=True, guardian="乙", guardian_birth=date(1985, 1, 1)
)  # fmt: skip
BY_GUARDIAN = replace(SOUND, guardian="乙", relation="父亲")


@pytest.mark.parametrize(
    ("line", "person", "code"),
    [
        (SOUND, ADULT, ""),
        (SOUND, None, "unknown-person"),
        (SOUND, replace(ADULT, here=False), "person-left"),
        (None, ADULT, "no-consent"),
        (replace(SOUND, name="乙"), ADULT, "name-differs"),
        (replace(SOUND, name="甲"), ADULT, ""),
        (replace(SOUND, fault="consent-cell"), ADULT, "consent-cell"),
        (replace(SOUND, yes=frozenset()), ADULT, "template-not-consented"),
        (replace(SOUND, signed_on=None), ADULT, "consent-date"),
        (replace(SOUND, signed_on=date(2026, 3, 3)), ADULT, "consent-date"),
        (replace(SOUND, notice="v0"), ADULT, "notice-outdated"),
        (replace(SOUND, paper=""), ADULT, "paper-missing"),
        (replace(SOUND, paper="", channel=Channel.PHONE_APP), ADULT, ""),
        (
            replace(SOUND, no=frozenset({ConsentScope.KEEP_PHOTO})),
            replace(ADULT, standing=frozenset({ConsentScope.KEEP_PHOTO})),
            "scope-conflict",
        ),
        (SOUND, replace(ADULT, withdrawn={ConsentScope.TEMPLATE: TODAY}), "withdrawn-since"),
        (SOUND, replace(ADULT, withdrawn={ConsentScope.TEMPLATE: date(2026, 3, 1)}), ""),
        (
            SOUND,
            replace(ADULT, withdrawn={ConsentScope.TEMPLATE: TODAY}, standing=frozenset({ConsentScope.TEMPLATE})),
            "",
        ),
        (SOUND, replace(ADULT, birth_date=None), "age-unknown"),
        (SOUND, replace(ADULT, birth_date=date(2027, 1, 1)), "age-unknown"),
        (BY_GUARDIAN, ADULT, "guardian-not-needed"),
        (SOUND, CHILD, "guardian-required"),
        (replace(BY_GUARDIAN, relation=""), CHILD, "guardian-required"),
        (BY_GUARDIAN, CHILD, ""),
        (replace(BY_GUARDIAN, guardian="丙"), CHILD, "not-the-guardian"),
        (BY_GUARDIAN, replace(CHILD, guardian_birth=None), "not-the-guardian"),
        (BY_GUARDIAN, replace(CHILD, guardian_birth=date(2027, 1, 1)), "not-the-guardian"),
        (BY_GUARDIAN, replace(CHILD, guardian_birth=date(2010, 1, 1)), "not-the-guardian"),
    ],
)  # fmt: skip
def test_consent_and_register_decide_before_a_photograph_is_looked_at(
    line: ConsentLine | None, person: KnownPerson | None, code: str
) -> None:
    assert judge(line, person, notices=["v1"], today=TODAY) == code
    assert not code or (told(code).zh and told(code).en)


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(REASONS) >= WHOLE
    assert all(zh and en and zh != en for zh, en in REASONS.values())
