"""Every threshold and weight of the occupancy rules, read from a rule set; the defaults here only seed its rows."""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import TypeVar

_Number = TypeVar("_Number", int, float)

_PREFIX = "occupancy."


class ParameterError(ValueError):
    """A rule set that the occupancy rules cannot run on; the message names the key."""


def _row(key: str, default: _Number, unit: str, source: str) -> _Number:
    """A dataclass field that carries its rule-set key, unit and source."""
    made: _Number = field(
        default=default, metadata={"default": default, "key": _PREFIX + key, "unit": unit, "source": source}
    )
    return made


@dataclass(frozen=True, slots=True)
class ParameterDefault:
    """One row to seed: where the value comes from stands beside it."""

    key: str
    value: float
    unit: str
    source: str


_G2 = "domain reference §4.3, G2"
_G3 = "domain reference §4.3, G3"
_G1 = "domain reference §4.3, G1"
_G7 = "domain reference §4.3, G7: unhealthy devices suppress"
_CHOSEN = "engineering choice, to be calibrated on reviewed cases"
_REFUSAL = "design §5: refusing weighs zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The rule set as the rules read it. `version` appears in every explanation."""

    version: str
    healthy_min_share: float = _row("coverage.healthy_min_share", 0.75, "share of gates", _G7)
    window_min_share: float = _row("coverage.window_min_share", 0.6, "share of days", _G7)
    unknowns_per_hidden: int = _row("refusal.unknowns_per_hidden_person", 1, "people", _REFUSAL)
    slack_before: int = _row("absence.slack_before_days", 1, "days", "people leave earlier than told; " + _CHOSEN)
    slack_after: int = _row("absence.slack_after_days", 3, "days", "people come back later than told; " + _CHOSEN)

    short_window: int = _row("long_stay.short_window_days", 14, "days", "scenario: median detection within 14 days")
    short_min_days: int = _row("long_stay.short_min_days", 9, "days", _CHOSEN)
    short_min_span: int = _row("long_stay.short_min_span_days", 12, "days", "ten days are a visit; " + _CHOSEN)
    long_window: int = _row("long_stay.long_window_days", 30, "days", _G3)
    long_min_days: int = _row("long_stay.long_min_days", 15, "days", _G3)
    min_link_days: int = _row("long_stay.min_link_days", 3, "days", "attribution needs a link, design §7; " + _CHOSEN)
    max_other_units: int = _row("long_stay.max_other_units", 2, "units", "couriers go to many units; " + _CHOSEN)
    long_stay_min_score: float = _row("long_stay.min_score", 3.0, "log-odds", _CHOSEN)

    prior: float = _row("weight.prior", -3.9, "log-odds", "about 2 in 100 households, domain reference §5.1")
    tempering: float = _row("weight.tempering", 0.5, "factor", "days of one person depend on each other; " + _CHOSEN)
    day_seen: float = _row("weight.day_seen", 1.447, "log-likelihood per day", "seen on .85 against .20 of days")
    day_unseen: float = _row("weight.day_unseen", -1.674, "log-likelihood per day", "seen on .85 against .20 of days")
    night_sign: float = _row("weight.night_sign", 1.3, "log-likelihood per day", _CHOSEN)
    evening_only: float = _row("weight.evening_only", -1.2, "log-likelihood per day", "a guest at dinner; " + _CHOSEN)
    evening_blind: float = _row("weight.evening_exits_unrecorded", 0.0, "log-likelihood per day", _CHOSEN)
    daytime_only: float = _row("weight.daytime_only", -1.3, "log-likelihood per day", "carers, lessons; " + _CHOSEN)
    morning_until: float = _row("day.morning_until", 9.0, "hour", _CHOSEN)
    evening_from: float = _row("day.evening_from", 17.0, "hour", _CHOSEN)
    night_from: float = _row("day.night_from", 22.0, "hour", _CHOSEN)
    link_unit_credential: float = _row("weight.link.unit_credential", 0.8, "per log day", _CHOSEN)
    link_unit_door: float = _row("weight.link.unit_door", 1.2, "per log day", _CHOSEN)
    link_intercom: float = _row("weight.link.intercom", 0.3, "per log day", _CHOSEN)
    link_arrives_with_resident: float = _row("weight.link.arrives_with_resident", 0.4, "per log day", _CHOSEN)
    link_visit: float = _row("weight.link.visit", 2.0, "per log day", _CHOSEN)
    other_units: float = _row("weight.other_units", -1.5, "per log unit", _CHOSEN)

    absent_days: int = _row("sublet.absent_days", 14, "days", _G2)
    never_seen_days: int = _row("sublet.never_seen_days", 21, "days", "a template may fail; " + _CHOSEN)
    alone_min_days: int = _row("sublet.alone_min_days", 8, "days", _CHOSEN)
    sublet_min_score: float = _row("sublet.min_score", 4.0, "log-odds", _CHOSEN)
    sublet_prior: float = _row("weight.sublet_prior", -2.0, "log-odds", _CHOSEN)
    absent_day: float = _row("weight.registered_absent_day", 0.25, "log-likelihood per day", _CHOSEN)
    absent_cap: int = _row("weight.registered_absent_cap_days", 30, "days", _CHOSEN)
    acquainted: float = _row("weight.acquainted", -1.0, "per log day", "kin who look after the flat; " + _CHOSEN)

    lent_window: int = _row("lent.window_days", 30, "days", _CHOSEN)
    lent_min_days: int = _row("lent.min_days", 3, "days", "scenario format: used at least three times")
    lent_min_score: float = _row("lent.min_score", 1.5, "log-odds", _CHOSEN)
    lent_prior: float = _row("weight.lent_prior", -2.0, "log-odds", _CHOSEN)
    lent_day: float = _row("weight.lent_day", 1.2, "log-likelihood per day", _CHOSEN)
    lent_cap: int = _row("weight.lent_cap_days", 10, "days", _CHOSEN)

    rung_notice: int = _row("vacant.rung_notice_days", 30, "days", _G1)
    rung_check: int = _row("vacant.rung_check_days", 60, "days", _G1)
    rung_file: int = _row("vacant.rung_file_days", 150, "days", _G1)
    rung_legal: int = _row("vacant.rung_legal_days", 180, "days", _G1 + "; Order 11 (2012) art. 27: six months")
    vacant_day: float = _row("weight.vacant_day", 0.2, "log-likelihood per day", _CHOSEN)

    def __post_init__(self) -> None:
        """Refuse values with which a rule would mean something else than it says."""
        rungs = self.rungs
        checks = {
            "coverage": 0 < self.healthy_min_share <= 1 and 0 < self.window_min_share <= 1,
            "refusal": self.unknowns_per_hidden >= 1,
            "absence": self.slack_before >= 0 and self.slack_after >= 0,
            "long_stay": 1 <= self.short_min_days <= self.short_min_span <= self.short_window <= self.long_window
            and self.short_min_days <= self.long_min_days <= self.long_window,
            "sublet": 1 <= self.absent_days <= self.never_seen_days and self.alone_min_days >= 1,
            "lent": 1 <= self.lent_min_days <= self.lent_window and self.lent_cap >= 1 and self.lent_day >= 0,
            "vacant": rungs[0] >= 1 and list(rungs) == sorted(set(rungs)),
            # The refusal rule and the health rule are proven only for these signs.
            "weight": 0 < self.tempering <= 1
            and min(self.links) >= 0
            and self.day_seen + min(self.signs) >= max(self.day_unseen, 0.0)
            and self.vacant_day >= 0
            and self.absent_day >= 0
            and self.other_units <= 0,
        }
        for part, holds in checks.items():
            if not holds:
                raise ParameterError(f"rule set {self.version}: the values of {_PREFIX}{part}.* contradict each other")

    @property
    def rungs(self) -> tuple[int, int, int, int]:
        """The vacancy ladder, in days, ascending."""
        return (self.rung_notice, self.rung_check, self.rung_file, self.rung_legal)

    @property
    def links(self) -> tuple[float, ...]:
        """The weights of the links, in the order of `LinkKind`."""
        return (
            self.link_unit_credential,
            self.link_unit_door,
            self.link_intercom,
            self.link_arrives_with_resident,
            self.link_visit,
        )

    @property
    def signs(self) -> tuple[float, ...]:
        """The weights of the times of day at which somebody passes."""
        return (self.night_sign, self.evening_only, self.evening_blind, self.daytime_only)

    @classmethod
    def from_rules(cls, rows: Mapping[str, object], *, version: str) -> "Parameters":
        """Read a rule set (key -> number). Keys of other parts are ignored; a missing or unusable one raises."""
        values: dict[str, float] = {}
        for item in _rows():
            key, default = item.metadata["key"], item.metadata["default"]
            value = rows.get(key)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ParameterError(f"rule set {version}: {key} must be a number, not {value!r}")
            if isinstance(default, int) and value != int(value):
                raise ParameterError(f"rule set {version}: {key} must be a whole number, not {value!r}")
            values[item.name] = type(default)(value)
        return cls(version=version, **values)  # type: ignore[arg-type]  # whole numbers are int, checked above


def _rows() -> tuple[Field[object], ...]:
    return tuple(item for item in fields(Parameters) if "key" in item.metadata)


DEFAULTS: tuple[ParameterDefault, ...] = tuple(
    ParameterDefault(row.metadata["key"], row.metadata["default"], row.metadata["unit"], row.metadata["source"])
    for row in _rows()
)
