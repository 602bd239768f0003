"""Cursors of lists that are ordered by a moment and an id."""

import uuid
from datetime import datetime

from api.paging import decode_cursor, encode_cursor
from api.problems import InvalidRequest


def cursor_of(moment: datetime, key: uuid.UUID) -> str:
    """The cursor after a row."""
    return encode_cursor(moment.isoformat(), str(key))


def place_of(cursor: str | None) -> tuple[datetime, uuid.UUID] | None:
    """The row that a cursor stands after; raises `InvalidRequest` for a cursor that is none of ours."""
    parts = decode_cursor(cursor, parts=2)
    if parts is None:
        return None
    try:
        moment, key = datetime.fromisoformat(parts[0]), uuid.UUID(parts[1])
    except ValueError:
        raise InvalidRequest("分页游标无效", "The cursor is not valid") from None
    if moment.tzinfo is None:
        raise InvalidRequest("分页游标无效", "The cursor is not valid")
    return moment, key
