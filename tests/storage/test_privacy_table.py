"""docs/privacy.md names modules and tests that exist, and says so where a duty is the operator's."""

import re
from functools import cache

import pytest

from tests.conftest import ROOT

ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (ROOT / "docs/privacy.md").read_text().splitlines()
    if line.startswith("|") and line.count("|") == 5 and not line.startswith(("|---", "| article", "| rule"))
]
ARTICLES = {
    "办法": ["2, 19", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"],
    "PIPL": ["13", "14, 17", "15", "16", "19", "21", "23", "24", "26", "28–31", "33–37", "44, 48", "45", "46", "47",
             "49", "50", "51", "54", "55–56", "57", "69"],
    "法释": ["4", "5", "6", "8", "10", "11", "12", "15"],
}  # fmt: skip


@cache
def names_in(path: str) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)", (ROOT / path).read_text(), re.MULTILINE))


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}-{index}" for index, row in enumerate(ROWS)])
@pytest.mark.asvs("v5.0.0-14.1.2")
def test_a_duty_has_a_module_and_a_test_or_is_the_operators(row: list[str]) -> None:
    _, duty, modules, proof = row
    assert duty
    for module in re.findall(r"`([^`]+)`", modules):
        assert (ROOT / module).is_file(), module
    named = re.findall(r"`(tests/[^`]+)`", proof)
    for name in named:
        path, _, test = name.partition("::")
        assert test in names_in(path), name
    if named:
        assert "`" in modules
    else:
        assert proof.startswith(("organisational", "not met")), proof


def test_every_duty_is_there() -> None:
    told = [row[0] for row in ROWS]
    for articles in ARTICLES.values():
        assert set(articles) <= set(told)
    assert len(ROWS) > 60
