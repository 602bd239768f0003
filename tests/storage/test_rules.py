"""Publishing the rules that a release ships."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import create_engine, select

from storage.database import DatabaseUrls, Role
from storage.rules.models import RuleSet, RuleValue
from storage.rules.service import publish_nationwide
from storage.rules.values import RuleDefault

FIRST = RuleDefault("test.days", 30, "calendar_day", "test")
SECOND = RuleDefault("test.share", 0.5, "share", "test")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.asvs("v5.0.0-2.1.3")
async def test_a_version_is_added_only_when_something_differs(urls: DatabaseUrls) -> None:
    engine = create_engine(urls.sqlalchemy(Role.OWNER, "psycopg"))
    with engine.connect() as connection:

        def publish(*values: RuleDefault) -> bool:
            return publish_nationwide(connection, values=values, effective_from=date(2012, 7, 15), note="test", now=NOW)

        assert publish(FIRST)
        assert not publish(FIRST)
        assert publish(FIRST, SECOND)
        assert not publish(SECOND, FIRST)
        rows = connection.execute(
            select(RuleSet.version, RuleValue.key, RuleValue.value)
            .join(RuleValue, RuleValue.rule_set_id == RuleSet.id)
            .where(RuleSet.note == "test")
            .order_by(RuleSet.version, RuleValue.key)
        ).all()
        connection.rollback()
    engine.dispose()
    newest = rows[-1].version
    assert [tuple(row) for row in rows] == [
        (newest - 1, "test.days", 30), (newest, "test.days", 30), (newest, "test.share", 0.5),
    ]  # fmt: skip
