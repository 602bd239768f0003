"""Files of the register over HTTP: by whom, with which answers, page by page."""

import io
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import openpyxl
import pytest

from inspection.registry.imports.jobs import Workshop
from inspection.users.models import ScopeLevel, UserRole
from tests.api.conftest import Server
from tests.registry.importing import saved, workbook
from tests.registry.sheets import adult, row, sheet
from tests.registry.test_registry_api import BASIS, CSV, imported, new_estate, ok, problem

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
UNIT = {"building": "1幢", "entrance": "1单元", "floor": 1, "max_people": 3}


@pytest.fixture
def division() -> str:
    """A street of its own for each test."""
    return f"99{uuid.uuid4().int % 10**7:07}"


async def pages(client: httpx.AsyncClient, path: str, **params: Any) -> list[Any]:
    """Every item of a list, two by two."""
    items: list[Any] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = await ok(await client.get(path, params={"limit": 2, **params, **more}))
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


async def test_a_file_with_faults(sign_in: SignIn, server: Server, division: str) -> None:
    admin = await sign_in(UserRole.ADMINISTRATOR)
    manager = await sign_in(UserRole.MANAGER, ScopeLevel.STREET, division)
    estate = await new_estate(admin, division)
    where = f"/api/v1/estates/{estate}/registry-imports"
    context = server.context
    shop = Workshop(context.database, context.vault, context.objects, context.clock)
    book = saved(workbook([row(1, 角色="房东"), row(2, 姓名=""), row(3, 户号="")]))
    assert problem(await admin.post(where, files={"other": ("a.csv", book)})) == (400, "invalid-request")
    assert problem(await admin.post(where, params={"name": "a\x00"}, content=book, headers=CSV)) == (
        400, "invalid-request",
    )  # fmt: skip
    made = await admin.post(where, params={"create_units": "true"}, files={"file": ("名册.xlsx", book)})
    assert (made.status_code, made.json()["status"], made.json()["name"]) == (202, "waiting", "名册.xlsx")
    import_id = made.json()["id"]
    other = await admin.post(where, content=sheet([row(1)]), headers=CSV)
    assert (problem(other), other.json()["extra"]) == ((409, "import-running"), {"import_id": import_id})
    mine = f"/api/v1/registry-imports/{import_id}"
    assert problem(await admin.post(f"{mine}/confirm")) == (409, "import-not-ready")
    await shop.check(import_id=uuid.UUID(import_id))
    refused = await ok(await manager.get(mine))
    assert (refused["status"], refused["report"]["acceptable"]) == ("refused", False)
    assert refused["report"]["issue_counts"] == {"unknown-role": 1, "missing-value": 2}
    found = await pages(manager, f"{mine}/problems")
    assert [(i["row"], i["column"], i["code"]) for i in found] == [
        (2, "角色", "unknown-role"), (3, "姓名", "missing-value"), (4, "户号", "missing-value"),
    ]  # fmt: skip
    assert all(i["zh"] and i["en"] for i in found)
    own = openpyxl.load_workbook(io.BytesIO((await admin.get(f"{mine}/problem-sheet")).content)).worksheets[0]
    assert (own["A2"].value, str(own["B2"].value)[:3]) == ("2", "角色：")
    assert row(1)["身份证号"] in [cell.value for cell in own[2]]
    masked = (await manager.get(f"{mine}/problem-sheet")).content
    assert row(1)["身份证号"] not in [c.value for c in openpyxl.load_workbook(io.BytesIO(masked)).worksheets[0][2]]
    assert problem(await manager.get(f"{mine}/problems", params={"cursor": "Wzk5OTk5OTk5OTk5XQ"})) == (
        400, "invalid-request",
    )  # fmt: skip
    again = await ok(await admin.post(where, content=sheet([row(1)]), headers=CSV))
    assert (await ok(await admin.post(f"/api/v1/registry-imports/{again['id']}/cancel")))["status"] == "cancelled"
    assert [i["status"] for i in await pages(manager, where)] == ["cancelled", "refused"]


