"""Bringing a database to this release: schema first, then the rule set that the release ships."""

from datetime import date

from sqlalchemy import create_engine, func, select

from api.house import House
from gate_integration.enrolment import parameters as enrolment
from gate_integration.occupancy import parameters as occupancy
from inspection.cases import deadlines
from inspection.cases import service as cases
from inspection.leads import service as leads
from inspection.visits import coverage, geofence
from storage.database import Role
from storage.migrations import runner
from storage.rules.service import publish_nationwide
from storage.rules.values import RuleDefault

EFFECTIVE_FROM = date(2012, 7, 15)  # 公共租赁住房管理办法 came into force


def shipped_rules() -> list[RuleDefault]:
    """Every parameter with its default, unit and source, as this release ships them."""
    return [
        *occupancy.DEFAULTS,
        *enrolment.DEFAULTS,
        *(RuleDefault(*row) for row in deadlines.DEADLINES),
        *(RuleDefault(*row) for row in geofence.DEFAULTS),
        *leads.DEFAULTS,
        *coverage.DEFAULTS,
        *cases.DEFAULTS,
    ]


def upgrade(house: House) -> tuple[str | None, str | None]:
    """Migrates; publishes the shipped rules as a new nationwide version where they differ from the last one."""
    before, after = runner.upgrade(house.urls)
    publish_shipped(house)
    return before, after


def publish_shipped(house: House) -> bool:
    """Publishes the shipped rules unless the newest nationwide version holds them already."""
    engine = create_engine(house.urls.sqlalchemy(Role.OWNER, "psycopg"))
    try:
        with engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(runner.LOCK)))
            return publish_nationwide(
                connection, values=shipped_rules(), effective_from=EFFECTIVE_FROM, note="shipped with the release",
                now=house.clock.now(),
            )  # fmt: skip
    finally:
        engine.dispose()
