"""Pages: a list in parts, with an opaque cursor to the next one."""

import base64
import binascii
from typing import Annotated, Generic, TypeVar

import msgspec

from api.problems import InvalidRequest

T = TypeVar("T")

Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]


class Page(msgspec.Struct, Generic[T], kw_only=True, frozen=True):
    """Part of a list. `next_cursor` is None on the last page."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(*parts: str) -> str:
    """An opaque cursor from the sort key of the last row shown."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def decode_cursor(cursor: str | None, *, parts: int) -> list[str] | None:
    """The sort key in a cursor; raises `InvalidRequest` for one that we did not make."""
    if cursor is None:
        return None
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[str])
    except (binascii.Error, ValueError):
        found = []
    if len(found) != parts:
        raise InvalidRequest("分页游标无效", "The cursor is not valid")
    return found
