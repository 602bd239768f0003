"""The migrations make exactly the tables that the models describe, once, from nothing."""

import importlib
import pkgutil
from dataclasses import replace

import psycopg
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import sql
from sqlalchemy import create_engine

import gate_integration
import inspection
import storage
from storage.database import Base, DatabaseUrls, Role, urls_for
from storage.migrations import runner
from storage.postgres.lease import Lease, create_database
from storage.settings import Settings


def import_all_models() -> None:
    for package in (storage, inspection, gate_integration):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.rsplit(".", 1)[-1] in {"models", "outbox", "timers", "deployment"}:
                importlib.import_module(module.name)


def test_models_and_migrations_agree(urls: DatabaseUrls) -> None:
    import_all_models()
    engine = create_engine(urls.sqlalchemy(Role.OWNER, "psycopg"))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _: (
                    not (kind == "table" and name is not None and name.startswith(("procrastinate_", "raw_delivery_")))
                ),
            },
        )
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert differences == []


def test_a_second_upgrade_changes_nothing(urls: DatabaseUrls) -> None:
    before, after = runner.upgrade(urls)
    assert before == after == runner.newest()


def test_each_step_can_be_taken_by_itself(cluster: Lease, test_settings: Settings) -> None:
    with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS test_steps WITH (FORCE)")
        create_database(connection, "test_steps")
        urls = urls_for(replace(test_settings, database_name="test_steps"), cluster)
        for number in range(1, int(runner.newest()) + 1):
            assert runner.upgrade(urls, f"{number:04}")[1] == f"{number:04}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier("test_steps")))
