"""What the text of an error may tell: it can reach a log through a library that logs tracebacks."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.database import Database, EstateScope, Role


@pytest.mark.asvs("v5.0.0-16.2.5")
async def test_an_error_of_the_database_names_no_value(database: Database) -> None:
    statement = text("SELECT CAST(:name AS text), 1 / CAST(:zero AS integer)")
    async with database.transaction(Role.APP, EstateScope(())) as session:
        savepoint = await session.begin_nested()
        with pytest.raises(DBAPIError) as failed:
            await session.execute(statement, {"name": "某某", "zero": 0})
        await savepoint.rollback()
    assert "某某" not in str(failed.value)
    assert "division" in str(failed.value)
