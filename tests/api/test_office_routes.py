"""From a flagged flat to a closed case over HTTP, as a manager and two inspectors do it."""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.access import access_token
from gate_integration.occupancy.models import Discrepancy
from inspection.leads import service as leads
from inspection.users.models import RefreshFamily, ScopeLevel, UserRole
from inspection.visits import digest
from storage.database import Database, EstateScope, Role
from storage.ids import new_id
from storage.vault.service import Vault
from tests.api.conftest import Server
from tests.factories import World, make_user, make_world
from tests.office.road import BASIS, CALM, INSIDE

JPEG = b"\xff\xd8\xff\xe0" + b"made up, no picture" * 40


@dataclass
class Office:
    """A world with its people signed in."""

    server: Server
    database: Database
    world: World
    manager: Any
    first: Any
    second: Any
    other: Any
    auditor: Any
    operator: Any

    def moment(self, **back: float) -> str:
        return (self.server.clock.now() - timedelta(**back)).isoformat()

    async def flag(self, flat: int, *, severity: str = "lead", days: int = 5) -> uuid.UUID:
        """A discrepancy as the rules store one, with its lead when it asks for a visit."""
        now = self.server.clock.now()
        key = new_id()
        async with self.database.transaction(Role.APP, self.world.scope) as session:
            if severity == "lead":
                await leads.open_from_gate(
                    session, estate_id=self.world.estate_id, household_id=self.world.households[flat],
                    unit_id=self.world.units[flat], rule="SUBLET", discrepancy_id=key, summary_zh="疑似转租",
                    summary_en="Maybe sublet", now=now,
                )  # fmt: skip
        async with self.database.transaction(Role.SYSTEM, self.world.scope) as session:
            session.add(
                Discrepancy(
                    id=key, estate_id=self.world.estate_id, household_id=self.world.households[flat],
                    unit_id=self.world.units[flat], rule="SUBLET" if severity == "lead" else "LONG_STAY",
                    severity=severity, first_flagged_at=now - timedelta(days=days), last_confirmed_at=now, score=6.0,
                    terms={"recurring": 6.0}, counts={"days": 20}, first_day=now.date(), last_day=now.date(),
                    explanation_zh=f"第{flat}户门禁说明", explanation_en=f"Flat {flat} explained",
                    clears_zh="登记即可", clears_en="Register", rule_version="CN/1", event_ids=[],
                )
            )  # fmt: skip
        return key

    async def send(self, client: Any, visit: str, what: str, body: bytes, **headers: str) -> httpx.Response:
        return await client.put(
            f"/api/v1/visits/{visit}/{what}/{uuid.uuid4()}", content=body,
            headers={"Content-Digest": digest.header(body), "Content-Type": "application/octet-stream"} | headers,
        )  # fmt: skip

    async def visit(self, visit: str, people: list[Any], finding: dict[str, Any]) -> None:
        fixes = [INSIDE | {"fixed_at": self.moment(seconds=seconds)} for seconds in (0, 5, 10)]
        body = {"phone_time": self.moment(), "fixes": fixes, "clock_difference_s": 0.1}
        for person in people:
            graded = await self.send(person, visit, "check-ins", json.dumps(body).encode())
            assert (graded.status_code, graded.json()["grade"]) == (200, "A"), graded.text
        assert (await self.send(people[0], visit, "photos", JPEG)).status_code == 200
        met = json.dumps({"described_as": "自称租客", "lives_here": True}).encode()
        assert (await self.send(people[0], visit, "occupants", met)).status_code == 200
        found = json.dumps({"statement": "屋内为他人居住", **finding}).encode()
        assert (await self.send(people[0], visit, "findings", found)).status_code == 200
        done = await people[0].put(
            f"/api/v1/visits/{visit}/result", json={"result": "met", "let_in_by": "屋内人员开门，允许查看"}
        )
        assert done.json()["visit"]["status"] == "done"


async def signed_in(
    server: Server, database: Database, vault: Vault, role: UserRole, level: ScopeLevel, code: str
) -> Any:
    """A client with the token of a log-in that stands; the log-in itself is tested elsewhere, and slow by design."""
    now = server.clock.now()
    user_id = await make_user(database, now=now, role=role, level=level, code=code)
    family = new_id()
    async with database.transaction(Role.APP, EstateScope(())) as session:
        session.add(
            RefreshFamily(
                id=family, user_id=user_id, created_at=now, expires_at=now + timedelta(days=1), last_used_at=now
            )
        )
    client = server.client(access_token(vault.token_key, user_id=user_id, family_id=family, now=now, seconds=3600))
    client.user_id = user_id  # type: ignore[attr-defined]
    return client


