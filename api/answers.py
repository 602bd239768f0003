"""What a route says of its answers beyond what its types say, for the OpenAPI document."""

from collections.abc import Sequence
from typing import Any

STATUSES = "also_answers"
MEDIA_TYPES = "answers_as"


def also(*statuses: int) -> dict[str, Any]:
    """`opt` of a route that can answer with these problem statuses too; what every such route can is known."""
    return {STATUSES: statuses}


def answers_as(*media_types: str) -> dict[str, Any]:
    """`opt` of a route whose success is one of several kinds of file."""
    return {MEDIA_TYPES: media_types}


def statuses_of(opt: dict[str, Any]) -> list[str]:
    """The further statuses of a route's `opt`."""
    return [str(status) for status in opt.get(STATUSES, ())]


def media_types_of(opt: dict[str, Any]) -> Sequence[str]:
    """The kinds of file of a route's `opt`; none where its types say all."""
    found: Sequence[str] = opt.get(MEDIA_TYPES, ())
    return found
