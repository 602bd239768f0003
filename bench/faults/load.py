"""The load: terminals, an inspector's phone and a manager's desk, each repeating a request until it is acknowledged.

Nothing is sent anew while an earlier request of the same sender has no answer, as terminals and phones do it.
"""

import base64
import hashlib
import http.client
import io
import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from api.demo.people import Player
from api.demo.terminal import FACE_PASS, Terminal
from bench.faults.journal import Entry, Journal
from bench.faults.world import World
from storage.clock import SystemClock
from storage.ids import new_id

TIMEOUT_S = 4.0
ATTEMPTS = 400  # half a minute and more of refusals: then the installation does not come back
STEPS_A_CASE = 24
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
STILL_RUNNING = b"request-still-running"  # 409: the try before is not over on the server


class Refused(Exception):
    """An answer that no repetition changes: the product refuses what it should take."""


@dataclass(slots=True)
class Lines:
    """The ports that lead to the servers, through their proxies; a sender whose line breaks takes the next one."""

    ports: list[int]

    def send(
        self, number: int, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes] | None:
        """One request on a fresh connection; None when no answer came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[number % len(self.ports)], timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


@dataclass(slots=True)
class Load:
    """All senders. `tries`, `statuses` count by kind; `failed` holds what ended a sender."""

    world: World
    lines: Lines
    journal: Journal
    seed: int
    acknowledged: Counter[str] = field(default_factory=Counter)
    resent: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    going: threading.Event = field(default_factory=threading.Event)
    ending: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    patient: threading.Event = field(default_factory=threading.Event)

    def open(self) -> None:
        """Starts the senders; they wait for `going`."""
        terminals = [
            self.of_terminal(number, device, token) for number, (device, token) in enumerate(self.world.tokens.items())
        ]
        for name, work in (
            *((f"terminal-{number}", work) for number, work in enumerate(terminals)),
            ("phone", Phone(self).photo),
            ("desk", Desk(self).act),
        ):
            thread = threading.Thread(target=self._repeat, args=(name, work), daemon=True, name=name)
            thread.start()
            self.threads.append(thread)

    def pause(self, patience_s: float = 180.0) -> bool:
        """Lets every sender finish what it is at; whether all did."""
        self.going.clear()
        end = time.monotonic() + patience_s
        while self.busy and time.monotonic() < end and not self.failed:
            time.sleep(0.02)
        return not self.busy

    def close(self) -> None:
        """Ends the senders."""
        self.ending.set()
        self.going.set()
        for thread in self.threads:
            thread.join(TIMEOUT_S * 3)

    def of_terminal(self, number: int, device: str, token: str) -> Callable[[], None]:
        """A terminal: each call is one event."""
        terminal = Terminal(f"门{number}")
        chance = random.Random(f"{self.seed}-{number}")
        pictures = device == self.world.snapshot

        def event() -> None:
            picture = small_picture(chance) if pictures and terminal.serial % 4 == 0 else None
            push = terminal.event(SystemClock().now(), FACE_PASS, person_no="00015", picture=picture)
            terminal.log.clear()  # it remembers nothing here: nothing is replayed
            path, headers = f"/gate/hikvision/{token}", {"Content-Type": push.content_type}
            _, _, tries = self.until_taken("event", number, "POST", path, push.body, lambda: headers)
            self.note(Entry("event", f"{device}:{terminal.serial}", tries))
            time.sleep(0.02 if not pictures else 0.08)

        return event

    def until_taken(
        self, kind: str, line: int, method: str, path: str, body: bytes, headers: Callable[[], dict[str, str]],
        *, accept: frozenset[int] = frozenset({200, 201}), renew: Callable[[int], None] | None = None,
    ) -> tuple[int, bytes, int]:  # fmt: skip
        """Sends until an answer is one of `accept`; status, body and how often it was sent. Raises `Refused`."""
        tries = 0
        while True:
            tries += 1
            answer = self.lines.send(line + tries - 1, method, path, body, headers())
            with self.lock:
                self.statuses[f"{kind} {answer[0] if answer is not None else 'none'}"] += 1
            if answer is not None and answer[0] in accept:
                return answer[0], answer[1], tries
            if answer is not None and answer[0] == http.client.UNAUTHORIZED and renew is not None:
                renew(line + tries)
            elif answer is not None and answer[0] not in RETRIED and STILL_RUNNING not in answer[1]:
                raise Refused(f"{kind} {method} {path}: {answer[0]} {answer[1][:300]!r}")
            if tries >= ATTEMPTS:
                raise Refused(f"{kind} {method} {path}: never acknowledged in {tries} tries")
            time.sleep(0.1 if tries > 1 else 0.02)

    def note(self, entry: Entry) -> None:
        """An acknowledgement: on disk, then counted."""
        self.journal.add(entry)
        with self.lock:
            self.acknowledged[entry.kind] += 1
            self.resent[entry.kind] += entry.tries - 1

    def _repeat(self, name: str, work: Callable[[], None]) -> None:
        while not self.ending.is_set():
            self.going.wait()
            self.busy.add(name)
            try:
                if self.going.is_set() and not self.ending.is_set():
                    work()
            except Exception as error:  # noqa: BLE001 - whatever ends a sender is a finding
                self.failed.append(f"{name}: {type(error).__name__}: {error}")
                return
            finally:
                self.busy.discard(name)


@dataclass(slots=True)
class Session:
    """A person's log-in over the faulty lines; a refused token is met by signing in again."""

    load: Load
    player: Player
    token: str = ""

    def headers(self, **more: str) -> dict[str, str]:
        """Headers with the token."""
        return {"Authorization": f"Bearer {self.token}"} | {name.replace("_", "-"): text for name, text in more.items()}

    def renew(self, line: int) -> None:
        """Signs in."""
        body = json.dumps({"login": self.player.login, "password": self.player.password}).encode()
        headers = {"Content-Type": "application/json"}
        answer = self.load.until_taken("session", line, "POST", "/api/v1/session", body, lambda: headers)
        self.token = json.loads(answer[1])["access_token"]

    def call(
        self, kind: str, method: str, path: str, body: bytes = b"", *, accept: tuple[int, ...] = (200, 201),
        **headers: str,
    ) -> tuple[int, bytes, int]:  # fmt: skip
        """One request, until it is taken."""
        return self.load.until_taken(
            kind, 0, method, f"/api/v1{path}", body, lambda: self.headers(**headers), accept=frozenset(accept),
            renew=self.renew,
        )  # fmt: skip