@pytest_asyncio.fixture(loop_scope="session")
async def office(server: Server, database: Database, vault: Vault) -> Any:
    world = await make_world(database, vault, now=server.clock.now())
    place = (ScopeLevel.ESTATE, str(world.estate_id))
    people = [
        await signed_in(server, database, vault, role, *place)
        for role in (
            UserRole.MANAGER, UserRole.INSPECTOR, UserRole.INSPECTOR, UserRole.INSPECTOR, UserRole.AUDITOR,
            UserRole.OPERATOR_STAFF,
        )
    ]  # fmt: skip
    yield Office(server, database, world, *people)
    for person in people:
        await person.aclose()


async def test_from_a_flagged_flat_to_a_closed_case(office: Office, vault: Vault) -> None:
    manager = office.manager
    await office.flag(0)
    (flagged,) = (await manager.get("/api/v1/flagged-units")).json()["items"]
    assert (flagged["room_no"], flagged["severity"], flagged["why_zh"]) == ("101", "lead", "第0户门禁说明")
    lead = flagged["leads"][0]["id"]
    accepted = await manager.post(f"/api/v1/leads/{lead}/accept", json={"reason": "经核对属实"})
    assert accepted.status_code == 200, accepted.text
    case = f"/api/v1/cases/{accepted.json()['case']['id']}"
    frozen = await manager.get(
        f"/api/v1/leads/{lead}/evidence", params={"purpose": "tenancy_compliance", "reason": "复核证据"}
    )
    assert frozen.status_code == 200
    assert frozen.json()

    async def step(by: Any, action: str, **more: Any) -> dict[str, Any]:
        tag = (await by.get(case)).headers["etag"]
        answer = await by.post(f"{case}/steps", json={"action": action, **more}, headers={"If-Match": tag})
        assert answer.status_code == 201, answer.text
        assert answer.headers["etag"] != tag
        return answer.json()

    async def post(by: Any, what: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await by.post(f"{case}/{what}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def paper(kind: str) -> str:
        drafted = await post(office.first, "documents", {"kind": kind, "legal_basis": BASIS})
        assert drafted["missing"] == []
        document = f"/api/v1/documents/{drafted['document']['id']}"
        preview = await manager.get(f"{document}/file")
        assert preview.headers["content-type"] == "application/pdf"
        stale = await manager.post(f"{document}/issue", headers={"If-Match": '"0"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "draft-changed")
        issued = await manager.post(f"{document}/issue", headers={"If-Match": preview.headers["etag"]})
        assert issued.status_code == 201, issued.text
        kept = await manager.get(f"{document}/file")
        told = issued.json()["document"]
        assert kept.headers["etag"] == f'"{told["sha256"]}"' == f'"{hashlib.sha256(kept.content).hexdigest()}"'
        assert f"{kind_of[kind]}〔2026〕" in told["number"]
        again = await manager.post(f"{document}/issue")
        assert (again.status_code, again.json()["code"]) == (409, "document-status")
        assert (await office.first.post(f"{document}/void", json={"reason": "试"})).status_code == 403
        assert (await office.operator.get(document)).status_code == 403
        assert (await office.auditor.get(f"{document}/file")).content == kept.content
        return str(drafted["document"]["id"])

    kind_of = {"notice": "告", "order": "责改"}
    chief = await signed_in(office.server, office.database, vault, UserRole.ADMINISTRATOR, ScopeLevel.ALL, "")
    authority = {
        "division_code": office.world.division_code, "name": "测试区住房保障局", "designator": "测住保",
        "review_body": "测试区人民政府", "court": "测试区人民法院",
    }  # fmt: skip
    assert (await chief.post("/api/v1/issuing-authorities", json=authority)).status_code == 201
    elsewhere = authority | {"division_code": "888888"}
    taken = await chief.post("/api/v1/issuing-authorities", json=elsewhere)
    assert (taken.status_code, taken.json()["code"]) == (409, "designator-taken")
    listed = (await manager.get("/api/v1/issuing-authorities")).json()["items"]
    assert [row["designator"] for row in listed] == ["测住保"]
    await chief.aclose()

    await step(office.first, "start_verifying")
    officers = {"assigned_to": str(office.first.user_id), "second_officer": str(office.second.user_id)}
    planned = await post(manager, "visits", {"kind": "verification", **officers})
    visit = planned["visits"][0]["id"]
    mine = (await office.second.get("/api/v1/my/visits")).json()["items"]
    assert [task["id"] for task in mine] == [visit]
    await office.visit(
        visit, [office.first, office.second],
        {"outcome": "substantiated", "violation": "sublet", "vulnerability": CALM},
    )  # fmt: skip
    await step(manager, "substantiate", violation="sublet", legal_basis=BASIS)
    gate = (await manager.get(case)).json()["evidence"][0]["id"]
    checks = dict.fromkeys(("legal_review", "technical_review", "conspicuously_marked", "locations_published"), True)
    refused = await manager.post(f"{case}/evidence/{gate}/reviews", json={"admissible": True, "note": "可用"})
    assert (refused.status_code, len(refused.json()["extra"]["missing"])) == (422, 4)
    await post(manager, f"evidence/{gate}/reviews", {"admissible": True, "note": "可用", "checks": checks})
    told = await step(manager, "give_notice", legal_basis=BASIS, document_id=await paper("notice"))
    notice = told["measures"][-1]["id"]
    office.server.clock.advance(timedelta(minutes=2))
    served = {"method": "direct", "served_at": office.moment(), "received_by": "承租人本人"}
    await post(office.first, f"measures/{notice}/services", served)
    await step(office.first, "open_representation")
    signed = {"nothing_more": True, "document": "承租人签字的陈述书"}
    said = await post(
        office.first, "representations",
        {"made_by": "承租人", "made_at": office.moment(), "points": ["亲属暂住"]} | signed,
    )  # fmt: skip
    point = f"representations/{said['representations'][0]['id']}/points/0/reply"
    await post(manager, point, {"reply": "经核实无亲属关系"})
    await step(manager, "review", reason="复核完毕，理由不成立")
    ordered = await step(manager, "order_rectification", legal_basis=BASIS, document_id=await paper("order"))
    order = ordered["measures"][-1]["id"]
    office.server.clock.advance(timedelta(minutes=2))
    await post(office.first, f"measures/{order}/services", served | {"served_at": office.moment()})
    await step(office.first, "start_rectifying")
    proof = {"kind": "document", "description": "租客搬离证明", "proves_rectification": True}
    await post(office.operator, "evidence", proof)
    await step(office.operator, "report_complete")
    await step(office.other, "start_follow_up")
    body = {"kind": "follow_up", "assigned_to": str(office.other.user_id)}
    again = (await post(manager, "visits", body))["visits"][-1]["id"]
    await office.visit(again, [office.other], {"outcome": "rectified"})
    closed = await step(manager, "close", reason="回访确认整改到位")
    assert closed["case"]["state"] == "closed"
    assert closed["actions"] == []
    papers = (await manager.get(f"{case}/documents", params={"limit": 1})).json()
    assert papers["items"][0]["kind"] == "order"
    rest = (await manager.get(f"{case}/documents", params={"cursor": papers["next_cursor"]})).json()
    assert [row["kind"] for row in rest["items"]] == ["notice"]
    register = {"year": 2026, "status": "issued", "number": "测住保责改"}
    found = (await office.auditor.get("/api/v1/documents", params=register)).json()["items"]
    assert [row["id"] for row in found] == [papers["items"][0]["id"]]
    for form in ("xlsx", "pdf"):
        made = await manager.post("/api/v1/problem-lists", json={"reason": "上报", "form": form})
        assert made.status_code == 201, made.text
        assert made.headers["etag"] == f'"{hashlib.sha256(made.content).hexdigest()}"'
        assert made.content.startswith({"xlsx": b"PK", "pdf": b"%PDF"}[form])
    items = (await manager.get("/api/v1/flagged-units")).json()["items"]
    assert items[0]["leads"] == []
    assert items[0]["last_visit"]["id"] == again
    assert (await office.auditor.get(case)).status_code == 200
    assert (await office.auditor.get("/api/v1/cases", params={"state": "closed"})).json()["items"][0][
        "state_zh"
    ] == "销号"


async def test_flagged_flats_come_severest_first_then_oldest(office: Office) -> None:
    assert (await office.manager.get("/api/v1/flagged-units")).json() == {"items": [], "next_cursor": None}
    await office.flag(0, severity="prompt", days=40)
    await office.flag(1, days=3)
    await office.flag(2, days=9)
    seen, cursor = [], None
    while True:
        page = (
            await office.auditor.get(
                "/api/v1/flagged-units", params={"limit": 1} | ({"cursor": cursor} if cursor else {})
            )
        ).json()
        seen += [row["room_no"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["103", "102", "101"]
    prompts = await office.manager.get("/api/v1/flagged-units", params={"severity": "prompt"})
    assert [row["room_no"] for row in prompts.json()["items"]] == ["101"]
    elsewhere = await office.manager.get("/api/v1/flagged-units", params={"estate_id": str(new_id())})
    assert elsewhere.json()["items"] == []
    for cursor in ("x", "WyIxIiwieCIsInkiXQ"):
        assert (await office.manager.get("/api/v1/flagged-units", params={"cursor": cursor})).status_code == 400


async def test_versions_and_illegal_steps_answer_with_what_is_right(office: Office) -> None:
    await office.flag(0)
    lead = (await office.manager.get("/api/v1/leads")).json()["items"][0]["id"]
    accepted = await office.manager.post(f"/api/v1/leads/{lead}/accept", json={"reason": "经核对属实"})
    case = f"/api/v1/cases/{accepted.json()['case']['id']}"
    begin = {"action": "start_verifying"}
    assert (await office.manager.post(f"{case}/steps", json=begin)).status_code == 400
    for tag, status in (('"7"', 412), ("W/x", 400)):
        stale = await office.manager.post(f"{case}/steps", json=begin, headers={"If-Match": tag})
        assert stale.status_code == status
    illegal = await office.manager.post(f"{case}/steps", json={"action": "close"}, headers={"If-Match": '"1"'})
    assert (illegal.status_code, illegal.json()["code"]) == (409, "illegal-step")
    assert "start_verifying" in {row["action"] for row in illegal.json()["extra"]["legal"]}
    role = await office.operator.post(f"{case}/steps", json=begin, headers={"If-Match": "*"})
    assert (role.status_code, role.json()["code"]) == (403, "role-not-allowed")
    table = (await office.first.get("/api/v1/case-table")).json()
    assert {"states", "steps", "requirements"} <= set(table)


async def test_uploads_over_http(office: Office) -> None:
    planned = await office.manager.post(
        "/api/v1/visits",
        json={
            "household_id": str(office.world.households[0]), "unit_id": str(office.world.units[0]), "kind": "patrol",
            "assigned_to": str(office.first.user_id),
        },
    )  # fmt: skip
    assert planned.status_code == 201, planned.text
    visit = planned.json()["visit"]["id"]
    url = f"/api/v1/visits/{visit}/photos/{uuid.uuid4()}"

    async def put(body: bytes, told: bytes | None) -> httpx.Response:
        headers = {} if told is None else {"Content-Digest": digest.header(told)}
        return await office.first.put(
            url, content=body, params={"caption": "客厅", "taken_at": office.moment()}, headers=headers
        )

    assert (await put(JPEG, None)).json()["code"] == "digest-required"
    wrong = await put(JPEG[:-1], JPEG)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "digest-mismatch")
    first = await put(JPEG, JPEG)
    assert first.status_code == 200
    assert (await put(JPEG, JPEG)).content == first.content
    other = await put(JPEG + b"1", JPEG + b"1")
    assert (other.status_code, other.json()["code"]) == (409, "id-reused")
    why = {"purpose": "tenancy_compliance", "reason": "核对入户照片"}
    picture = await office.auditor.get(url, params=why)
    assert (picture.content, picture.headers["content-type"]) == (JPEG, "image/jpeg")
    assert picture.headers["cache-control"] == "no-store"
    assert (await office.auditor.get(url)).status_code == 400
    assert (await office.second.get(url, params=why)).json()["code"] == "visit-not-found"
    cancelled = await office.manager.post(f"/api/v1/visits/{visit}/cancel", json={"reason": "改期进行"})
    assert cancelled.json()["visit"]["status"] == "cancelled"
    late = await office.send(office.first, visit, "photos", JPEG)
    assert late.json()["late"] is True
    listed = (await office.auditor.get("/api/v1/visits")).json()["items"]
    assert [row["id"] for row in listed] == [visit]


async def test_leads_by_hand(office: Office) -> None:
    body = {
        "household_id": str(office.world.households[1]), "unit_id": str(office.world.units[1]), "source": "complaint",
        "summary_zh": "邻居反映转租",
    }  # fmt: skip
    made = await office.manager.post("/api/v1/leads", json=body)
    assert made.status_code == 201, made.text
    lead = f"/api/v1/leads/{made.json()['id']}"
    for verb, status in (("dismiss", "dismissed"), ("reopen", "new")):
        answer = await office.manager.post(f"{lead}/{verb}", json={"reason": "电话核实过"})
        assert answer.json()["status"] == status
    assert (await office.auditor.get(lead)).json()["status"] == "new"
    assert (await office.first.get(lead)).status_code == 403
    assert (await office.auditor.post(f"{lead}/accept", json={"reason": "无权受理"})).status_code == 403


@pytest.mark.parametrize("route", ["leads", "visits", "cases"])
async def test_cursors_are_ours(office: Office, route: str) -> None:
    for cursor in ("%%%", "W10", "WyJ4IiwieSJd"):
        answer = await office.manager.get(f"/api/v1/{route}", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")
