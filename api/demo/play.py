"""The demonstration from the empty folder to the closed case."""

import asyncio
import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any

import httpx

from api.demo import estate, furnish
from api.demo.days import FIRST_DAY, LAST_DAY, Faces, Story
from api.demo.narrator import Narrator
from api.demo.office import Office
from api.demo.people import Player, new_password
from api.demo.result import collect
from api.demo.stack import Stack, fresh_stack
from api.demo.terminal import Push
from gate_integration.faces import sample_pictures
from inspection.users import proposals
from inspection.users import service as users
from inspection.users.hashing import PasswordHashing
from inspection.users.models import ProposalKind, ScopeLevel, UserRole
from inspection.users.proposals import Asked
from inspection.users.schemas import GrantInput, UserInput
from storage.audit.service import Actor
from storage.clock import SHANGHAI
from storage.database import EstateScope, Role

OPENING = clock_time(0, 5)


@dataclass(slots=True)
class Played:
    """A played demonstration that still serves."""

    stack: Stack
    players: dict[str, Player]
    result: dict[str, Any]


class Gates:
    """Posts what the terminals push, over HTTP; a terminal sends one request after the other."""

    def __init__(self, base_url: str, tokens: dict[str, str]) -> None:
        self.tokens = tokens
        self.posted = 0
        self.runner = asyncio.Runner()
        # Plain HTTP on loopback: certificates need not be loaded.
        self.client = httpx.AsyncClient(base_url=base_url, timeout=30, verify=False)  # noqa: S501

    def send(self, pushes: list[Push]) -> None:
        """One hour's pushes: terminals side by side, each in its own order."""
        by_terminal: dict[str, list[Push]] = {}
        for push in pushes:
            by_terminal.setdefault(push.terminal, []).append(push)
        self.runner.run(self.of_terminals(list(by_terminal.values())))

    async def of_terminals(self, rows: list[list[Push]]) -> None:
        """All terminals at once."""
        await asyncio.gather(*(self.of_terminal(pushes) for pushes in rows))

    async def of_terminal(self, pushes: list[Push]) -> None:
        """One terminal's requests."""
        for push in pushes:
            answer = await self.client.post(
                f"/gate/hikvision/{self.tokens[push.terminal]}", content=push.body,
                headers={"Content-Type": push.content_type},
            )  # fmt: skip
            answer.raise_for_status()
            self.posted += 1

    def close(self) -> None:
        """Ends the connections."""
        self.runner.run(self.client.aclose())
        self.runner.close()


def play(narrator: Narrator) -> Played:
    """Plays the whole story; the stack is left running."""
    began = time.monotonic()
    start = datetime.combine(FIRST_DAY, OPENING, SHANGHAI)
    with narrator.working("取得测试照片", "fetching the test photographs"):
        stack = fresh_stack(start)
        pictures = sample_pictures.fetch(stack.settings.cache_dir / "pictures")
    try:
        return story(stack, narrator, pictures, began)
    except BaseException:
        stack.stop()
        raise


