"""Field types that bodies share."""

from datetime import datetime
from typing import Annotated

import msgspec

Aware = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its offset."""
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
ShortCode = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=8000)]
