"""Tables of answers and of limits."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Bytes, Moment
from storage.database import Base


class AnsweredRequest(Base):
    """The answer to a request with an Idempotency-Key; it stands if, and only if, what the request did stands.

    `name`: keyed hash of user, operation and key. `digest`: keyed hash of what was sent. `sealed`: the answer under a
    key made from the caller's Idempotency-Key, so that nobody else opens it: neither the database nor the master key
    gives away a person's data that may have been erased since. None while the request is under way.
    """

    __tablename__ = "answered_request"

    name: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    digest: Mapped[Bytes]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Moment] = mapped_column(index=True)


class RequestAllowance(Base):
    """How far a user has used up a limit. `full_at`: when the allowance will be whole again (GCRA's arrival time)."""

    __tablename__ = "request_allowance"

    user_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    full_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
