"""Rule sets and their values."""

import uuid
from datetime import date
from typing import Any

from sqlalchemy import Date, ForeignKey, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, Id, Moment
from storage.database import Base


class RuleSet(Base):
    """A version of the rules of a jurisdiction: "" is the whole country, else a division code's beginning."""

    __tablename__ = "rule_set"
    __table_args__ = (UniqueConstraint("jurisdiction", "version"),)

    id: Mapped[Id]
    jurisdiction: Mapped[str] = mapped_column(String(12))
    version: Mapped[int]
    effective_from: Mapped[date] = mapped_column(Date)
    note: Mapped[str] = mapped_column(String(1000))
    created_at: Mapped[Moment]


class RuleValue(Base):
    """One parameter of a rule set, with its unit and the source it comes from."""

    __tablename__ = "rule_value"

    rule_set_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("rule_set.id"), primary_key=True)
    key: Mapped[Code] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    unit: Mapped[Code]
    source: Mapped[str] = mapped_column(String(1000))
