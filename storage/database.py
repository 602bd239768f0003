"""The database as the rest of the house sees it: roles, scopes, and transactions that commit before anybody answers."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import asyncpg
from sqlalchemy import MetaData, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from storage.postgres import lease as embedded
from storage.settings import Settings


class Base(DeclarativeBase):
    """The base of every table; names of constraints are predictable, since errors are recognised by them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Role(StrEnum):
    """The database roles; none but `OWNER` owns anything, none bypasses row-level security."""

    OWNER = "ruhu_owner"
    APP = "ruhu_app"
    INTAKE = "ruhu_intake"
    SYSTEM = "ruhu_system"


@dataclass(frozen=True, slots=True)
class UserScope:
    """Rows of the estates in which the user holds one of `roles`; looked up in the database for each transaction."""

    user_id: uuid.UUID
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class EstateScope:
    """Rows of the estates named."""

    estates: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True)
class SystemScope:
    """Every row; only the worker's role has policies that honour it."""


Scope = UserScope | EstateScope | SystemScope


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One libpq URL for each role."""

    by_role: dict[Role, str] = field(default_factory=dict)

    def sqlalchemy(self, role: Role, driver: str = "asyncpg") -> URL:
        """The URL as SQLAlchemy takes it."""
        return make_url(self.by_role[role].replace("postgres://", "postgresql://", 1)).set(
            drivername=f"postgresql+{driver}"
        )


def urls_for(settings: Settings, cluster: embedded.Lease | None) -> DatabaseUrls:
    """The role URLs: the embedded cluster's socket, or `DATABASE_URL` with the user replaced.

    `DATABASE_URL_OWNER`, `_APP`, `_INTAKE` and `_SYSTEM` replace the derived ones.
    """
    given = dict(settings.role_urls)
    found: dict[Role, str] = {}
    for role in Role:
        override = given.get(role.value.removeprefix("ruhu_"))
        if override is not None:
            found[role] = override
        elif settings.database_url is not None:
            url = make_url(settings.database_url.replace("postgres://", "postgresql://", 1))
            found[role] = url.set(username=role.value).render_as_string(hide_password=False)
        elif cluster is not None:
            found[role] = cluster.cluster.url(role.value, settings.database_name)
    return DatabaseUrls(found)


class Database:
    """Engines by role, made when first used, and the one way to a transaction."""

    def __init__(self, urls: DatabaseUrls, *, pool_size: int = 10) -> None:
        self.urls = urls
        self.pool_size = pool_size
        self.engines: dict[Role, AsyncEngine] = {}

    def engine(self, role: Role) -> AsyncEngine:
        """The engine of a role."""
        if role not in self.engines:
            self.engines[role] = create_async_engine(
                self.urls.sqlalchemy(role),
                pool_size=self.pool_size,
                max_overflow=self.pool_size,
                pool_timeout=20,
                hide_parameters=True,  # an error's text may reach a log: names and numbers must not be in it
                connect_args={"server_settings": {"application_name": f"ruhu {role.value}", "jit": "off"}},
            )
        return self.engines[role]

    @asynccontextmanager
    async def transaction(self, role: Role, scope: Scope) -> AsyncIterator[AsyncSession]:
        """One transaction in one scope; commits on leaving, and an error of the COMMIT reaches the caller.

        Build the answer inside the block and return it after: nothing has been promised until the block is left.
        """
        factory = async_sessionmaker(self.engine(role), expire_on_commit=False)
        async with factory() as session, session.begin():
            await connected(session)
            await enter_scope(session, scope)
            yield session

    async def dispose(self) -> None:
        """Closes all connections."""
        for engine in self.engines.values():
            await engine.dispose()
        self.engines.clear()


async def connected(session: AsyncSession) -> None:
    """Takes the session's connection; a server that is not there is told as an `OperationalError`.

    The driver tells it as an error of the system, which could be anybody's.
    """
    try:
        await session.connection()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise OperationalError(None, None, error, connection_invalidated=True) from error


async def enter_scope(session: AsyncSession, scope: Scope) -> None:
    """Makes the rows of `scope` visible for this transaction; without it a transaction sees none."""
    match scope:
        case UserScope(user_id=user, roles=roles):
            await session.execute(
                text("SELECT ruhu_enter_user_scope(:user_id, :roles)"), {"user_id": user, "roles": sorted(roles)}
            )
        case EstateScope(estates=estates):
            await session.execute(
                text("SELECT set_config('ruhu.estates', :estates, true)"),
                {"estates": "{" + ",".join(str(e) for e in estates) + "}"},
            )
        case SystemScope():
            await session.execute(text("SELECT set_config('ruhu.scope', 'system', true)"))
