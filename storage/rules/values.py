"""Parameters as they are published and as they are in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RuleDefault:
    """A parameter as it is published: key, value, unit and source."""

    key: str
    value: Any
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The parameters in force somewhere on some day, and the versions they come from."""

    values: Mapping[str, Any]
    version: str
