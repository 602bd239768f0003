"""The list of OWASP ASVS requirements is complete, true to the markers, and its page is current."""

import re

from tests.asvs import KINDS, PAGE, chapters, markers, page

REQUIREMENTS = {one["id"]: one for chapter in chapters() for one in chapter["requirement"]}


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.asvs"


def test_every_requirement_has_a_test_or_a_reason() -> None:
    tested = markers()
    for name, one in REQUIREMENTS.items():
        assert re.fullmatch(r"v5\.0\.0-\d+\.\d+\.\d+", name)
        assert one["level"] in {1, 2}
        assert one["says"]
        assert ("by" in one) == ("reason" in one), name
        assert (name in tested) != ("by" in one), f"{name}: a test or a reason, and not both"
        assert one.get("by", "design") in KINDS
        assert one.get("reason", "some")


def test_every_marker_names_a_requirement() -> None:
    assert set(markers()) <= set(REQUIREMENTS)


def test_levels_1_and_2_are_whole() -> None:
    """The numbers of requirements by chapter, as the standard has them."""
    counts = [len(chapter["requirement"]) for chapter in chapters()]
    assert counts == [27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7]
    assert sum(one["level"] == 1 for one in REQUIREMENTS.values()) == 70
