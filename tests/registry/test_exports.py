"""The register as files: what is exported imports again and changes nothing, and no cell is ever a formula."""

import csv
import io
import uuid
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from inspection.registry.consents.errors import NoProcessingBasis
from inspection.registry.consents.models import Purpose
from inspection.registry.exports.findings import findings_sheet
from inspection.registry.exports.rows import Numbers, exported, lines
from inspection.registry.exports.service import ExportFile, export_register
from inspection.registry.exports.sheets import SheetForm, csv_file, letters, media_type, xlsx_file
from inspection.registry.exports.template import template
from inspection.registry.households import people
from inspection.registry.households import service as households
from inspection.registry.households.models import Household
from inspection.registry.imports.absent import absent_from
from inspection.registry.imports.checker import Stated
from inspection.registry.imports.headings import Column
from inspection.registry.imports.known import Known, KnownHousehold, KnownLease, KnownMember, KnownPerson, KnownUnit
from inspection.registry.imports.plan import Indexes, plan
from inspection.registry.imports.reader import read
from inspection.registry.imports.report import issue
from storage.audit.models import AuditEntry
from storage.database import Database, Role
from storage.objects.service import Objects
from storage.problems import Invalid
from storage.vault.service import Vault
from tests.factories import World, make_world
from tests.ids import make_test_number
from tests.registry.importing import ACTOR, NOW, Desk, counts, desk_for, saved, workbook
from tests.registry.sheets import adult, child, row, sheet

TODAY = date(2026, 3, 2)
INDEXES = Indexes(id_number=lambda n: f"id/{n}".encode(), phone=lambda n: f"phone/{n}".encode(), new_id=uuid.uuid4)
FORMS = list(SheetForm)


def made(form: SheetForm, rows: list[list[str]]) -> bytes:
    return csv_file(rows) if form is SheetForm.CSV else xlsx_file("名册", rows, widths=[12] * 18)


def cells_of(content: bytes) -> list[list[str | None]]:
    """A workbook's cells as the library reads them; a formula would be one."""
    active = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    return [[cell.value for cell in line] for line in active.iter_rows()]


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Co", "Cn")), min_size=1, max_size=8).map(
    lambda t: "'" + t if t[0].isdigit() else t
)
BEGINNINGS = st.sampled_from(["", "=", "+", "-", "@", "'", "''", "=cmd|' /C calc'!A0 "])
DAYS = st.dates(date(2020, 1, 1), date(2025, 12, 31))


def named(prefix: str, text: str) -> str:
    """A name without the digits that no name has, and not the template's."""
    return "".join(c for c in prefix + text if not c.isdigit()).strip() or "甲"


@st.composite
def registers(draw: st.DrawFn) -> tuple[Known, dict[uuid.UUID, Numbers]]:
    """A register of a few households, with whatever people have put into its texts."""
    known, numbers = Known(), {}
    for n in range(draw(st.integers(1, 4))):
        code = f"{draw(BEGINNINGS)}{draw(TEXT)}/{n}"
        unit = KnownUnit(uuid.uuid4(), code, draw(TEXT), draw(BEGINNINGS) + draw(TEXT), f"{draw(TEXT)}{n}", 3, 9)
        known.units.append(unit)
        if draw(st.booleans()):
            continue  # nobody lives there
        home = KnownHousehold(
            uuid.uuid4(), f"{draw(BEGINNINGS)}{draw(TEXT)}-{n}", draw(st.sampled_from(["in_kind", "rent_subsidy"]))
        )
        known.households.append(home)
        if draw(st.booleans()):
            known.leases.append(
                KnownLease(uuid.uuid4(), f"L{n}", home.id, unit.id, draw(DAYS), draw(st.none() | st.just(LAST)))
            )
        for m in range(draw(st.integers(0, 3))):
            number = make_test_number(birth=date(1970 + n, 1, 1 + m), sequence=m)
            phone = draw(st.sampled_from(["", "13900000000", "057112345678"]))
            person = KnownPerson(
                uuid.uuid4(), INDEXES.id_number(number), named(draw(BEGINNINGS), draw(TEXT)), date(1970 + n, 1, 1 + m),
                INDEXES.phone(phone) if phone else None, known.people[0].id if known.people and m == 2 else None,
            )  # fmt: skip
            known.people.append(person)
            numbers[person.id] = Numbers(number, phone)
            role = draw(st.sampled_from(["tenant", "co_tenant", "co_resident"]))
            ends = draw(st.none() | st.just(LAST))
            known.members.append(KnownMember(uuid.uuid4(), home.id, person.id, role, draw(DAYS), ends))
    return known, numbers


