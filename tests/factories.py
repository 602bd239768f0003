"""Small worlds for tests: an estate with flats and households, users with grants. All names and numbers are made up."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime

from inspection.registry.consents.models import Consent, ConsentScope, ProcessingBasis, Purpose
from inspection.registry.households.models import Household, HouseholdKind, HouseholdMember, Lease, MemberRole, Person
from inspection.registry.places.models import Building, Entrance, Estate, FundingType, HousingUnit, UnitStatus
from inspection.users.models import ScopeLevel, User, UserGrant, UserRole
from storage.database import Database, EstateScope, Role
from storage.ids import new_id
from storage.vault.service import Vault


@dataclass
class World:
    """One estate: ids by position. `units[i]` is let to `households[i]`, whose tenant is `tenants[i]`."""

    estate_id: uuid.UUID
    division_code: str
    building_id: uuid.UUID
    entrance_id: uuid.UUID
    units: list[uuid.UUID] = field(default_factory=list)
    households: list[uuid.UUID] = field(default_factory=list)
    tenants: list[uuid.UUID] = field(default_factory=list)

    @property
    def scope(self) -> EstateScope:
        """The estate's rows."""
        return EstateScope((self.estate_id,))


async def make_world(
    database: Database,
    vault: Vault,
    *,
    now: datetime,
    flats: int = 4,
    bases: tuple[Purpose, ...] = tuple(Purpose),
    division_code: str = "999999001001",
) -> World:
    """An estate of one building and one entrance, `flats` let flats with one tenant each, and recorded bases."""
    world = World(new_id(), division_code, new_id(), new_id())
    async with database.transaction(Role.APP, world.scope) as session:
        session.add(
            Estate(
                id=world.estate_id, name=f"测试小区{world.estate_id.hex[-6:]}", division_code=division_code,
                funding_type=FundingType.GOVERNMENT_INVESTED, created_at=now,
                geofence={"crs": "wgs84",
                          "polygon": [[116.300, 39.900], [116.304, 39.900], [116.304, 39.903], [116.300, 39.903]]},
            )
        )  # fmt: skip
        await session.flush()
        session.add(Building(id=world.building_id, estate_id=world.estate_id, name="1幢"))
        await session.flush()
        session.add(
            Entrance(id=world.entrance_id, estate_id=world.estate_id, building_id=world.building_id, name="1单元")
        )
        await session.flush()
        for index in range(flats):
            unit, household, tenant = new_id(), new_id(), new_id()
            session.add(
                HousingUnit(
                    id=unit, estate_id=world.estate_id, building_id=world.building_id,
                    entrance_id=world.entrance_id, code=f"U{index:03}", room_no=f"{index + 101}", floor=1,
                    max_people=4, status=UnitStatus.ALLOCATED,
                )
            )  # fmt: skip
            session.add(
                Household(id=household, estate_id=world.estate_id, number=f"H{index:03}", kind=HouseholdKind.IN_KIND,
                          created_at=now)
            )  # fmt: skip
            await vault.new_subject_key(session, estate_id=world.estate_id, subject_id=tenant, now=now)
            session.add(
                Person(id=tenant, estate_id=world.estate_id, name=f"住户{index}", birth_date=date(1980, 1, 1),
                       created_at=now)
            )  # fmt: skip
            await session.flush()
            session.add(
                HouseholdMember(estate_id=world.estate_id, household_id=household, person_id=tenant,
                                role=MemberRole.TENANT, valid_from=date(2025, 1, 1))
            )  # fmt: skip
            session.add(
                Lease(estate_id=world.estate_id, household_id=household, unit_id=unit, number=f"L{index:03}",
                      valid_from=date(2025, 1, 1), valid_to=date(2029, 12, 31))
            )  # fmt: skip
            world.units.append(unit)
            world.households.append(household)
            world.tenants.append(tenant)
        for purpose in bases:
            session.add(
                ProcessingBasis(
                    estate_id=world.estate_id, purpose=purpose, legal_basis="测试依据", assessment_number="PIA-1",
                    assessment_date=date(2026, 1, 1), notice_version="v1", signed_by="测试",
                    valid_from=date(2026, 1, 1), valid_to=date(2027, 12, 31), created_at=now,
                )
            )  # fmt: skip
    return world


async def give_consent(
    database: Database,
    world: World,
    person_id: uuid.UUID,
    *,
    now: datetime,
    scopes: tuple[ConsentScope, ...] = tuple(ConsentScope),
) -> None:
    """Records consent of a person to some scopes."""
    async with database.transaction(Role.APP, world.scope) as session:
        session.add_all(
            Consent(estate_id=world.estate_id, person_id=person_id, scope=scope, notice_version="v1", channel="paper",
                    given_at=now)
            for scope in scopes
        )  # fmt: skip


async def make_user(
    database: Database,
    *,
    now: datetime,
    role: UserRole,
    level: ScopeLevel,
    code: str,
    login: str | None = None,
    password_hash: str = "!",  # noqa: S107 - no password hashes to it
    certificate: str | None = "ZF-0001",
) -> uuid.UUID:
    """A user with one grant."""
    user_id = new_id()
    async with database.transaction(Role.APP, EstateScope(())) as session:
        session.add(
            User(id=user_id, login=login or f"user-{user_id.hex[-8:]}", name=f"用户{user_id.hex[-4:]}",
                 password_hash=password_hash, certificate_number=certificate, created_at=now)
        )  # fmt: skip
        await session.flush()
        session.add(UserGrant(user_id=user_id, role=role, level=level, code=code, granted_at=now))
    return user_id
