"""Bringing a database to this release: schema first, then the rule set that the release ships."""

from datetime import date, datetime

from sqlalchemy import create_engine, func, select

from api import retention
from api.house import House
from gate_integration.enrolment import parameters as enrolment
from gate_integration.occupancy import parameters as occupancy
from inspection.cases import deadlines
from inspection.filing import count as filing
from inspection.leads import service as leads
from inspection.rights import service as rights
from inspection.visits import coverage, geofence
from storage.database import DatabaseUrls, Role
from storage.migrations import runner
from storage.rules.service import publish_nationwide
from storage.rules.values import RuleDefault
from storage.vault.key_check import bind
from storage.vault.service import Vault

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
        *retention.RULES,
        *rights.DEFAULTS,
        *filing.DEFAULTS,
    ]


def upgrade(house: House) -> tuple[str | None, str | None]:
    """Migrates; publishes the shipped rules as a new nationwide version where they differ from the last one."""
    return upgrade_urls(house.urls, house.vault, now=house.clock.now())


def upgrade_urls(urls: DatabaseUrls, vault: Vault, *, now: datetime) -> tuple[str | None, str | None]:
    """The same for a database that no house stands on yet; binds it to the master key if it is bound to none."""
    before, after = runner.upgrade(urls)
    bind(urls.by_role[Role.OWNER], vault, now=now)
    publish_shipped(urls, now=now)
    return before, after


def publish_shipped(urls: DatabaseUrls, *, now: datetime) -> bool:
    """Publishes the shipped rules unless the newest nationwide version holds them already."""
    engine = create_engine(urls.sqlalchemy(Role.OWNER, "psycopg"))
    try:
        with engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(runner.LOCK)))
            return publish_nationwide(
                connection, values=shipped_rules(), effective_from=EFFECTIVE_FROM, note="shipped with the release",
                now=now,
            )  # fmt: skip
    finally:
        engine.dispose()
