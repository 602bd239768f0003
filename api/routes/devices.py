"""Gate devices: what they are, how they are, what they sent; credentials and numbers that mean people."""

import uuid

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from api.access import Work, requires
from api.paging import AfterMoment, AfterTextAndId, Cursor, Limit, Page, decode_cursor, paged
from gate_integration.devices import queries, service
from gate_integration.devices.schemas import (
    CredentialInput,
    CredentialView,
    DeliveryView,
    DeviceHealth,
    DeviceInput,
    DevicePersonInput,
    DevicePersonView,
    DeviceView,
    NewToken,
    ProblemView,
    TokensRevoked,
)
from inspection.users.models import UserRole

READERS = requires(UserRole.INSPECTOR, UserRole.MANAGER, UserRole.AUDITOR, UserRole.ADMINISTRATOR)
KEEPERS = requires(UserRole.ADMINISTRATOR, UserRole.MANAGER)
WATCHERS = requires(UserRole.ADMINISTRATOR, UserRole.MANAGER, UserRole.AUDITOR)


@post(
    "/api/v1/devices", guards=[KEEPERS], tags=["devices"], operation_id="addDevice",
    summary="登记门禁设备 / Add a gate device",
)  # fmt: skip
async def add_device(data: JSONBody[DeviceInput], work: Work) -> NewToken:
    """Adds a device. The token in the answer is shown this once; its path goes into the device's event host."""
    async with work.transaction() as session:
        return await service.add_device(session, data=data, vault=work.context.vault, actor=work.actor, now=work.now)


@get(
    "/api/v1/devices", guards=[READERS], tags=["devices"], operation_id="listDevices",
    summary="门禁设备状态 / Gate devices and how they are",
)  # fmt: skip
async def list_devices(work: Work, cursor: Cursor = None, limit: Limit = 50) -> Page[DeviceHealth]:
    """Devices by name: last contact, outages, deliveries that wait, problems that stand."""
    after = decode_cursor(cursor, AfterTextAndId)
    async with work.transaction() as session:
        rows = await queries.health(session, now=work.now, after=after, limit=limit + 1)
    return paged(rows, limit=limit, key=lambda row: (row.device.name, row.device.id))


@post(
    "/api/v1/devices/{device_id:uuid}/tokens", guards=[KEEPERS], tags=["devices"], operation_id="rotateDeviceToken",
    summary="更换设备令牌 / Give a device a further token",
)  # fmt: skip
async def rotate_token(device_id: FromPath[uuid.UUID], work: Work) -> NewToken:
    """A further token; the one before stays good until it is revoked. At most two are good at once."""
    async with work.transaction() as session:
        return await service.rotate_token(
            session, device_id=device_id, vault=work.context.vault, actor=work.actor, now=work.now
        )


@delete(
    "/api/v1/devices/{device_id:uuid}/tokens", guards=[KEEPERS], status_code=HTTP_200_OK, tags=["devices"],
    operation_id="revokeOldDeviceTokens", summary="作废旧令牌 / Revoke all tokens but the newest",
)  # fmt: skip
async def revoke_old_tokens(device_id: FromPath[uuid.UUID], work: Work) -> TokensRevoked:
    """Ends a rotation; takes effect within five seconds."""
    async with work.transaction() as session:
        number = await service.revoke_old_tokens(session, device_id=device_id, actor=work.actor, now=work.now)
    return TokensRevoked(revoked=number)


@post(
    "/api/v1/devices/{device_id:uuid}/retire", guards=[KEEPERS], status_code=HTTP_200_OK, tags=["devices"],
    operation_id="retireDevice", summary="停用设备 / Take a device out of service",
)  # fmt: skip
async def retire_device(device_id: FromPath[uuid.UUID], work: Work) -> DeviceView:
    """Its tokens end; what it reported stays."""
    async with work.transaction() as session:
        return await service.retire_device(session, device_id=device_id, actor=work.actor, now=work.now)