class Phone:
    """The inspector's phone: photos of one visit, under ids of its own."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.session = Session(load, load.world.inspector)
        self.chance = random.Random(f"{load.seed}-phone")

    def photo(self) -> None:
        """One photo."""
        visit, photo, data = self.load.world.visit_id, new_id(), small_picture(self.chance)
        digest = hashlib.sha256(data).digest()
        _, _, tries = self.session.call(
            "photo", "PUT", f"/visits/{visit}/photos/{photo}", data, Content_Type="image/jpeg",
            Content_Digest=f"sha-256=:{base64.b64encode(digest).decode()}:",
        )  # fmt: skip
        self.load.note(Entry("photo", str(photo), tries, digest.hex(), visit))
        time.sleep(0.3)


class Desk:
    """The manager's desk: leads, cases and their steps. Each thing carries a mark of its own, by which it is found."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.session = Session(load, load.world.manager)
        self.chance = random.Random(f"{load.seed}-desk")
        self.case: dict[str, Any] | None = None
        self.steps = 0

    def act(self) -> None:
        """One thing after the other: a lead, its case, pieces of evidence and steps in turn, the next lead."""
        if self.case is None:
            self.open_case()
        elif self.steps >= STEPS_A_CASE:
            self.step("withdraw", document="撤案决定")
            self.case = None
        elif self.case["state"] == "suspended":
            self.step("resume")
        elif self.chance.random() < 0.3:
            self.add_evidence()
        else:
            self.step("suspend", document="中止决定", legal_basis="测试依据")
        time.sleep(0.15)

    def send(self, kind: str, path: str, body: dict[str, Any], **headers: str) -> tuple[dict[str, Any], int]:
        """A POST under a key: done once however often it is sent."""
        _, answer, tries = self.session.call(
            kind, "POST", path, json.dumps(body).encode(), accept=(201,), Content_Type="application/json",
            Idempotency_Key=str(uuid.uuid4()), **headers,
        )  # fmt: skip
        return json.loads(answer), tries

    def open_case(self) -> None:
        """A lead comes in and is accepted. Accepting knows no key: a second try finds it done."""
        world, mark = self.load.world, f"lead-{new_id()}"
        lead, tries = self.send(
            "lead", "/leads",
            {"household_id": world.household_id, "unit_id": world.unit_id, "source": "hotline", "summary_zh": mark},
        )  # fmt: skip
        self.load.note(Entry("lead", mark, tries))
        mark = f"accept-{new_id()}"
        status, answer, tries = self.session.call(
            "step", "POST", f"/leads/{lead['id']}/accept", json.dumps({"reason": mark}).encode(), accept=(200, 409),
            Content_Type="application/json",
        )  # fmt: skip
        if status == http.client.OK:
            self.case = json.loads(answer)["case"]
        elif tries == 1:
            raise Refused(f"a new lead cannot be accepted: {answer[:300]!r}")
        else:
            path = f"/cases?household_id={world.household_id}&limit=1"
            self.case = json.loads(self.session.call("read", "GET", path)[1])["items"][0]
            if self.case is None or self.case["lead_id"] != lead["id"]:
                raise Refused("a lead that was accepted has no case")
        self.steps = 1
        self.load.note(Entry("step", mark, tries))

    def step(self, action: str, **more: str) -> None:
        """A step, at the version that is known."""
        if self.case is None:
            raise Refused("no case")
        mark = f"{action}-{new_id()}"
        whole, tries = self.send(
            "step", f"/cases/{self.case['id']}/steps", {"action": action, "reason": mark} | more,
            If_Match=f'"{self.case["version"]}"',
        )  # fmt: skip
        self.case = whole["case"]
        self.steps += 1
        self.load.note(Entry("step", mark, tries))

    def add_evidence(self) -> None:
        """A piece of evidence."""
        if self.case is None:
            raise Refused("no case")
        mark = f"evidence-{new_id()}"
        whole, tries = self.send(
            "evidence", f"/cases/{self.case['id']}/evidence", {"kind": "statement", "description": mark},
            If_Match=f'"{self.case["version"]}"',
        )  # fmt: skip
        self.case = whole["case"]
        self.steps += 1
        self.load.note(Entry("evidence", mark, tries))


def small_picture(chance: random.Random) -> bytes:
    """A picture of nothing, unlike any other, some kilobytes of JPEG."""
    from PIL import Image

    image = Image.frombytes("RGB", (48, 48), chance.randbytes(48 * 48 * 3))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()
