"""Where the classes of all floors meet the deleting job, and the reach of holds is put together."""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import create_engine, func, select

from api.house import House
from gate_integration.bulk_enrolment import retention as archives
from gate_integration.devices import retention as devices
from gate_integration.intake import retention as intake
from gate_integration.occupancy import retention as occupancy
from gate_integration.sightings import retention as sightings
from gate_integration.terminal_people import retention as terminals
from gate_integration.webhook_keys import retention as webhook_keys
from inspection.cases import retention as cases
from inspection.leads import retention as leads
from inspection.registry.households import retention as households
from inspection.users import retention as users
from inspection.visits import retention as visits
from storage.audit import retention as audit
from storage.audit.service import Actor
from storage.database import DatabaseUrls, Role
from storage.holds import service as holds
from storage.holds.reach import Reach
from storage.migrations import runner
from storage.objects.service import Objects
from storage.retention import ground
from storage.retention.classes import Tools
from storage.retention.run import Plan, run_all
from storage.rules.service import publish_local
from storage.rules.values import RuleDefault

REACH = Reach(
    widen=(cases.widen, households.widen, visits.widen, devices.widen, sightings.events_of),
    locate={**households.LOCATE, **cases.LOCATE, **devices.LOCATE},
)
RULES: tuple[RuleDefault, ...] = (
    *ground.RULES, *users.RULES, *households.RULES, *leads.RULES, *visits.RULES, *cases.RULES, *intake.RULES,
    *sightings.RULES, *devices.RULES, *terminals.RULES, *archives.RULES, *webhook_keys.RULES, *occupancy.RULES,
    *holds.RULES, *audit.RULES,
)  # fmt: skip


def retention_plan(objects: Objects) -> Plan:
    """Every class; those that free objects before those that delete bytes."""
    return Plan(
        classes=(
            *intake.CLASSES, *sightings.CLASSES, *devices.CLASSES, *terminals.CLASSES, *archives.CLASSES,
            *webhook_keys.CLASSES, *occupancy.CLASSES, *cases.CLASSES, *visits.CLASSES, *leads.CLASSES,
            *households.CLASSES, *users.CLASSES, *audit.CLASSES, *ground.ground(objects),
        ),
        reach=REACH,
    )  # fmt: skip


def publish_period(
    urls: DatabaseUrls, *, rule: RuleDefault, amount: int, jurisdiction: str, effective_from: date, source: str,
    now: datetime,
) -> int:  # fmt: skip
    """Publishes a period for a division, as its next version; says the number. For the owner of the database.

    Raises `BelowMinimum` and `WrongJurisdiction`.
    """
    engine = create_engine(urls.sqlalchemy(Role.OWNER, "psycopg"))
    try:
        with engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(runner.LOCK)))
            return publish_local(
                connection, jurisdiction=jurisdiction, changes=[replace(rule, value=amount, source=source)],
                effective_from=effective_from, note="retention", now=now,
            )  # fmt: skip
    finally:
        engine.dispose()


class RetentionFailed(Exception):
    """A class could not be finished; the run says which and why, and the job is tried again."""


HOURLY = frozenset({"deliveries.sealed", "snapshots", "snapshots.linked", "snapshots.let_go", "objects.dated"})
"""What is promised to be gone within hours, or at once."""


async def run_daily(house: House) -> None:
    """Every class, each with its proof."""
    await _run(house, retention_plan(house.objects), quiet=False)


async def run_hourly(house: House) -> None:
    """The classes that do not wait for a day; a run is written where something was due."""
    plan = retention_plan(house.objects)
    await _run(
        house, replace(plan, classes=tuple(one for one in plan.classes if one.described.code in HOURLY)), quiet=True
    )


async def _run(house: House, plan: Plan, *, quiet: bool) -> None:
    runs = await run_all(
        house.database, plan=plan, tools=Tools(house.vault, house.objects), now=house.clock.now(),
        actor=Actor.system("worker"), quiet=quiet,
    )  # fmt: skip
    failed = [run.class_code for run in runs if run.error is not None]
    if failed:
        raise RetentionFailed(", ".join(failed))
