"""The register over HTTP: an estate from nothing, by the people who may."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from inspection.registry.imports.jobs import Workshop
from inspection.users.models import ScopeLevel, UserRole
from tests.api.conftest import Server
from tests.registry.sheets import adult, child, row, sheet

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
CSV = {"content-type": "text/csv"}
BASIS = {
    "purpose": "access_control", "legal_basis": "测试依据", "assessment_number": "PIA-9",
    "assessment_date": "2026-01-05", "notice_version": "v1", "signed_by": "测试", "valid_from": "2026-02-01",
    "valid_to": "2026-12-31",
}  # fmt: skip


async def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def new_estate(admin: httpx.AsyncClient, division: str) -> str:
    polygon = [[116.1, 39.1], [116.2, 39.1], [116.2, 39.2]]
    made = await ok(
        await admin.post(
            "/api/v1/estates",
            json={"name": "测试接口区", "division_code": division, "funding_type": "government_invested",
                  "geofence": {"crs": "gcj02", "polygon": polygon}},
        )
    )  # fmt: skip
    return str(made["id"])


@pytest.fixture
def division() -> str:
    """A street of its own for each test."""
    return f"99{uuid.uuid4().int % 10**7:07}"


async def imported(server: Server, admin: httpx.AsyncClient, estate: str, content: bytes, **options: str) -> Any:
    """A file handed in, checked, confirmed and applied; the worker's jobs are done here."""
    context = server.context
    shop = Workshop(context.database, context.vault, context.objects, context.clock)
    made = await admin.post(
        f"/api/v1/estates/{estate}/registry-imports", params=options, files={"file": ("a.csv", content)}
    )
    assert made.status_code == 202, made.text
    where = f"/api/v1/registry-imports/{made.json()['id']}"
    await shop.check(import_id=uuid.UUID(made.json()["id"]))
    checked = await ok(await admin.get(where))
    assert checked["status"] == "checked", checked
    assert (await admin.post(f"{where}/confirm")).status_code == 202
    await shop.apply(import_id=uuid.UUID(made.json()["id"]))
    return await ok(await admin.get(where))


async def test_an_estate_from_nothing(sign_in: SignIn, server: Server, division: str) -> None:
    admin = await sign_in(UserRole.ADMINISTRATOR)
    manager = await sign_in(UserRole.MANAGER, ScopeLevel.STREET, division)
    inspector = await sign_in(UserRole.INSPECTOR, ScopeLevel.STREET, division)
    auditor = await sign_in(UserRole.AUDITOR, ScopeLevel.STREET, division)
    stranger = await sign_in(UserRole.MANAGER, ScopeLevel.STREET, "999000111")
    estate = await new_estate(admin, division)
    unit = {"building": "1幢", "entrance": "1单元", "floor": 1, "max_people": 3}
    units = [unit | {"code": f"F0000{n}", "room_no": f"10{n}"} for n in (1, 2, 3)]
    await ok(await admin.post(f"/api/v1/estates/{estate}/units", json={"units": units}))
    first = await ok(await inspector.get(f"/api/v1/estates/{estate}/units", params={"limit": 2, "building": "1幢"}))
    rest = await ok(
        await inspector.get(f"/api/v1/estates/{estate}/units", params={"limit": 2, "cursor": first["next_cursor"]})
    )
    assert [u["code"] for u in first["items"] + rest["items"]] == ["F00001", "F00002", "F00003"]
    assert rest["next_cursor"] is None
    assert (await ok(await auditor.get("/api/v1/estates")))["items"][0]["id"] == estate
    assert (await ok(await auditor.get(f"/api/v1/units/{first['items'][0]['id']}")))["room_no"] == "101"
    assert problem(await stranger.get(f"/api/v1/estates/{estate}")) == (404, "not-found")
    assert problem(await manager.post("/api/v1/estates", json={})) == (403, "forbidden")
    bad = {"name": "x", "division_code": "1", "funding_type": "other"}
    assert problem(await admin.post("/api/v1/estates", json=bad)) == (422, "bad-division-code")

    content = sheet([row(1), row(2)])
    applied = await imported(server, admin, estate, content)
    assert applied["report"]["counts"]["people"]["new"] == 2
    assert problem(await manager.post(f"/api/v1/estates/{estate}/registry-imports", content=content, headers=CSV)) == (
        403, "forbidden",
    )  # fmt: skip

    found = await ok(await inspector.get(f"/api/v1/estates/{estate}/households", params={"text": "BZ00001"}))
    home = found["items"][0]["id"]
    detail = await ok(await inspector.get(f"/api/v1/households/{home}"))
    tenant = detail["members"][0]["person"]
    assert tenant["id_number_masked"] == row(1)["身份证号"][:4] + "********" + row(1)["身份证号"][-4:]
    assert row(1)["身份证号"] not in str(detail)
    assert detail["leases"][0]["unit_code"] == "F00001"

    view = {"secret": "id_number", "purpose": "access_control", "reason": "上门核对身份"}
    unmask = f"/api/v1/people/{tenant['id']}/unmask"
    assert problem(await inspector.post(unmask, json=view)) == (403, "no-processing-basis")
    await ok(await admin.post(f"/api/v1/estates/{estate}/bases", json=BASIS))
    assert (await ok(await inspector.post(unmask, json=view)))["value"] == row(1)["身份证号"]
    assert problem(await auditor.post(unmask, json=view)) == (403, "forbidden")
    assert problem(await inspector.post(unmask, json=view | {"reason": ""})) == (400, "invalid-request")


