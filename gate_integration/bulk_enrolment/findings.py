"""Why something of an archive was left out, in words: codes of archives, of lines, and who may decide on them."""

from dataclasses import dataclass
from typing import Final

REASONS: Final[dict[str, tuple[str, str]]] = {
    # The archive as a whole.
    "bad-archive": ("文件不是有效的ZIP，可能已损坏", "Not a valid ZIP, or damaged"),
    "encrypted-archive": ("压缩包有密码，请去掉密码后再上传", "The archive has a password: remove it and try again"),
    "archive-bomb": ("压缩包解压后过大，不予读取", "The archive unpacks to far more than photographs need"),
    "too-many-entries": ("压缩包内文件过多，请分批上传", "Too many files in the archive: hand it in in parts"),
    "unsafe-name": ("压缩包内有越出目录的文件名，不予读取", "A name in the archive leaves its folder"),
    "no-consent-sheet": (
        "压缩包内没有同意登记表（consent.csv 或 consent.xlsx）", "No consent.csv or consent.xlsx in the archive",
    ),
    "several-consent-sheets": ("压缩包内有多份同意登记表，只能有一份", "More than one sheet of consents"),
    "sheet-too-large": ("同意登记表过大", "The sheet of consents is too large"),
    "bad-consent-sheet": ("同意登记表无法读取，请使用模板", "The sheet of consents cannot be read: use the template"),
    # An entry.
    "link-entry": ("不是文件而是链接，不予读取", "A link instead of a file"),
    "nested-archive": ("压缩包中的压缩包，不予读取", "An archive within the archive"),
    "not-a-photo": ("不是 jpg 或 png 照片，已忽略", "Neither a jpg nor a png, left out"),
    "photo-too-large": ("照片文件过大，上限 10 MB", "The photograph is larger than 10 MB"),
    "photo-damaged": ("照片在压缩包内已损坏", "The photograph is damaged within the archive"),
    "duplicate-photo": ("同一人员编号有多张照片，请只留一张", "More than one photograph of one number: keep one"),
    "duplicate-consent": ("同意登记表中同一人员有多行，请只留一行", "More than one consent line: keep one"),
    # The person.
    "bad-number": ("人员编号不正确：应为18位身份证号或登记编号", "Neither an 18-character ID number nor a register id"),
    "unknown-person": ("本小区登记中没有此人", "Nobody of that number is registered in the estate"),
    "person-left": ("此人已不在本小区居住或工作", "The person neither lives nor works in the estate any more"),
    "name-differs": ("姓名与登记不一致，请核对编号", "The name is not the registered one: is the number right?"),
    # Consent.
    "no-consent": ("同意登记表中没有此人，照片不予保存", "No consent line: the photograph is not taken in"),
    "no-photo": ("有同意登记，但压缩包内没有照片；未作变更", "Consent without a photograph: nothing was changed"),
    "template-not-consented": ("本人未同意人脸模板，照片不予保存", "No consent to a template: not taken in"),
    "consent-cell": ("同意登记表此行有不认识的内容", "A cell of the consent line cannot be read"),
    "consent-date": ("同意日期缺失、不正确或晚于今天", "The day of consent is missing, wrong or in the future"),
    "notice-outdated": ("告知书不是现行版本，请以现行版本重新告知", "The notice is not the current version"),
    "paper-missing": ("纸质同意须填写纸质编号", "A consent on paper needs the paper's number"),
    "withdrawn-since": ("本人在此同意日期当日或之后撤回过同意", "Consent was withdrawn on that day or later"),
    "scope-conflict": (
        "表中为“否”而登记为有效，请先办理撤回或核对", "“No” while the consent stands: withdraw it or correct this",
    ),
    "guardian-required": ("未满14周岁，须填监护人姓名与关系", "Under 14: the guardian's name and relation are needed"),
    "not-the-guardian": ("监护人与登记不一致，或未成年", "Not the registered guardian, or not an adult"),
    "guardian-not-needed": ("已满14周岁，应由本人同意，不应填监护人", "From 14 on the person consents, nobody else"),
    "age-unknown": ("未登记出生日期，无法判断应由谁同意", "No birth date is registered: unknown who has to consent"),
    # The photograph.
    "photo-refused": ("照片未达到建档要求", "The photograph is not good enough"),
    "too-many-templates": ("人脸模板数量已达上限", "The person has the most templates allowed"),
    "unchanged": ("照片与同意均无变化", "Neither photograph nor consent is new"),
    "changed-meanwhile": ("确认后情况有变，未建档", "Something changed after the confirmation; not enrolled"),
}  # fmt: skip
WHOLE: Final = frozenset(
    {
        "bad-archive", "encrypted-archive", "archive-bomb", "too-many-entries", "unsafe-name", "no-consent-sheet",
        "several-consent-sheets", "sheet-too-large", "bad-consent-sheet",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """A reason in both languages; `detail` is what a quality check or the sheet's reader adds."""

    code: str
    zh: str
    en: str


def told(code: str) -> Told:
    """A reason of the table."""
    zh, en = REASONS[code]
    return Told(code, zh, en)