@post(
    "/api/v1/estates/{estate_id:uuid}/credentials", guards=[KEEPERS], tags=["devices"],
    operation_id="registerCredential", summary="登记门禁卡 / Register a card, PIN or QR",
)  # fmt: skip
async def register_credential(
    estate_id: FromPath[uuid.UUID], data: JSONBody[CredentialInput], work: Work
) -> CredentialView:
    """Registers a credential of a household, a unit or a person; only a keyed hash of its number is stored."""
    async with work.transaction() as session:
        return await service.register_credential(
            session, estate_id=estate_id, data=data, vault=work.context.vault, actor=work.actor, now=work.now
        )


@post(
    "/api/v1/credentials/{credential_id:uuid}/withdraw", guards=[KEEPERS], status_code=HTTP_200_OK, tags=["devices"],
    operation_id="withdrawCredential", summary="注销门禁卡登记 / End the registration of a credential",
)  # fmt: skip
async def withdraw_credential(credential_id: FromPath[uuid.UUID], work: Work) -> CredentialView:
    """For a lost or replaced card. It sends nothing to a door: no access is revoked by it."""
    async with work.transaction() as session:
        return await service.withdraw_credential(session, credential_id=credential_id, actor=work.actor, now=work.now)


@post(
    "/api/v1/devices/{device_id:uuid}/people", guards=[KEEPERS], tags=["devices"], operation_id="mapDevicePerson",
    summary="对应设备人员编号 / Say whom a number on a device means",
)  # fmt: skip
async def map_person(device_id: FromPath[uuid.UUID], data: JSONBody[DevicePersonInput], work: Work) -> DevicePersonView:
    """Leading zeros of the number count."""
    async with work.transaction() as session:
        return await service.map_person(session, device_id=device_id, data=data, actor=work.actor, now=work.now)


@delete(
    "/api/v1/devices/{device_id:uuid}/people/{number:str}", guards=[KEEPERS], status_code=HTTP_200_OK,
    tags=["devices"], operation_id="unmapDevicePerson", summary="取消人员编号对应 / A number means nobody any more",
)  # fmt: skip
async def unmap_person(device_id: FromPath[uuid.UUID], number: FromPath[str], work: Work) -> DevicePersonView:
    """Ends the mapping; events of before keep it."""
    async with work.transaction() as session:
        return await service.unmap_person(session, device_id=device_id, number=number, actor=work.actor, now=work.now)


@get(
    "/api/v1/devices/{device_id:uuid}/deliveries", guards=[WATCHERS], tags=["devices"],
    operation_id="listDeliveries", summary="最近上报 / Recent deliveries of a device",
)  # fmt: skip
async def list_deliveries(
    device_id: FromPath[uuid.UUID], work: Work, cursor: Cursor = None, limit: Limit = 50
) -> Page[DeliveryView]:
    """Newest first, without bodies."""
    before = decode_cursor(cursor, AfterMoment)
    async with work.transaction() as session:
        await service.known_device(session, device_id)
        rows = await queries.recent_deliveries(session, device_id=device_id, before=before, limit=limit + 1)
    return paged(rows, limit=limit, key=lambda row: (row.received_at, row.id))


@get(
    "/api/v1/devices/{device_id:uuid}/problems", guards=[WATCHERS], tags=["devices"],
    operation_id="listDeliveryProblems", summary="解析问题 / What could not be read",
)  # fmt: skip
async def list_problems(
    device_id: FromPath[uuid.UUID], work: Work, cursor: Cursor = None, limit: Limit = 50
) -> Page[ProblemView]:
    """Newest first; a problem that a later reading solved has `resolved_at`."""
    before = decode_cursor(cursor, AfterMoment)
    async with work.transaction() as session:
        await service.known_device(session, device_id)
        found = await queries.problems(session, device_id=device_id, before=before, limit=limit + 1)
        rows = [ProblemView.of(row) for row in found]
    return paged(rows, limit=limit, key=lambda row: (row.at, row.id))


handlers = [
    add_device, list_devices, rotate_token, revoke_old_tokens, retire_device, register_credential,
    withdraw_credential, map_person, unmap_person, list_deliveries, list_problems,
]  # fmt: skip