@pytest.mark.asvs("v5.0.0-5.4.1")
async def test_template_lists_history_and_export(sign_in: SignIn, server: Server, division: str) -> None:
    admin = await sign_in(UserRole.ADMINISTRATOR)
    manager = await sign_in(UserRole.MANAGER, ScopeLevel.STREET, division)
    auditor = await sign_in(UserRole.AUDITOR, ScopeLevel.STREET, division)
    estate = await new_estate(admin, division)
    base = f"/api/v1/estates/{estate}"
    template = await admin.get(f"{base}/registry-template")
    assert "ruhu-register-2026-1.xlsx" in template.headers["content-disposition"]
    assert openpyxl.load_workbook(io.BytesIO(template.content)).sheetnames == ["名册", "填写说明"]
    as_text = await admin.get(f"{base}/registry-template", params={"form": "csv"})
    assert as_text.headers["content-type"].startswith("text/csv")

    son = row(1, 角色="共同居住人", 姓名="测试子", 手机号="", 身份证号=adult(5))
    await imported(server, admin, estate, sheet([row(1), son, row(2), row(3)]), create_units="true", full_list="true")
    done = await imported(server, admin, estate, sheet([row(1)]), full_list="true")
    assert done["report"]["missing"] == {"unit": 2, "household": 2, "member": 1}
    missing = await pages(auditor, f"{base}/missing-records")
    assert len(missing) == 5
    people = await pages(manager, f"{base}/missing-records", kind="member")
    assert (people[0]["label"], people[0]["id_number_masked"]) == (
        "BZ00001 测试子",
        adult(5)[:4] + "********" + adult(5)[-4:],
    )
    end = {"missing_ids": [people[0]["id"]], "last_day": "2026-02-28", "reason": "已搬走"}
    assert problem(await auditor.post(f"{base}/missing-records/end", json=end)) == (403, "forbidden")
    ended = await ok(await manager.post(f"{base}/missing-records/end", json=end))
    assert (ended[0]["status"], ended[0]["last_day"]) == ("ended", "2026-02-28")
    assert problem(await manager.post(f"{base}/missing-records/end", json=end)) == (409, "already-decided")
    unit = next(m for m in missing if m["kind"] == "unit")
    still = await manager.post(f"{base}/missing-records/end", json=end | {"missing_ids": [unit["id"]]})
    assert problem(still) == (409, "unit-still-let")
    kept = {"missing_ids": [m["id"] for m in missing if m["kind"] == "household"], "reason": "名册漏登"}
    assert {m["status"] for m in await ok(await manager.post(f"{base}/missing-records/dismiss", json=kept))} == {
        "dismissed"
    }
    assert len(await pages(manager, f"{base}/missing-records", status="dismissed")) == 2

    home = ended[0]["household_id"]
    told = await pages(auditor, f"/api/v1/households/{home}/history")
    assert [(c["kind"], c["change"]) for c in told][:1] == [("member", "ended")]
    assert (told[0]["reason"], told[0]["before"]["valid_to"], told[0]["after"]["valid_to"]) == (
        "已搬走", None, "2026-02-28",
    )  # fmt: skip
    assert {c["import_name"] for c in told[1:]} == {"a.csv"}
    of_unit = await pages(auditor, f"/api/v1/units/{unit['unit_id']}/history")
    assert [(c["kind"], c["change"]) for c in of_unit] == [("lease", "added"), ("unit", "added")]

    ask = {"purpose": "access_control", "reason": "移交主管部门", "form": "csv"}
    assert problem(await manager.post(f"{base}/registry-export", json=ask)) == (403, "no-processing-basis")
    await ok(await admin.post(f"{base}/bases", json=BASIS))
    file = await manager.post(f"{base}/registry-export", json=ask)
    assert (file.headers["x-rows"], row(1)["身份证号"] in file.text) == ("3", False)
    clear = await manager.post(f"{base}/registry-export", json=ask | {"unmask": True})
    assert row(1)["身份证号"] in clear.text
    assert "no-store" in clear.headers["cache-control"]
    again = await imported(server, admin, estate, clear.content, full_list="true")
    assert all((c["new"], c["changed"]) == (0, 0) for c in again["report"]["counts"].values())
