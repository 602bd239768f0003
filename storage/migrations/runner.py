"""Bringing a database to the newest schema, and telling where it stands."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from storage.database import DatabaseUrls, Role

LOCK = 711002


def configuration() -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def newest() -> str:
    """The revision this code needs."""
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    if head is None:
        raise RuntimeError("no migrations found")
    return head


def current(connection: Connection) -> str | None:
    """The revision a database stands at."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(urls: DatabaseUrls, revision: str = "head") -> tuple[str | None, str | None]:
    """Migrates as the owner, in one transaction, one process at a time; tells the revisions before and after."""
    engine = create_engine(urls.sqlalchemy(Role.OWNER, "psycopg"))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            before = current(connection)
            config = configuration()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            return before, current(connection)
    finally:
        engine.dispose()
