"""The rules of retention as values, and the document that tells them."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.retention import HOURLY, RULES, retention_plan
from api.upgrade import shipped_rules
from storage.objects.service import Objects
from storage.retention.ground import made_at
from storage.retention.periods import Window, amount_of, length_of, windows
from storage.retention.proof import batch_digest, run_digest
from storage.retention.table import markdown
from storage.rules.values import BelowMinimum, RuleDefault, Rules, check_minimums

NOW = datetime(2026, 9, 1, 2, tzinfo=UTC)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/retention.md"
RULE = RuleDefault("retention.test_days", 30, "calendar_day", "测试", 10, "测试法")
COUNTRY = Rules({}, "CN/1")
ONE, TWO, THREE = (uuid.UUID(int=number) for number in (1, 2, 3))


def test_the_document_has_every_class(objects: Objects) -> None:
    told = markdown([one.described for one in retention_plan(objects).classes])
    text = DOCUMENT.read_text()
    assert told in text, f"the table of docs/retention.md is not the classes':\n{told}"


def test_every_period_is_shipped_with_a_source_and_a_unit(objects: Objects) -> None:
    shipped = {row.key: row for row in shipped_rules()}
    classes = retention_plan(objects).classes
    for one in classes:
        rule = one.described.rule
        assert shipped[rule.key] == rule
        assert rule.source
        assert length_of(rule, 1) in {timedelta(hours=1), timedelta(days=1)}
        assert rule.minimum is None or (rule.minimum <= rule.value and rule.minimum_source)
    codes = [one.described.code for one in classes]
    assert len(set(codes)) == len(codes)
    assert set(codes) > HOURLY
    assert codes.index("objects.bytes") > max(codes.index(code) for code in HOURLY)
    check_minimums(RULES)


def test_a_period_is_the_published_one_but_never_below_the_laws() -> None:
    assert amount_of(RULE, COUNTRY) == 30
    assert amount_of(RULE, Rules({RULE.key: 12}, "x")) == 12
    assert amount_of(RULE, Rules({RULE.key: 3}, "x")) == 10
    assert amount_of(RuleDefault("free", 5, "hour", "测试"), Rules({"free": 0}, "x")) == 0
    with pytest.raises(BelowMinimum):
        check_minimums([RuleDefault("a", 1, "hour", ""), RuleDefault("b", 9, "hour", "", 10, "测试法")])


def test_a_period_has_hours_or_days() -> None:
    assert length_of(RuleDefault("a", 1, "hour", ""), 72) == timedelta(days=3)
    assert length_of(RuleDefault("a", 1, "days", ""), 2) == timedelta(days=2)
    with pytest.raises(ValueError, match="hours or days"):
        length_of(RuleDefault("a", 1, "visit", ""), 2)


def test_windows_group_estates_by_their_period() -> None:
    local = Rules({RULE.key: 12}, "CN/1+3203/4")
    whole = Window(NOW - timedelta(days=30), 30, "CN/1", None)
    assert windows(RULE, nationwide=COUNTRY, estates={}, now=NOW) == (whole,)
    assert windows(RULE, nationwide=COUNTRY, estates={ONE: COUNTRY}, now=NOW) == (whole,)
    found = windows(RULE, nationwide=COUNTRY, estates={TWO: local, THREE: COUNTRY, ONE: local}, now=NOW)
    assert found == (
        Window(NOW - timedelta(days=30), 30, "CN/1", (THREE,)),
        Window(NOW - timedelta(days=12), 12, "CN/1+3203/4", (ONE, TWO)),
    )
    assert windows(RULE, nationwide=COUNTRY, estates={ONE: local}, now=NOW)[0].estates == ()


@given(st.dictionaries(st.uuids(), st.integers(0, 40)))
def test_every_estate_is_in_one_window(given_periods: dict[uuid.UUID, int]) -> None:
    estates = {one: Rules({RULE.key: amount}, str(amount)) for one, amount in given_periods.items()}
    found = windows(RULE, nationwide=COUNTRY, estates=estates, now=NOW)
    if found[0].estates is None:
        assert {max(amount, 10) for amount in given_periods.values()} <= {30}
        return
    listed = [one for window in found for one in window.estates or ()]
    assert sorted(listed) == sorted(given_periods)
    for window in found:
        for estate in window.estates or ():
            assert window.cutoff == NOW - timedelta(days=max(given_periods[estate], 10))


@given(st.lists(st.uuids(), unique=True), st.randoms())
def test_a_digest_knows_no_order_within_a_batch(ids: list[uuid.UUID], random: "object") -> None:
    shuffled = list(ids)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random of hypothesis
    assert batch_digest(ids) == batch_digest(shuffled)
    if ids:
        assert batch_digest(ids) != batch_digest(ids[1:])
        assert run_digest([batch_digest(ids)]) != run_digest([])


def test_keys_that_are_not_ours_have_no_age() -> None:
    assert made_at("01890000-0000-7000-8000-000000000000") == 0x018900000000
    for key in ("head-1", str(uuid.UUID(int=5)), "01890000000070008000000000000000"):
        assert made_at(key) is None
