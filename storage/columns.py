"""Column types that every table shares."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, Date, DateTime, ForeignKey, LargeBinary, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column

from storage.ids import new_id

Id = Annotated[uuid.UUID, mapped_column(Uuid, primary_key=True, default=new_id)]
Ref = Annotated[uuid.UUID, mapped_column(Uuid, index=True)]
EstateRef = Annotated[uuid.UUID, mapped_column(Uuid, ForeignKey("estate.id"), index=True)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Day = Annotated[date, mapped_column(Date)]
Code = Annotated[str, mapped_column(String(64))]
Name = Annotated[str, mapped_column(String(200))]
Bytes = Annotated[bytes, mapped_column(LargeBinary)]
Big = Annotated[int, mapped_column(BigInteger)]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]
JsonList = Annotated[list[Any], mapped_column(JSONB)]