LAST = date(2027, 1, 1)


@settings(max_examples=120)
@given(registers(), st.sampled_from(FORMS))
def test_an_export_imports_again_and_changes_nothing(
    register: tuple[Known, dict[uuid.UUID, Numbers]], form: SheetForm
) -> None:
    known, numbers = register
    content = made(form, list(lines(exported(known, numbers, today=TODAY).rows)))
    table, stated = read(content), Stated()
    for raw in table.rows:
        stated.take(raw, today=TODAY)
    stated.issues += table.issues
    found = plan(stated, known, indexes=INDEXES, create_units=False, today=TODAY)
    assert [i for i in found.issues if i.code != "example-row"] == []
    assert all((c.new, c.changed) == (0, 0) for c in found.counts.values()), found
    assert absent_from(known, found.named, today=TODAY) == []


@given(st.lists(st.tuples(BEGINNINGS, TEXT).map("".join), min_size=1, max_size=5))
def test_no_cell_is_a_formula(texts: list[str]) -> None:
    assert cells_of(xlsx_file("名册", [["头"] * len(texts), texts], widths=[9]))[1] == texts
    for cell in next(csv.reader(io.StringIO(csv_file([texts]).decode("utf-8-sig"), newline=""))):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_what_an_export_leaves_out() -> None:
    ids = [uuid.uuid4() for _ in range(9)]
    known = Known(
        units=[KnownUnit(ids[0], "F1", "1幢", "1单元", "101", 1, 3), KnownUnit(ids[1], "F2", "", "", "", 1, 3, True)],
        households=[KnownHousehold(ids[2], "B1", "in_kind")],
        people=[KnownPerson(ids[3], b"x", "甲", None, None, ids[8]), KnownPerson(ids[4], b"y", "乙", None, None, None)],
        members=[
            KnownMember(uuid.uuid4(), ids[2], ids[3], "tenant", date(2020, 1, 1), None),
            KnownMember(uuid.uuid4(), ids[2], ids[4], "tenant", date(2020, 1, 1), date(2021, 1, 1)),
            KnownMember(uuid.uuid4(), ids[2], ids[7], "co_resident", date(2020, 1, 1), None),
        ],
        leases=[
            KnownLease(uuid.uuid4(), "L0", ids[2], ids[0], date(2015, 1, 1), date(2019, 12, 31)),
            KnownLease(uuid.uuid4(), "L1", ids[2], ids[0], date(2020, 1, 1), date(2026, 12, 31)),
            KnownLease(uuid.uuid4(), "L2", ids[2], ids[0], date(2027, 1, 1), None),
        ],
    )
    found = exported(known, {}, today=TODAY)
    assert found.left_off == 1  # nobody can name a member without an ID number
    assert [(r.get(Column.NAME), r.get(Column.LEASE)) for r in found.rows] == [("甲", "L1"), (None, "L2")]


@pytest.mark.parametrize("form", FORMS)
def test_the_template(form: SheetForm) -> None:
    content = template(form)
    table = read(content)
    stated = Stated()
    for raw in table.rows:
        stated.take(raw, today=TODAY)
    assert table.columns == tuple(Column)
    assert [i.code for i in [*table.issues, *stated.issues]] == ["example-row"]
    assert media_type(form).startswith("text/csv" if form is SheetForm.CSV else "application/vnd.openxml")
    if form is SheetForm.XLSX:
        book = openpyxl.load_workbook(io.BytesIO(content))
        assert book.sheetnames == ["名册", "填写说明"]
        assert book["名册"]["K2"].number_format == "@"
        assert len(book["名册"].data_validations.dataValidation) == 2
        assert "2026-1" in str(book["填写说明"]["A1"].value)


