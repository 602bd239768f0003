"""The rules of sign-in as functions of values: waits, passwords, one-time codes."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.users import one_time_codes as codes
from inspection.users import throttle
from inspection.users.password_rules import acceptable, own_characters
from inspection.users.throttle import Count

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
COUNTS = st.none() | st.builds(
    Count, failures=st.integers(0, 10**6),
    last_at=st.timedeltas(timedelta(days=-3), timedelta(minutes=1)).map(lambda ago: NOW + ago),
)  # fmt: skip


@given(pair=COUNTS, account=COUNTS, address=COUNTS, known=st.booleans())
def test_no_wait_is_longer_than_a_quarter_of_an_hour(
    pair: Count | None, account: Count | None, address: Count | None, *, known: bool
) -> None:
    wait = throttle.seconds_to_wait(pair=pair, account=account, address=address, known_device=known, now=NOW)
    assert 0 <= wait <= throttle.LONGEST.total_seconds() + 60  # the last try may lie a minute ahead, by another clock


@given(account=COUNTS)
def test_failures_of_others_never_make_a_fresh_address_wait(account: Count | None) -> None:
    assert throttle.seconds_to_wait(pair=None, account=account, address=None, known_device=False, now=NOW) == 0


def test_waits_grow_and_halve_with_time() -> None:
    waits = [throttle.wait_after(n, throttle.FREE_TRIES).total_seconds() for n in range(13)]
    assert waits == [0, 0, 0, 0, 0, 15, 30, 60, 120, 240, 480, 900, 900]
    count = Count(8, NOW)
    assert [throttle.standing(count, NOW + throttle.HALF_LIFE * n) for n in range(5)] == [8, 4, 2, 1, 0]
    assert throttle.standing(count, NOW - timedelta(hours=1)) == 8
    assert throttle.seconds_left(Count(5, NOW - timedelta(seconds=14.5)), throttle.FREE_TRIES, NOW) == 1


def test_an_attacked_account_has_one_free_try_from_each_address_and_all_from_known_devices() -> None:
    attacked, twice = Count(throttle.ATTACKED_FROM, NOW), Count(2, NOW)
    wait = throttle.seconds_to_wait(pair=twice, account=attacked, address=None, known_device=False, now=NOW)
    assert wait == 15
    busy = Count(10**4, NOW)
    assert throttle.seconds_to_wait(pair=twice, account=attacked, address=busy, known_device=True, now=NOW) == 0
    assert throttle.seconds_to_wait(pair=twice, account=None, address=busy, known_device=False, now=NOW) == 900


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"), ("unix:", "unix:"),
    ],
)  # fmt: skip
def test_a_whole_ipv6_network_counts_as_one(address: str, place: str) -> None:
    assert throttle.place_of(address) == place


@pytest.mark.parametrize(
    "password",
    [
        "short", "x" * 129, "password123456", "Password2026!", "qwertyuiop123", "111111111111", "abcabcabcabcabc",
        "zhangwei19900101", "woaini5201314", "Ruhu2026ruhu2026", "gongzufang2026", "1qaz2wsx3edc",
        "公租房入户巡查2026密码",
        "inspector-7!inspector-7", "P@ssw0rdP@ssw0rd", "admin@admin888", "测试人员测试人员测试人员", "123456789012",
    ],
)  # fmt: skip
@pytest.mark.asvs("v5.0.0-6.1.2")
@pytest.mark.asvs("v5.0.0-6.2.1")
@pytest.mark.asvs("v5.0.0-6.2.4")
def test_passwords_that_anybody_tries_first_are_refused(password: str) -> None:
    assert not acceptable(password, login="inspector-7", name="测试人员")


@pytest.mark.parametrize(
    "password",
    [
        "correct-horse-battery", "a-long-password-1", "夏夜的风吹过稻田一片蛙声", "mv8#Qk!r2Zp0",
        " spaces count too ok ",
        "\U0001f40c snail crossing", "N" + "ab9z" * 31 + "xyw",
    ],
)  # fmt: skip
@pytest.mark.asvs("v5.0.0-6.2.5")
@pytest.mark.asvs("v5.0.0-6.2.9")
def test_any_characters_make_a_password_and_no_kind_is_required(password: str) -> None:
    assert acceptable(password, login="inspector-7", name="测试人员")


@pytest.mark.asvs("v5.0.0-6.2.11")
def test_the_log_in_name_is_no_password() -> None:
    assert not acceptable("Wuthering.Heights", login="wuthering.heights", name="x")
    assert own_characters("wuthering.heights", login="wuthering.heights", name="x") == 0


@given(st.text(max_size=140), st.text(max_size=20), st.text(max_size=20))
@pytest.mark.asvs("v5.0.0-6.2.8")
def test_the_password_rules_take_any_text(password: str, login: str, name: str) -> None:
    acceptable(password, login=login, name=name)


@pytest.mark.asvs("v5.0.0-6.5.5")
def test_a_code_is_good_once_and_for_a_step_around() -> None:
    secret = codes.new_secret()
    code = pyotp.TOTP(secret).at(NOW)
    counter = int(NOW.timestamp()) // 30
    assert codes.matching_counter(secret, code, now=NOW, after=0) == counter
    assert codes.matching_counter(secret, f"{code[:3]} {code[3:]}", now=NOW, after=0) == counter
    assert codes.matching_counter(secret, code, now=NOW, after=counter) is None
    for seconds, heard in ((-61, False), (-30, True), (30, True), (61, False)):  # NOW begins a step
        later = NOW + timedelta(seconds=seconds)
        assert (codes.matching_counter(secret, code, now=later, after=0) == counter) is heard, seconds
    assert codes.matching_counter(secret, "密码密码密码", now=NOW, after=0) is None


def test_the_enrolment_address_names_the_user() -> None:
    uri = codes.enrolment_uri("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", login="chief")
    assert uri.startswith("otpauth://totp/")
    assert "chief" in uri
    assert "secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" in uri


@pytest.mark.asvs("v5.0.0-6.5.4")
def test_recovery_codes_are_read_as_people_type_them() -> None:
    made = codes.new_recovery_codes()
    assert len(set(made)) == codes.RECOVERY_CODES
    assert codes.plain_recovery_code(made[0].lower().replace("-", " ")) == made[0].replace("-", "")
    assert codes.plain_recovery_code("123456") is None
