"""Manager and inspectors play the case through the API, from the lead to its closing, each legal period elapsing."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from api.demo import estate
from api.demo.furnish import Furnished
from api.demo.people import Player
from storage.clock import SHANGHAI, SimulatedClock
from storage.ids import new_id

BASIS = "公共租赁住房管理办法第二十七条第一款第一项；行政处罚法第二十八条"
CALM = dict.fromkeys(
    ("illness", "disability", "minors", "in_hospital", "caring_for_relatives", "violence", "shift_or_away_work",
     "bereavement", "schooling"),
    False,
)  # fmt: skip
MANAGER, FIRST, SECOND, OTHER = "manager", "inspector-1", "inspector-2", "inspector-3"

Say = Callable[[str, str], None]


@dataclass(slots=True)
class Office:
    """One case, with everybody who works on it. `say` tells each thing in Chinese and English."""

    found: Furnished
    clock: SimulatedClock
    say: Say
    case_id: str = ""
    lead_id: str = ""
    visit_id: str = ""
    grade: str = ""
    photos: int = 0
    states: list[str] = field(default_factory=list)
    papers: dict[str, bytes] = field(default_factory=dict)

    def player(self, name: str) -> Player:
        """Somebody by log-in."""
        return self.found.players[name]

    def now(self) -> datetime:
        """The simulated moment."""
        return self.clock.now()

    def wait(self, **delta: float) -> None:
        """Time passes; office hours are kept."""
        moment = (self.clock.now() + timedelta(**delta)).astimezone(SHANGHAI)
        if not 9 <= moment.hour < 18:
            moment = moment.replace(hour=10, minute=0)
        self.clock.set(max(moment, self.clock.now().astimezone(SHANGHAI)))

    def read(self) -> dict[str, Any]:
        """The case as the manager sees it."""
        whole: dict[str, Any] = self.player(MANAGER).get(f"/cases/{self.case_id}")
        return whole

    def step(self, action: str, zh: str, en: str, *, by: str = MANAGER, **more: Any) -> None:  # noqa: ANN401 - JSON
        """Takes a step and tells it."""
        version = self.read()["case"]["version"]
        whole = self.player(by).call(
            "POST",
            f"/cases/{self.case_id}/steps",
            json={"action": action, **more},
            headers={"If-Match": f'"{version}"'},
        )
        self.states.append(whole["case"]["state"])
        day = self.now().astimezone(SHANGHAI).strftime("%m-%d")
        who = self.player(by).name
        self.say(f"{day} {who}：{zh} → {whole['case']['state_zh']}", f"{day} {by}: {en} → {whole['case']['state_en']}")

    def accept(self, reason: str) -> None:
        """The manager reads the flagged unit and takes its lead up."""
        unit_id = self.found.units[estate.SUBLET]
        flagged = next(row for row in self.player(MANAGER).all("/flagged-units") if row["unit_id"] == unit_id)
        self.lead_id = flagged["leads"][0]["id"]
        accepted = self.player(MANAGER).post(f"/leads/{self.lead_id}/accept", reason=reason)
        self.case_id = accepted["case"]["id"]
        self.states += ["lead", accepted["case"]["state"]]
        self.say(
            f"审核员受理线索，立案 {accepted['case']['number_zh']}",
            f"The manager accepts the lead: case {accepted['case']['number']}",
        )

    def visit(self, kind: str, officers: tuple[str, ...], finding: dict[str, Any], met: list[dict[str, Any]]) -> str:
        """A visit by the book: check-in with three fixes, photos, people met, finding, result."""
        case = self.player(MANAGER).post(
            f"/cases/{self.case_id}/visits", kind=kind, assigned_to=self.player(officers[0]).id,
            second_officer=self.player(officers[1]).id if len(officers) > 1 else None,
            due_at=(self.now() + timedelta(days=3)).isoformat(),
        )  # fmt: skip
        visit_id = next(v["id"] for v in case["visits"] if v["status"] == "planned")
        self.wait(hours=1)
        for name in officers:
            graded = self.put(name, f"/visits/{visit_id}/check-ins/{new_id()}", self.check_in())
            self.grade = self.grade or graded["grade"]
        lead = officers[0]
        for caption in ("门牌", "客厅"):
            digest_twice = picture_of(caption)
            path = f"/visits/{visit_id}/photos/{new_id()}"
            for _ in range(2):  # the phone did not hear the first answer and sends again: nothing is doubled
                self.player(lead).put(path, digest_twice, "image/jpeg", caption=caption)
        for person in met:
            self.put(lead, f"/visits/{visit_id}/occupants/{new_id()}", person)
        self.put(lead, f"/visits/{visit_id}/findings/{new_id()}", finding)
        ending = {"result": "met", "let_in_by": "屋内人员开门，允许查看各房间"}
        details = self.player(lead).call("PUT", f"/visits/{visit_id}/result", json=ending)
        self.photos = self.photos or len(details["photos"])
        return str(visit_id)

    def put(self, name: str, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Sends JSON as a phone does."""
        return self.player(name).put(path, json.dumps(body, ensure_ascii=False).encode())

    def check_in(self) -> dict[str, Any]:
        """Three fixes inside the estate."""
        now = self.now()
        return {
            "phone_time": now.isoformat(),
            "clock_difference_s": 0.4,
            "fixes": [
                {"lat": 39.9015, "lon": 116.302, "crs": "wgs84", "accuracy_m": 8.0, "provider": "gnss",
                 "fixed_at": (now - timedelta(seconds=seconds)).isoformat()}
                for seconds in (0, 10, 20)
            ],
        }  # fmt: skip

    def paper(self, kind: str, **more: Any) -> str:  # noqa: ANN401 - JSON
        """Drafts a document, looks at it, and issues what was looked at; its PDF is read again and is the same."""
        manager = self.player(MANAGER)
        drafted = manager.post(f"/cases/{self.case_id}/documents", kind=kind, **more)["document"]
        path = f"/documents/{drafted['id']}"
        seen = sha256(manager.file("GET", f"{path}/file")).hexdigest()
        issued = manager.call("POST", f"{path}/issue", headers={"If-Match": f'"{seen}"'})["document"]
        kept = manager.file("GET", f"{path}/file")
        if sha256(kept).hexdigest() != issued["sha256"]:
            raise RuntimeError("an issued document has other bytes than its hash says")
        self.papers[f"{issued['number']}.pdf"] = kept
        self.say(f"签发《{issued['title']}》{issued['number']}", f"Issued: {kind}, {issued['number']}")
        return str(drafted["id"])

    def serve(self, kind: str) -> None:
        """The newest document of a kind is handed over."""
        measure = [row for row in self.read()["measures"] if row["kind"] == kind][-1]
        self.player(FIRST).post(
            f"/cases/{self.case_id}/measures/{measure['id']}/services", method="direct",
            served_at=self.now().isoformat(), received_by="承租人本人",
        )  # fmt: skip

    def verify(self) -> None:
        """核查: two officers visit and find somebody else living there."""
        self.step("start_verifying", "开始核查", "verification begins", by=FIRST)
        self.visit_id = self.visit(
            "verification",
            (FIRST, SECOND),
            {"outcome": "substantiated", "violation": "sublet", "began_on": "2026-04-02", "vulnerability": CALM,
             "statement": "屋内由一名未登记人员居住，其出示租金转账记录；承租人衣物用品均不在屋内。"},
            [{"described_as": "自称租客，四月初入住", "relation": "tenant_of_tenant", "lives_here": True,
              "since": "2026-04", "statement": "每月向承租人转账租金。"}],
        )  # fmt: skip
        self.say(
            f"两名巡查员入户：签到评级 {self.grade}，照片 {self.photos} 张，见到一名自称租客的人",
            f"Two inspectors visit: check-in grade {self.grade}, {self.photos} photos, somebody who says they rent",
        )
        self.step("substantiate", "认定转租", "classified as subletting", violation="sublet", legal_basis=BASIS,
                  began_on="2026-04-02")  # fmt: skip

    def hear(self) -> None:
        """告知、陈述申辩、复核: nobody decides before the person was heard and each point was answered."""
        gate = next(row for row in self.read()["evidence"] if row["kind"] == "gate")
        self.player(MANAGER).post(
            f"/cases/{self.case_id}/evidence/{gate['id']}/reviews", admissible=True,
            note="设备经检定，标志明显，设置地点已公布",
            checks={"legal_review": True, "technical_review": True, "conspicuously_marked": True,
                    "locations_published": True},
        )  # fmt: skip
        self.paper("visit_record", visit_id=self.visit_id)
        notice = self.paper("notice", legal_basis=BASIS)
        self.step("give_notice", "发出拟处理告知书", "notice given", legal_basis=BASIS, document_id=notice)
        self.wait(days=1)
        self.serve("notice")
        self.step("open_representation", "送达，陈述申辩期开始", "served, time to be heard", by=FIRST)
        self.wait(hours=2)
        made = self.player(FIRST).post(
            f"/cases/{self.case_id}/representations", made_by="承租人", made_at=self.now().isoformat(),
            points=["临时去外地务工，让朋友看房。", "收到的钱只够水电费。"],
        )  # fmt: skip
        representation = made["representations"][-1]["id"]
        for point, reply in enumerate(
            (
                "外出务工可以报备，但不得由他人长期居住；核查时承租人用品均不在屋内。",
                "转账记录为每月固定金额，与水电费账单不符。",
            )
        ):
            self.player(MANAGER).post(
                f"/cases/{self.case_id}/representations/{representation}/points/{point}/reply", reply=reply
            )
        self.say("承租人陈述申辩两点，逐点书面答复", "The tenant makes two points; each is answered in writing")
        self.after("representation")
        self.step(
            "review", "申辩期满，复核", "the period has lapsed, reviewed", reason="逐点复核，事实清楚，证据充分。"
        )

    def after(self, kind: str) -> None:
        """Lets a legal period elapse, to the morning after its last day."""
        due = next(row["due_at"] for row in self.read()["deadlines"] if row["kind"] == kind)
        moment = datetime.fromisoformat(due).astimezone(SHANGHAI)
        self.clock.set(max(self.now(), moment.replace(hour=10, minute=0)))

    def rectify(self) -> None:
        """责令整改、申报、回访、销号: closed only after somebody else has looked."""
        order = self.paper("order", legal_basis=BASIS)
        self.step("order_rectification", "责令限期整改", "ordered to put it right", legal_basis=BASIS,
                  document_id=order)  # fmt: skip
        self.wait(days=1)
        self.serve("order")
        self.step("start_rectifying", "送达，整改期开始", "served, rectification begins", by=FIRST)
        self.wait(days=9)
        self.player(FIRST).post(
            f"/cases/{self.case_id}/evidence", kind="document", description="租客搬离照片及承租人退租协议",
            proves_rectification=True,
        )  # fmt: skip
        self.step("report_complete", "承租人申报整改完成", "reported complete", by=FIRST)
        self.wait(days=1)
        self.step("start_follow_up", "另一名巡查员开始回访", "another inspector follows up", by=OTHER)
        self.visit(
            "follow_up", (OTHER, SECOND),
            {"outcome": "rectified", "statement": "承租人本人在家居住，未登记人员已搬离。"},
            [{"person_id": self.found.persons[self.tenant()], "lives_here": True}],
        )  # fmt: skip
        self.step("close", "销号", "closed", reason="回访确认整改到位。")
        self.paper("closure", legal_basis=BASIS)
        listed = self.player(MANAGER).file("POST", "/problem-lists", json={"reason": "上报整治进展"})
        self.papers["问题（整改）清单.xlsx"] = listed
        self.say("导出问题（整改）清单", "The list of problems is taken out")

    def tenant(self) -> str:
        """The name of the tenant in the story's case."""
        whole = self.player(MANAGER).get(f"/households/{self.found.households[estate.SUBLET]}")
        return str(whole["members"][0]["person"]["name"])


def picture_of(caption: str) -> bytes:
    """A drawn photograph of a place; there is nobody in it."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (800, 600), (206, 200, 188))
    draw = ImageDraw.Draw(image)
    draw.rectangle((260, 90, 540, 560), fill=(122, 84, 52), outline=(60, 40, 24), width=6)
    draw.ellipse((500, 320, 524, 344), fill=(212, 175, 55))
    draw.text((280, 110), f"{caption} {new_id().hex[-6:]}".encode("ascii", "replace").decode(), fill=(250, 250, 250))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()
