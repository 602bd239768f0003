"""Parts of others are pinned by hash, licensed, and in no version of which we know a fault; `make audit` tells more."""

import pytest

from tests import audit


@pytest.mark.asvs("v5.0.0-15.1.2")
def test_every_part_is_pinned_by_hash() -> None:
    assert len(audit.pinned()) > 100
    assert list(audit.pins()) == []


def test_every_licence_is_one_we_take_or_an_exception_with_a_reason() -> None:
    assert list(audit.licences()) == []
    assert list(audit.unmaintained()) == []


@pytest.mark.asvs("v5.0.0-15.2.1")
def test_no_part_is_on_the_deny_list() -> None:
    assert list(audit.denied(audit.pinned())) == []
    assert len(list(audit.denied({"pyjwt": ("2.3.0", ""), "h11": ("0.16.0", "")}))) == 1
    for one in audit.known()["deny"]:
        assert one["advisory"]
        assert one["why"]
