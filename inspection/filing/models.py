"""How many people's faces are stored, day by day, and what was filed about it."""

import uuid
from datetime import date
from enum import StrEnum

from sqlalchemy import Date, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, Id, Moment
from storage.database import Base


class Level(StrEnum):
    """What a count means."""

    BELOW = "below"
    WARNING = "warning"
    DUTY = "duty"


class FilingKind(StrEnum):
    """What is filed (人脸识别办法 15): the first filing, a change, the end. Each within 30 working days."""

    FIRST = "first"
    CHANGE = "change"
    CANCELLATION = "cancellation"


class EnrolledCount(Base):
    """The count of a day (Asia/Shanghai): registered people by ID number, and unregistered ones."""

    __tablename__ = "enrolled_count"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    counted_at: Mapped[Moment]
    people: Mapped[int]
    pseudonyms: Mapped[int]
    level: Mapped[Code]


class Filing(Base):
    """Something filed with the authority; no row is ever changed."""

    __tablename__ = "filing"

    id: Mapped[Id]
    kind: Mapped[Code]
    number: Mapped[Code]
    filed_on: Mapped[date] = mapped_column(Date)
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    recorded_at: Mapped[Moment]
