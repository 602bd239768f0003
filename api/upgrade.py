"""Bringing a database to this release: schema first, then the rule set that the release ships."""

from datetime import date

from sqlalchemy import create_engine, func, select
from sqlalchemy.dialects.postgresql import insert

from api.house import House
from gate_integration.enrolment import parameters as enrolment
from gate_integration.occupancy import parameters as occupancy
from inspection.cases import deadlines
from inspection.cases import service as cases
from inspection.leads import service as leads
from inspection.visits import coverage, geofence
from storage.database import Role
from storage.ids import new_id
from storage.migrations import runner
from storage.rules.models import RuleSet, RuleValue
from storage.rules.service import RuleDefault

NATIONWIDE = ""
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
    wanted = {row.key: row for row in shipped_rules()}
    engine = create_engine(house.urls.sqlalchemy(Role.OWNER, "psycopg"))
    try:
        with engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(runner.LOCK)))
            newest = connection.execute(
                select(RuleSet.id, RuleSet.version)
                .where(RuleSet.jurisdiction == NATIONWIDE)
                .order_by(RuleSet.version.desc())
                .limit(1)
            ).first()
            if newest is not None:
                stored = connection.execute(
                    select(RuleValue.key, RuleValue.value).where(RuleValue.rule_set_id == newest.id)
                )
                if {key: value for key, value in stored} == {key: row.value for key, row in wanted.items()}:  # noqa: C416
                    return False
            set_id = new_id()
            connection.execute(
                insert(RuleSet).values(
                    id=set_id, jurisdiction=NATIONWIDE, version=(newest.version if newest else 0) + 1,
                    effective_from=EFFECTIVE_FROM, note="shipped with the release", created_at=house.clock.now(),
                )
            )  # fmt: skip
            connection.execute(
                insert(RuleValue),
                [
                    {"rule_set_id": set_id, "key": r.key, "value": r.value, "unit": r.unit, "source": r.source}
                    for r in wanted.values()
                ],
            )
            return True
    finally:
        engine.dispose()
