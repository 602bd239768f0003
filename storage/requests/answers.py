"""Answers given once: a request with an Idempotency-Key is done once, however often it comes.

The answer is stored in the transaction that does the thing: both stand, or neither. A second request with the same
key waits at the row of the first until that transaction ends; then it gets the stored answer, or, if the first was
rolled back, does the thing itself. A refusal is a rollback and is not remembered.
"""

import hmac
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from storage.requests.errors import BadKey, KeyUsed, StillRunning
from storage.requests.models import AnsweredRequest
from storage.vault.crypto import blind_index, derive, seal, unseal

KEPT_FOR = timedelta(hours=24)
WAIT = timedelta(seconds=10)
LOCK_NOT_AVAILABLE = "55P03"
FORM = re.compile(r"[\x21-\x7e]{16,128}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to be done once: where its answer lies, what it asks, and what opens the answer."""

    name: bytes
    digest: bytes
    key: bytes

    @property
    def place(self) -> str:
        """Where the answer belongs."""
        return f"answer/{self.name.hex()}"


def asked(secret: bytes, *, user_id: uuid.UUID, operation: str, key: str, content: bytes) -> Asked:
    """The request of a user with an Idempotency-Key; raises `BadKey`."""
    if not FORM.fullmatch(key):
        raise BadKey
    own = f"{user_id}/{operation}/{key}"
    return Asked(
        name=blind_index(secret, f"name/{own}"),
        digest=hmac.digest(blind_index(secret, f"digest/{own}"), content, "sha256"),
        key=derive(secret, f"answer/{own}"),
    )


async def begin(session: AsyncSession, request: Asked, *, now: datetime) -> bytes | None:
    """Claims a request for this transaction (None), or gives the answer it got before.

    Raises `KeyUsed` for the key of another request, `StillRunning` where the first takes longer than `WAIT`.
    """
    table = AnsweredRequest
    fresh = {"digest": request.digest, "sealed": None, "created_at": now}
    await session.execute(text(f"SET LOCAL lock_timeout = '{WAIT // timedelta(milliseconds=1)}ms'"))
    try:
        claimed = await session.scalar(
            insert(table)
            .values(name=request.name, **fresh)
            .on_conflict_do_update(index_elements=["name"], set_=fresh, where=table.created_at <= now - KEPT_FOR)
            .returning(table.name)
        )
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise StillRunning(retry_after=5) from None
        raise
    await session.execute(text("SET LOCAL lock_timeout = 0"))
    if claimed is not None:
        return None
    digest, sealed = (await session.execute(select(table.digest, table.sealed).where(table.name == request.name))).one()
    if not hmac.compare_digest(digest, request.digest):
        raise KeyUsed
    return unseal(request.key, sealed or b"", place=request.place)


async def finish(session: AsyncSession, request: Asked, answer: bytes) -> None:
    """Stores the answer; it counts once the transaction is committed."""
    await session.execute(
        update(AnsweredRequest)
        .where(AnsweredRequest.name == request.name)
        .values(sealed=seal(request.key, answer, place=request.place))
    )


async def forget_old(session: AsyncSession, *, now: datetime) -> int:
    """Deletes answers older than `KEPT_FOR`; how many."""
    gone = await session.execute(
        delete(AnsweredRequest).where(AnsweredRequest.created_at < now - KEPT_FOR).returning(AnsweredRequest.name)
    )
    return len(gone.all())