def story(stack: Stack, narrator: Narrator, pictures: dict[str, Any], began: float) -> Played:
    """The story on a fresh stack."""
    people = estate.residents()
    with narrator.working("启动数据库、服务与后台", "starting database, server and worker"):
        house = stack.open(lambda _: None)
        chief = first_user(stack)
        stack.start()
        chief.sign_in()
        chief.choose_password()
    narrator.chapter("一、小区与住户", "1. The estate and its people")
    with narrator.working("导入 200 户，登记同意、终端与门禁卡", "importing 200 flats, consents, terminals, cards"):
        found = furnish.make_estate(chief, people)
        furnish.hire(chief, found, stack.url)
        furnish.look_up(found, people)
        furnish.install(chief, found, people)
        furnish.settle(found, people, pictures)
    narrator.cast()

    narrator.chapter("二、门禁两个月", "2. Two months at the gates")
    faces = Faces(
        tenant=tuple(pictures[role].read_bytes() for role in ("tenant_2", "tenant_3")),
        stranger=pictures["stranger"].read_bytes(), carer=pictures["carer"].read_bytes(),
    )  # fmt: skip
    tale = Story(people, faces)
    gates = Gates(stack.url, found.tokens)
    with narrator.days((LAST_DAY - FIRST_DAY).days + 1) as tell_day:
        for day, pushes in tale.days():
            live_through(stack, gates, chief, day_start=datetime.combine(day, OPENING, SHANGHAI), pushes=pushes)
            tell_day(day, gates.posted)
    gates.close()
    settle_down(stack, chief, datetime.combine(LAST_DAY, OPENING, SHANGHAI) + timedelta(days=1, hours=3))

    narrator.chapter("三、系统看到了什么", "3. What the system saw")
    seen = collect(chief, found)
    narrator.findings(seen, gates.posted)

    narrator.chapter("四、由人决定", "4. People decide")
    office = Office(found, stack.clock, narrator.line)
    stack.clock.set(datetime.combine(LAST_DAY + timedelta(days=5), clock_time(10), SHANGHAI))
    office.accept("未登记人员四周来几乎每日进出，承租人未再出现，予以受理核查。")
    office.wait(days=1)
    office.verify()
    office.hear()
    office.rectify()
    final = office.read()["case"]["state"]
    folder = stack.settings.data_dir / "papers"
    folder.mkdir(exist_ok=True)
    for name, content in office.papers.items():
        (folder / name).write_bytes(content)
    narrator.line(f"文书与清单存于 {folder}", f"The documents lie in {folder}")
    result = {
        "events_posted": gates.posted,
        **seen,
        "visit": {"id": office.visit_id, "check_in_grade": office.grade, "photos": office.photos},
        "case": {"id": office.case_id, "states": office.states, "final": final},
        "papers": {name: hashlib.sha256(content).hexdigest() for name, content in office.papers.items()},
        "seconds": round(time.monotonic() - began, 1),
    }
    stack.check()
    del house
    return Played(stack, {"chief": chief, **found.players}, result)


def first_user(stack: Stack) -> Player:
    """The administrator, made as `ruhu user add` makes the first user."""
    password = new_password()
    house = stack.house
    if house is None:
        raise RuntimeError("the stack is not open")

    async def add() -> None:
        data = UserInput(login="chief", name="管理员", password=password)
        grant = GrantInput(role=UserRole.ADMINISTRATOR, level=ScopeLevel.ALL)
        password_hash = await PasswordHashing(house.settings.sign_in).hash(password)
        now, console = house.clock.now(), Actor.system("demo")
        async with house.database.transaction(Role.APP, EstateScope(())) as session:
            user = await users.create_user(
                session, data=data, password_hash=password_hash, own=None, actor=console, now=now
            )
            asked = Asked(ProposalKind.GRANT, user.id, "demo", grant=grant)
            await proposals.propose(session, asked=asked, own=None, actor=console, now=now)
        await house.database.dispose()

    asyncio.run(add())
    return Player(stack.url, "chief", password, "管理员")


def live_through(stack: Stack, gates: Gates, chief: Player, *, day_start: datetime, pushes: list[Push]) -> None:
    """One day: the clock goes hour by hour, and each hour's pushes arrive in it."""
    hours: dict[datetime, list[Push]] = {}
    for push in pushes:
        hours.setdefault(push.at.replace(minute=59, second=59, microsecond=0), []).append(push)
    stack.clock.set(max(day_start, stack.clock.now().astimezone(SHANGHAI)))
    for hour, rows in sorted(hours.items()):
        stack.clock.set(max(hour, stack.clock.now().astimezone(SHANGHAI)))
        gates.send(rows)
    settle_down(stack, chief, day_start + timedelta(days=1))


def settle_down(stack: Stack, chief: Player, moment: datetime, *, patience_s: float = 120) -> None:
    """Waits until everything that arrived was read, moves on, and waits until the jobs due by then are done."""
    wait_until(stack, chief, "deliveries", patience_s)
    stack.clock.set(max(moment, stack.clock.now().astimezone(SHANGHAI)))
    time.sleep(0.15)  # the worker looks at its timers ten times a second
    wait_until(stack, chief, "jobs", patience_s)


def wait_until(stack: Stack, chief: Player, what: str, patience_s: float) -> None:
    """Waits until none of `what` is left."""
    end = time.monotonic() + patience_s
    while chief.get("/operation/backlog")[what]:
        stack.check()
        if time.monotonic() > end:
            raise RuntimeError(f"{what} are still waiting after {patience_s:.0f} s")
        time.sleep(0.02)
