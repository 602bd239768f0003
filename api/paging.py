"""Pages: a list in parts, with an opaque cursor to the next one."""

import base64
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, NamedTuple, TypeVar

import msgspec
from litestar.params import QueryParameter

from api.problems import InvalidRequest
from storage.fields import Aware

T = TypeVar("T")

Cursor = Annotated[str | None, QueryParameter(max_length=500)]
Limit = Annotated[int, QueryParameter(ge=1, le=200)]


class AfterId(NamedTuple):
    """The sort key of a list by id."""

    id: uuid.UUID


class AfterText(NamedTuple):
    """The sort key of a list by a text that is unique in it."""

    text: str


class AfterTextAndId(NamedTuple):
    """The sort key of a list by a text."""

    text: str
    id: uuid.UUID


class AfterMoment(NamedTuple):
    """The sort key of a list by a moment."""

    moment: Aware
    id: uuid.UUID


class Page(msgspec.Struct, Generic[T], kw_only=True, frozen=True):
    """Part of a list. `next_cursor` is None on the last page."""

    items: list[T]
    next_cursor: str | None = None


def paged(rows: Sequence[T], *, limit: int, key: Callable[[T], tuple[object, ...]]) -> Page[T]:
    """The first `limit` of `rows`, which were asked for with one row more; `key` is the sort key of a row."""
    shown = list(rows[:limit])
    return Page(items=shown, next_cursor=encode_cursor(key(shown[-1])) if len(rows) > limit else None)


def encode_cursor(key: tuple[object, ...]) -> str:
    """An opaque cursor from the sort key of the last row shown."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode_cursor(cursor: str | None, key: type[T]) -> T | None:
    """The sort key in a cursor, of the type `key`; raises `InvalidRequest` for a cursor that we did not make."""
    if cursor is None:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=key)
    except (ValueError, msgspec.DecodeError):
        raise InvalidRequest("分页游标无效", "The cursor is not valid") from None
