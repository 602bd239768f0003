"""The sheet of consents: who allowed what, when, told by which notice. Bytes in, lines out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from gate_integration.sheets.reader import Row, plain, read_sheet
from inspection.registry.consents.models import ConsentScope
from inspection.registry.consents.service import Channel
from inspection.registry.imports.values import EXAMPLE, read_date, words

MOST_LINES: Final = 20_000
LONGEST: Final = 64


class Heading(StrEnum):
    """A column; the value is its name in the template."""

    NUMBER = "人员编号"
    NAME = "姓名"
    TEMPLATE = "同意人脸模板"
    KEEP_PHOTO = "同意保存照片"
    PUSH_TO_GATES = "同意下发门禁"
    OFF_DEVICE = "同意照片传出设备"
    SIGNED = "同意日期"
    NOTICE = "告知书版本"
    CHANNEL = "同意方式"
    GUARDIAN = "监护人姓名"
    RELATION = "监护关系"
    PAPER = "纸质编号"


ALIASES: Final[dict[Heading, tuple[str, ...]]] = {
    Heading.NUMBER: ("身份证号", "身份证号码", "公民身份号码", "证件号码", "person_number"),
    Heading.NAME: ("人员姓名", "name"),
    Heading.TEMPLATE: ("人脸模板", "template"),
    Heading.KEEP_PHOTO: ("保存照片", "keep_photo"),
    Heading.PUSH_TO_GATES: ("下发门禁", "push_to_gates"),
    Heading.OFF_DEVICE: ("传出设备", "off_device"),
    Heading.SIGNED: ("签署日期", "日期", "date"),
    Heading.NOTICE: ("告知书", "notice_version"),
    Heading.CHANNEL: ("方式", "channel"),
    Heading.GUARDIAN: ("监护人", "guardian"),
    Heading.RELATION: ("与本人关系", "关系", "relation"),
    Heading.PAPER: ("同意书编号", "paper_reference", "paper"),
}
BY_NAME: Final = {plain(name): heading for heading in Heading for name in (heading.value, *ALIASES[heading])}
REQUIRED: Final = frozenset({Heading.NUMBER, Heading.TEMPLATE, Heading.SIGNED, Heading.NOTICE, Heading.CHANNEL})
SCOPES: Final[Mapping[Heading, ConsentScope]] = {
    Heading.TEMPLATE: ConsentScope.TEMPLATE, Heading.KEEP_PHOTO: ConsentScope.KEEP_PHOTO,
    Heading.PUSH_TO_GATES: ConsentScope.PUSH_TO_GATES, Heading.OFF_DEVICE: ConsentScope.OFF_DEVICE,
}  # fmt: skip
YES: Final = frozenset({"是", "同意", "y", "yes", "1", "true", "√", "✓"})
NO: Final = frozenset({"否", "不同意", "n", "no", "0", "false", "×", "x", ""})
CHANNELS: Final[Mapping[str, Channel]] = {
    "纸质": Channel.PAPER, "paper": Channel.PAPER, "柜台": Channel.COUNTER, "counter": Channel.COUNTER,
    "上门": Channel.DOOR, "door": Channel.DOOR, "手机": Channel.PHONE_APP, "app": Channel.PHONE_APP,
    "phone_app": Channel.PHONE_APP, "语音": Channel.VOICE, "voice": Channel.VOICE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """What one line states. `yes`/`no`: scopes; a blank cell gives nothing. `fault`: a code, or ""."""

    row: int
    number: str
    name: str = ""
    yes: frozenset[ConsentScope] = frozenset()
    no: frozenset[ConsentScope] = frozenset()
    signed_on: date | None = None
    notice: str = ""
    channel: Channel | None = None
    guardian: str = ""
    relation: str = ""
    paper: str = ""
    fault: str = ""


def read_consents(content: bytes) -> list[ConsentLine]:
    """Every line but the template's example. Raises `Unreadable`."""
    sheet = read_sheet(content, fits=fits, most_rows=MOST_LINES)
    names = {heading: name for name in reversed(sheet.headings) if (heading := BY_NAME.get(name)) is not None}
    lines = [line_of(row, names) for row in sheet.rows]
    return [line for line in lines if not line.number.startswith(EXAMPLE)]


def fits(headings: Sequence[str]) -> bool:
    """Whether a row has everything a consent needs."""
    return {BY_NAME.get(heading) for heading in headings} >= REQUIRED


def line_of(row: Row, names: Mapping[Heading, str]) -> ConsentLine:
    """A row as what it states."""

    def cell(heading: Heading) -> str:
        return words(row.cells.get(names.get(heading, ""), ""))

    answers = {scope: cell(heading).lower() for heading, scope in SCOPES.items()}
    channel = CHANNELS.get(cell(Heading.CHANNEL).lower())
    texts = {h: cell(h) for h in (Heading.NAME, Heading.NOTICE, Heading.GUARDIAN, Heading.RELATION, Heading.PAPER)}
    known = set(names.values())
    odd = (
        any(answer not in YES | NO for answer in answers.values())
        or channel is None
        or any(len(text) > LONGEST for text in texts.values())
        or any(heading in known for heading, _ in row.faults)
    )
    return ConsentLine(
        row=row.number, number=cell(Heading.NUMBER), name=texts[Heading.NAME],
        yes=frozenset(scope for scope, answer in answers.items() if answer in YES),
        no=frozenset(scope for scope, answer in answers.items() if answer and answer in NO),
        signed_on=read_date(cell(Heading.SIGNED)), notice=texts[Heading.NOTICE], channel=channel,
        guardian=texts[Heading.GUARDIAN], relation=texts[Heading.RELATION], paper=texts[Heading.PAPER],
        fault="consent-cell" if odd else "",
    )  # fmt: skip
