"""Tells the demonstration's story to a person, in Chinese or English by their locale."""

import locale
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.demo import estate
from api.demo.result import NOT_ACCUSED

CAST = (
    (estate.FAMILY, "承租人 001 一家：人脸已登记", "tenant 001 and family: face enrolled"),
    (
        estate.SUBLET,
        "承租人 002：三月底搬走，四月起另有其人",
        "tenant 002: leaves in March, somebody else comes in April",
    ),
    (estate.CARE, "承租人 003，高龄：护工 001 已登记", "tenant 003, old: carer 001 is registered"),
    (estate.REFUSER, "承租人 004：拒绝人脸识别，用门禁卡", "tenant 004: refused face recognition, uses a card"),
    (estate.HOSPITAL, "承租人 005：住院两个月，已报备", "tenant 005: two months in hospital, and said so"),
)
WEIGHTS = {
    "lead": ("线索，待人核实", "a lead: somebody should look"),
    "prompt": ("提示，请登记或说明", "a prompt: please register or explain"),
}


def prefers_chinese() -> bool:
    """Whether the person's locale is Chinese; Chinese too where nothing is said."""
    said = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    said = said or (locale.getlocale()[0] or "")
    return said.lower().startswith("zh") or said.split(".")[0] in {"", "C", "POSIX"}


class Narrator:
    """Writes to standard error, so that JSON on standard output stays alone."""

    def __init__(self, *, chinese: bool | None = None) -> None:
        self.chinese = prefers_chinese() if chinese is None else chinese
        self.console = Console(file=sys.stderr, highlight=False)

    def text(self, zh: str, en: str) -> str:
        """One of the two."""
        return zh if self.chinese else en

    def chapter(self, zh: str, en: str) -> None:
        """A heading."""
        self.console.print()
        self.console.rule(f"[bold]{self.text(zh, en)}[/bold]", align="left")

    def line(self, zh: str, en: str) -> None:
        """One thing that happened."""
        self.console.print(f"  • {self.text(zh, en)}", markup=False)

    @contextmanager
    def working(self, zh: str, en: str) -> Iterator[None]:
        """Something that takes a while."""
        with self.console.status(self.text(zh, en)):
            yield
        self.console.print(f"  [green]✓[/green] {self.text(zh, en)}")

    def cast(self) -> None:
        """The five flats of the story."""
        for household, zh, en in CAST:
            self.line(f"{household}  {zh}", f"{household}  {en}")
        self.line("其余 195 户照常生活", "195 other flats live their lives")

    @contextmanager
    def days(self, total: int) -> Iterator[Callable[[date, int], None]]:
        """Progress through the days."""
        progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(), console=self.console,
        )  # fmt: skip
        with progress:
            task = progress.add_task("", total=total)

            def tell(day: date, posted: int) -> None:
                posts = self.text(f"{day:%m月%d日}  已收 {posted} 条", f"{day:%d %b}  {posted} received")
                progress.update(task, advance=1, description=posts)

            yield tell

    def findings(self, seen: dict[str, Any], posted: int) -> None:
        """What the system made of it: counts, what it noticed, whom it does not accuse."""
        bands, copies = seen["sightings"], seen["duplicates_dropped"]
        self.line(
            f"收到 {posted} 条，其中重复 {copies} 条不计；目击：匹配 {bands['match']}，待核 {bands['review']}，"
            f"不匹配 {bands['no_match']}，无法使用 {bands['unusable']}",
            f"{posted} received, {copies} copies not counted; sightings: {bands['match']} match, "
            f"{bands['review']} review, {bands['no_match']} no match, {bands['unusable']} unusable",
        )
        for found in seen["discrepancies"]:
            weight = self.text(*WEIGHTS[found["severity"]])
            title = f"{found['household']}  {found['rule']}  {weight}"
            text = found["explanation_zh"] if self.chinese else seen["texts_en"][found["household"], found["rule"]]
            self.console.print(Panel(text, title=title, title_align="left", border_style="yellow"))
        table = Table(title=self.text("不予怀疑，及理由", "Not accused, and why"), title_justify="left", box=None)
        table.add_column(self.text("户", "household"), style="bold")
        table.add_column(self.text("理由", "why"))
        for row in seen["not_accused"]:
            why = row["why"] if self.chinese else seen["texts_en"][row["household"], NOT_ACCUSED]
            table.add_row(row["household"], why)
        self.console.print(table)

    def farewell(self, url: str, log_ins: dict[str, str]) -> None:
        """Where it serves, and how to get in."""
        table = Table(box=None, title=self.text("登录", "Log-ins"), title_justify="left")
        for login, password in log_ins.items():
            table.add_row(login, password)
        self.console.print()
        self.console.print(table)
        self.line(
            f"服务地址 {url}，接口文档 {url}/api/v1/openapi.json", f"serving {url}, interface {url}/api/v1/openapi.json"
        )
        self.line("按 Ctrl-C 结束", "Ctrl-C ends it")