def test_findings_beside_the_rows() -> None:
    content = saved(workbook([row(1), row(2)], headings=["户号", "姓名", "身份证号", "备注", "角色", "房源编号"]))
    found = [issue("bad-name", 3, Column.NAME, "乙"), issue("no-rows", 0), issue("too-many-rows", 9)]
    clear = cells_of(findings_sheet(content, found, sheet="", in_clear=True))
    assert clear[0] == ["行号", "问题", "Problem", "户号", "姓名", "身份证号", "角色", "房源编号"]
    assert clear[1][5] == row(1)["身份证号"]
    assert str(clear[2][1]).startswith("姓名：姓名中不应有数字")
    assert [line[0] for line in clear[3:]] == ["文件", "9"]
    masked = cells_of(findings_sheet(content, found, sheet="", in_clear=False))
    assert row(1)["身份证号"] not in str(masked)
    assert letters(25) + letters(26) + letters(702) == "ZAAAAA"


@pytest.fixture
def desk(database: Database, vault: Vault, objects: Objects, tmp_path: Path) -> Desk:
    return desk_for(database, vault, objects, tmp_path)


@pytest.fixture
async def world(database: Database, vault: Vault) -> World:
    return await make_world(database, vault, now=NOW, flats=0)


async def export(
    desk: Desk, world: World, form: SheetForm, *, unmask: bool = True, reason: str = "移交主管部门"
) -> ExportFile:
    async with desk.database.transaction(Role.APP, world.scope) as session:
        return await export_register(
            session, vault=desk.vault, estate_id=world.estate_id, form=form, unmask=unmask,
            purpose=Purpose.TENANCY_COMPLIANCE, reason=reason, actor=ACTOR, now=NOW,
        )  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
async def test_out_and_in_again(form: SheetForm, desk: Desk, world: World) -> None:
    kid = row(1, 角色="共同居住人", 姓名="=测试", 身份证号=child(3), 手机号="", 监护人身份证号=row(1)["身份证号"])
    await desk.run(world, sheet([row(1), kid, row(2), row(3, 手机号="", 合同止="")]))
    async with desk.database.transaction(Role.APP, world.scope) as session:
        home = (await session.scalars(select(Household).where(Household.number == "BZ00001"))).one()
        await households.add_member(
            session, vault=desk.vault, household_id=home.id, person=people.PersonDetails(name="无证"),
            role="co_resident", valid_from=date(2026, 1, 1), actor=ACTOR, now=NOW,
        )  # fmt: skip
    file = await export(desk, world, form)
    assert (file.rows, file.left_off) == (4, 1)
    again = await desk.run(world, file.content, full_list=True, create_units=False)
    assert {kind: c[:2] for kind, c in counts(again).items()} == dict.fromkeys(
        ("units", "households", "people", "members", "leases"), (0, 0)
    )
    assert again.report is not None
    assert again.report.missing == {}


@pytest.mark.asvs("v5.0.0-8.2.3")
async def test_numbers_are_masked_unless_somebody_says_why(desk: Desk, world: World) -> None:
    await desk.run(world, sheet([row(1), row(2, 身份证号=adult(1), 手机号="")]))
    masked = await export(desk, world, SheetForm.CSV, unmask=False)
    assert row(1)["身份证号"] not in masked.content.decode()
    assert row(1)["手机号"] not in masked.content.decode()
    assert "********" in masked.content.decode()
    refused = await desk.check(world, masked.content)
    assert refused.report is not None
    assert refused.report.issue_counts["id-masked"] == 2
    await export(desk, world, SheetForm.CSV)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        seen = (
            await session.scalars(
                select(AuditEntry).where(
                    AuditEntry.action == "registry.export", AuditEntry.estate_id == world.estate_id
                )
            )
        ).all()
    assert {(a.purpose, a.reason, a.actor_user_id) for a in seen} == {
        ("tenancy_compliance", "移交主管部门", ACTOR.user_id)
    }
    with pytest.raises(Invalid):
        await export(desk, world, SheetForm.CSV, reason="  ")


async def test_an_export_needs_a_basis(desk: Desk, database: Database, vault: Vault) -> None:
    bare = await make_world(database, vault, now=NOW, flats=0, bases=())
    with pytest.raises(NoProcessingBasis):
        await export(desk, bare, SheetForm.CSV)
