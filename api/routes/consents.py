"""Bases of processing and people's consents."""

import uuid

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from api.access import Work, requires
from inspection.registry.consents import service
from inspection.registry.consents.schemas import (
    BasisInput,
    BasisView,
    ConsentInput,
    ConsentView,
    WithdrawalInput,
)
from inspection.users.models import UserRole

READERS = requires(UserRole.INSPECTOR, UserRole.MANAGER, UserRole.AUDITOR, UserRole.ADMINISTRATOR)
DOOR = requires(UserRole.INSPECTOR, UserRole.MANAGER)
ADMINISTRATORS = requires(UserRole.ADMINISTRATOR)


@get(
    "/api/v1/estates/{estate_id:uuid}/bases", guards=[READERS], tags=["consents"], operation_id="listBases",
    summary="处理依据列表 / List processing bases",
)  # fmt: skip
async def list_bases(estate_id: FromPath[uuid.UUID], work: Work) -> list[BasisView]:
    """All bases of an estate, newest first; a purpose without one in force is off."""
    async with work.transaction() as session:
        found = await service.list_bases(session, estate_id=estate_id)
    return [BasisView.of(row, now=work.now) for row in found]


@post(
    "/api/v1/estates/{estate_id:uuid}/bases", guards=[ADMINISTRATORS], tags=["consents"], operation_id="recordBasis",
    summary="登记处理依据 / Record a processing basis",
)  # fmt: skip
async def record_basis(estate_id: FromPath[uuid.UUID], data: JSONBody[BasisInput], work: Work) -> BasisView:
    """Turns a purpose on for an estate."""
    async with work.transaction() as session:
        row = await service.record_basis(
            session, estate_id=estate_id, basis=data.basis(), actor=work.actor, now=work.now
        )
    return BasisView.of(row, now=work.now)


@post(
    "/api/v1/bases/{basis_id:uuid}/withdraw", guards=[ADMINISTRATORS], status_code=HTTP_200_OK, tags=["consents"],
    operation_id="withdrawBasis", summary="终止处理依据 / Withdraw a processing basis",
)  # fmt: skip
async def withdraw_basis(basis_id: FromPath[uuid.UUID], data: JSONBody[WithdrawalInput], work: Work) -> BasisView:
    """Ends a basis at once."""
    async with work.transaction() as session:
        row = await service.withdraw_basis(
            session, basis_id=basis_id, reason=data.reason, actor=work.actor, now=work.now
        )
    return BasisView.of(row, now=work.now)


@get(
    "/api/v1/people/{person_id:uuid}/consents", guards=[READERS], tags=["consents"], operation_id="listConsents",
    summary="同意记录 / List a person's consents",
)  # fmt: skip
async def list_consents(person_id: FromPath[uuid.UUID], work: Work) -> list[ConsentView]:
    """All consents of a person, newest first, ended ones too."""
    async with work.transaction() as session:
        found = await service.list_consents(session, person_id=person_id)
    return [ConsentView.of(row, now=work.now) for row in found]


@post(
    "/api/v1/people/{person_id:uuid}/consents", guards=[DOOR], tags=["consents"], operation_id="giveConsent",
    summary="登记同意 / Record consent",
)  # fmt: skip
async def give_consent(person_id: FromPath[uuid.UUID], data: JSONBody[ConsentInput], work: Work) -> list[ConsentView]:
    """Records consent scope by scope, told by the current notice; under 14 the guardian's."""
    async with work.transaction() as session:
        found = await service.give(
            session, person_id=person_id, scopes=data.scopes, notice_version=data.notice_version,
            channel=data.channel, guardian_id=data.guardian_id, valid_to=data.valid_to, actor=work.actor, now=work.now,
        )  # fmt: skip
    return [ConsentView.of(row, now=work.now) for row in found]


@post(
    "/api/v1/consents/{consent_id:uuid}/withdraw", guards=[DOOR], status_code=HTTP_200_OK, tags=["consents"],
    operation_id="withdrawConsent", summary="撤回同意 / Withdraw consent",
)  # fmt: skip
async def withdraw_consent(consent_id: FromPath[uuid.UUID], data: JSONBody[WithdrawalInput], work: Work) -> ConsentView:
    """Withdraws one scope; what rests on it is destroyed by the next job run."""
    async with work.transaction() as session:
        row = await service.withdraw(session, consent_id=consent_id, reason=data.reason, actor=work.actor, now=work.now)
    return ConsentView.of(row, now=work.now)


handlers = [list_bases, record_basis, withdraw_basis, list_consents, give_consent, withdraw_consent]
