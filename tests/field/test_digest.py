"""The digest that comes with a body (RFC 9530)."""

import pytest

from inspection.visits.digest import checked, header
from inspection.visits.errors import DigestMismatch, DigestRequired

BODY = "入户".encode()


def test_the_digest_of_the_bytes_is_accepted_beside_others() -> None:
    assert checked(BODY, header(BODY)) == checked(BODY, f"sha-512=:AAAA:, {header(BODY)}")


@pytest.mark.parametrize("told", [None, "", "sha-512=:AAAA:", "sha-256=:AAAA:", "sha-256=:A=AA:", "sha-256=AAAA"])
def test_a_header_without_a_readable_sha_256_is_refused(told: str | None) -> None:
    with pytest.raises(DigestRequired):
        checked(BODY, told)


def test_other_bytes_are_refused() -> None:
    with pytest.raises(DigestMismatch):
        checked(BODY, header(b"other"))
