"""The one way to a case that is to be changed: locked, by a person, in a state that permits it, at a known version."""

import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import queries
from inspection.cases.errors import CaseNotFound, CertificateNeeded, NotPermitted, VersionMismatch
from inspection.cases.models import Case
from inspection.cases.transitions import PERMITS
from inspection.cases.vocabulary import LABELS, Permit, State
from inspection.users.authority import Officer, require
from inspection.users.models import UserRole
from storage.audit.service import Actor

MANAGERS: Final = frozenset({UserRole.MANAGER})
OFFICERS: Final = frozenset({UserRole.MANAGER, UserRole.INSPECTOR})
HANDS: Final = OFFICERS | {UserRole.OPERATOR_STAFF}


@dataclass(frozen=True, slots=True)
class Opened:
    """A locked case and who changes it."""

    case: Case
    officer: Officer


async def locked(
    session: AsyncSession, *, case_id: uuid.UUID, actor: Actor, any_of: frozenset[UserRole] | None, version: int | None
) -> Opened:
    """A case, locked. `version` None: the caller did not say which one they saw.

    Raises `CaseNotFound`, `HumanNeeded`, `Forbidden`, `VersionMismatch`.
    """
    case = await queries.case(session, case_id, lock=True)
    if case is None:
        raise CaseNotFound
    officer = await require(session, actor=actor, estate_id=case.estate_id, any_of=any_of)
    if version is not None and version != case.version:
        raise VersionMismatch(version=case.version)
    return Opened(case, officer)


async def permitted(
    session: AsyncSession,
    *,
    case_id: uuid.UUID,
    permits: frozenset[Permit],
    actor: Actor,
    any_of: frozenset[UserRole],
    version: int | None,
    certified: bool = False,
) -> Opened:
    """As `locked`, in a state that gives one of `permits`. `certified`: only for somebody with a certificate."""
    opened = await locked(session, case_id=case_id, actor=actor, any_of=any_of, version=version)
    if certified and not opened.officer.certificate_number:
        raise CertificateNeeded
    demand(opened.case, permits)
    return opened


def demand(case: Case, permits: frozenset[Permit]) -> None:
    """Raises `NotPermitted` unless the case's state gives one of `permits`."""
    state = State(case.state)
    if not PERMITS[state] & permits:
        zh, en = LABELS[state]
        raise NotPermitted(f"案件处于“{zh}”状态", f'The state is "{en}"', state=state, permits=sorted(PERMITS[state]))