async def test_the_door_and_the_office(sign_in: SignIn, division: str) -> None:
    admin = await sign_in(UserRole.ADMINISTRATOR)
    manager = await sign_in(UserRole.MANAGER, ScopeLevel.STREET, division)
    inspector = await sign_in(UserRole.INSPECTOR, ScopeLevel.STREET, division)
    estate = await new_estate(admin, division)
    unit = {"building": "1幢", "entrance": "1单元", "code": "A", "room_no": "1", "floor": 1, "max_people": 3}
    added = await ok(await admin.post(f"/api/v1/estates/{estate}/units", json={"units": [unit]}))
    home = (await ok(await manager.post(f"/api/v1/estates/{estate}/households", json={"number": "B1"})))["id"]
    parent = {"name": "测试甲", "id_number": adult(1)}
    member = await ok(
        await manager.post(
            f"/api/v1/households/{home}/members",
            json={"person": parent, "role": "tenant", "valid_from": "2026-01-01"},
        )
    )
    lease = {"unit_id": added["units"][0]["id"], "number": "C1", "valid_from": "2026-01-01"}
    made = await ok(await manager.post(f"/api/v1/households/{home}/leases", json=lease))
    assert problem(await manager.post(f"/api/v1/households/{home}/leases", json=lease)) == (409, "unit-already-let")
    await ok(await manager.post(f"/api/v1/leases/{made['id']}/end", json={"valid_to": "2026-12-31"}))

    guest = {"person": {"name": "测试客", "phone": "13900000003"}, "valid_from": "2026-03-02", "valid_to": "2026-03-09",
             "relation": "姐妹"}  # fmt: skip
    stay = await ok(await inspector.post(f"/api/v1/households/{home}/guests", json=guest))
    bad = guest | {"person": {"name": "测试", "id_number": adult(1)[:-1] + "A"}}
    assert problem(await inspector.post(f"/api/v1/households/{home}/guests", json=bad)) == (422, "bad-id-number")
    await ok(await inspector.post(f"/api/v1/guests/{stay['id']}/extend", json={"valid_to": "2026-03-20"}))
    await ok(await inspector.post(f"/api/v1/guests/{stay['id']}/cancel"))
    assert problem(await inspector.post(f"/api/v1/guests/{stay['id']}/cancel")) == (409, "record-ended")

    carer = {"person": {"name": "测试护", "id_number": adult(2)}, "kind": "carer", "employer": "测试护理站",
             "valid_from": "2026-03-01", "household_ids": [home]}  # fmt: skip
    worker = await ok(await manager.post(f"/api/v1/estates/{estate}/workers", json=carer))
    assert problem(await inspector.post(f"/api/v1/estates/{estate}/workers", json=carer)) == (403, "forbidden")
    ended = await ok(await manager.post(f"/api/v1/workers/{worker['id']}/end", json={"valid_to": "2026-06-30"}))
    assert ended["household_ids"] == [home]
    listed = await ok(await inspector.get(f"/api/v1/estates/{estate}/workers", params={"limit": 1}))
    assert (listed["items"][0]["person"]["name"], listed["next_cursor"]) == ("测试护", None)
    care = {"kind": "ill", "valid_from": "2026-03-01"}
    tag = await ok(await manager.post(f"/api/v1/households/{home}/care-tags", json=care))
    await ok(await manager.post(f"/api/v1/care-tags/{tag['id']}/end", json={"valid_to": "2026-03-02"}))
    away = {"valid_from": "2026-03-02", "valid_to": "2026-03-05", "reason": "hospital"}
    person = member["person_id"]
    told = await ok(await inspector.post(f"/api/v1/people/{person}/absences", json=away))
    await ok(await inspector.post(f"/api/v1/absences/{told['id']}/cancel"))

    consent = {"scopes": ["template", "push_to_gates"], "notice_version": "v1", "channel": "door"}
    consents = f"/api/v1/people/{person}/consents"
    assert problem(await inspector.post(consents, json=consent)) == (403, "no-processing-basis")
    basis = await ok(await admin.post(f"/api/v1/estates/{estate}/bases", json=BASIS))
    old = await inspector.post(consents, json=consent | {"notice_version": "v0"})
    assert (problem(old), old.json()["extra"]) == ((409, "notice-outdated"), {"current_versions": ["v1"]})
    given = await ok(await inspector.post(consents, json=consent))
    gone = await ok(await inspector.post(f"/api/v1/consents/{given[0]['id']}/withdraw", json={}))
    assert (gone["stands"], gone["ended_reason"]) == (False, "本人要求")
    assert [c["stands"] for c in await ok(await manager.get(consents))].count(True) == 1
    kid = {"person": {"name": "测试子", "id_number": child(1), "guardian_id": person}, "role": "co_resident",
           "valid_from": "2026-01-01"}  # fmt: skip
    young = await ok(await manager.post(f"/api/v1/households/{home}/members", json=kid))
    young_consents = f"/api/v1/people/{young['person_id']}/consents"
    assert problem(await inspector.post(young_consents, json=consent)) == (422, "guardian-required")
    await ok(await inspector.post(young_consents, json=consent | {"guardian_id": person}))
    await ok(await manager.post(f"/api/v1/members/{young['id']}/end", json={"valid_to": "2026-05-31"}))
    await ok(await admin.post(f"/api/v1/bases/{basis['id']}/withdraw", json={"reason": "评估过期"}))
    assert [b["in_force"] for b in await ok(await manager.get(f"/api/v1/estates/{estate}/bases"))] == [False]
    assert problem(await manager.get("/api/v1/estates", params={"cursor": "bm90"}))[0] in {400, 422}
