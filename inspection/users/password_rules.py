"""Which passwords are acceptable (OWASP ASVS 5.0, 6.2): long enough, not guessable, of any characters at all.

There is no list of leaked passwords in the house. Those at the top of such lists are made of few pieces: common words
and names, keyboard rows, sequences, years, repetitions, the user's own name. A password that is nothing but such
pieces is refused, however they are put together; `MIN_OWN` different characters of its own make one acceptable.
"""

import re
import unicodedata
from collections.abc import Iterable

MIN_LENGTH = 12
MAX_LENGTH = 128
MIN_OWN = 5
"""Different letters or digits that must be left once all common pieces are taken out."""

WORDS = """
administrator changeme trustno1 sunshine princess football baseball iloveyou password passw0rd welcome letmein
michael jennifer charlie computer internet starwars whatever superman dragon master monkey shadow killer hello
login admin guest access secret flower summer winter spring autumn default system server manager inspector
auditor operator liaison test user root love qwerty azerty qazwsx asdfgh zxcvbn passwd pass word woaini
woaiwojia nihao aini wodemima mima guanliyuan ceshi yonghu zhongguo beijing shanghai guangzhou shenzhen
gongzufang gongzu zufang baozhang zhufang ruhu xuncha jiancha menjin zhengfu jiedao shequ xiaoqu renlian shibie
zhang wang zhao chen yang huang zhou sun liu lin wei fang jing ming ling qiang xiao tian 我爱你 密码 管理员 中国 北京
上海 你好 公租房 入户 巡查 测试 用户 小区 社区 街道 住房 保障
""".split()  # noqa: SIM905 - a list of one word a line would be longer than the rules
ROWS = (
    "01234567890", "09876543210", "abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiop", "poiuytrewq", "asdfghjkl", "lkjhgfdsa", "zxcvbnm", "mnbvcxz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "!@#$%^&*()", "qazwsxedcrfvtgbyhnujmikolp", "1q2w3e4r5t6y7u8i9o0p",
)  # fmt: skip
LUCKY = ("520", "1314", "521", "666", "888", "168", "110", "119")
SHORTEST_RUN = 3
UNLEET = str.maketrans({"@": "a", "$": "s", "0": "o", "1": "i", "3": "e", "5": "s", "7": "t"})
YEARS = re.compile(r"(?:19|20)\d\d(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])?)?")
REPEATED = re.compile(r"(.{1,6}?)\1{2,}")


def own_characters(password: str, *, login: str, name: str) -> int:
    """How many different letters and digits of a password are in no common piece and in no name of its owner."""
    text = unicodedata.normalize("NFKC", password).casefold()
    text = REPEATED.sub(r"\1", text)
    owners = (*re.split(r"[._\-]+", login.casefold()), login.casefold(), name.casefold())
    words = sorted((*WORDS, *(part for part in owners if len(part) >= SHORTEST_RUN)), key=len, reverse=True)
    text = YEARS.sub(" ", _without_runs(text))
    text = _without(words, text)
    plain = text.translate(UNLEET)
    if any(word in plain for word in words):
        text = _without(words, plain)
    text = _without(LUCKY, text)
    return len({character for character in text if character.isalnum()})


def acceptable(password: str, *, login: str, name: str) -> bool:
    """Whether somebody may have this password."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH or password.casefold() == login.casefold():
        return False
    return own_characters(password, login=login, name=name) >= MIN_OWN


def _without(words: Iterable[str], text: str) -> str:
    for word in words:
        text = text.replace(word, " ")
    return text


def _without_runs(text: str) -> str:
    """The text without what goes along a row of the keyboard or the alphabet, from four characters on."""
    left: list[str] = []
    at = 0
    while at < len(text):
        length = max(_along(row, text[at:]) for row in ROWS)
        if length > SHORTEST_RUN:
            left.append(" ")
            at += length
        else:
            left.append(text[at])
            at += 1
    return "".join(left)


def _along(row: str, text: str) -> int:
    """How many characters at the beginning of `text` go along `row`."""
    start = row.find(text[:2])
    if start < 0:
        return 0
    length = 0
    while length < len(text) and start + length < len(row) and text[length] == row[start + length]:
        length += 1
    return length
