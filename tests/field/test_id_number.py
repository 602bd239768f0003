"""Resident ID numbers: the standard's check digit, every refusal, and what people type."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.registry.id_number import (
    REASONS,
    BadIdNumber,
    IdNumber,
    age_on,
    check_character,
    mask,
    normalise,
    parse,
)
from tests.ids import make_test_number

TODAY = date(2026, 3, 1)
BIRTH = date(1984, 2, 29)
GOOD = make_test_number(birth=BIRTH, sequence=123)
WITH_X = next(number for n in range(100) if (number := make_test_number(birth=BIRTH, sequence=n)).endswith("X"))


def code_of(text: str, today: date = TODAY) -> str:
    with pytest.raises(BadIdNumber) as caught:
        parse(text, today=today)
    assert (caught.value.zh, caught.value.en) == REASONS[caught.value.code]
    assert not any(part in str(caught.value) for part in (text, text[:6]) if len(part) > 5)
    return caught.value.code


def test_a_valid_number_gives_birth_date_and_division() -> None:
    assert parse(GOOD, today=TODAY) == IdNumber(GOOD, BIRTH, "999999")


@pytest.mark.parametrize(("digits", "check"), [("079", "X"), ("000000021825009", "7"), ("000000012146438", "X")])
def test_check_character_agrees_with_published_iso_7064_examples(digits: str, check: str) -> None:
    assert check_character(digits) == check  # ISO 7064's own example, an ORCID and an ISNI: all MOD 11-2


@pytest.mark.parametrize(
    "typed",
    [
        WITH_X.lower(),
        WITH_X.translate(str.maketrans("0123456789X", "０１２３４５６７８９ｘ")),
        f" {WITH_X[:6]} {WITH_X[6:14]}　{WITH_X[14:]}\t\n",
        f"\ufeff{WITH_X[:3]}\u200b{WITH_X[3:]}",
    ],
)
def test_other_spellings_of_one_number_are_that_number(typed: str) -> None:
    assert parse(typed, today=TODAY).number == WITH_X


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "id-length"),
        (GOOD[:-1], "id-length"),
        (GOOD + "1", "id-length"),
        ("999999840229123", "id-old-15"),
        ("99999984022912X", "id-length"),
        ("99999984022912²", "id-length"),
        ("X" + GOOD[1:], "id-characters"),
        (GOOD[:-1] + "Y", "id-characters"),
        (GOOD[:5] + "٩" + GOOD[6:], "id-characters"),
        (GOOD[:5] + "②" + GOOD[6:], "id-characters"),
        ("0" + GOOD[1:], "id-division"),
        (GOOD[:6] + "19830229" + GOOD[14:], "id-date"),
        (GOOD[:6] + "00000101" + GOOD[14:], "id-date"),
        (make_test_number(birth=date(1899, 12, 31)), "id-date"),
        (make_test_number(birth=date(2026, 3, 2)), "id-future-date"),
        (GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1"), "id-check-digit"),
    ],
)
def test_every_refusal_says_its_own_reason(text: str, code: str) -> None:
    assert code_of(text) == code


def test_born_today_is_valid_and_born_tomorrow_is_not() -> None:
    newborn = make_test_number(birth=TODAY)
    assert parse(newborn, today=TODAY).birth_date == TODAY
    assert code_of(newborn, today=date(2026, 2, 28)) == "id-future-date"


numbers = st.builds(
    lambda birth, sequence: make_test_number(birth=birth, sequence=sequence),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(0, 999),
)


@given(numbers)
def test_made_numbers_parse(number: str) -> None:
    assert parse(number, today=TODAY).number == number


@given(numbers, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(number: str, place: int, shift: int) -> None:
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    with pytest.raises(BadIdNumber):
        parse(wrong, today=TODAY)


@given(numbers, st.integers(0, 15))
def test_two_swapped_digits_are_always_found(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped != number:
        with pytest.raises(BadIdNumber):
            parse(swapped, today=TODAY)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BadIdNumber):
        assert parse(text, today=TODAY).number == normalise(text)


def test_mask_keeps_four_and_four() -> None:
    assert mask(GOOD) == f"9999********{GOOD[-4:]}"
    assert mask(" " + WITH_X.lower()) == f"9999********{WITH_X[-4:]}"


@given(st.text(max_size=40))
def test_mask_never_shows_more_than_eight_characters(text: str) -> None:
    shown = mask(text).replace("*", "")
    assert len(shown) <= 8
    assert len(normalise(text)) == 18 or shown == ""


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (date(2012, 3, 2), date(2026, 3, 1), 13),
        (date(2012, 3, 1), date(2026, 3, 1), 14),
        (BIRTH, date(2026, 2, 28), 41),
        (BIRTH, date(2026, 3, 1), 42),
        (BIRTH, date(2024, 2, 29), 40),
        (TODAY, TODAY, 0),
    ],
)
def test_age_counts_completed_years(birth: date, day: date, age: int) -> None:
    assert age_on(birth, day) == age


def test_age_before_birth_is_an_error() -> None:
    with pytest.raises(ValueError, match="before being born"):
        age_on(TODAY, date(2026, 2, 28))


def test_test_numbers_have_three_digits_of_sequence() -> None:
    with pytest.raises(ValueError, match="three digits"):
        make_test_number(birth=BIRTH, sequence=1000)
