"""Signing keys of webhook devices: exchanged, listed, revoked."""

import uuid

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from api.access import Work, requires
from gate_integration.webhook_keys import service
from gate_integration.webhook_keys.schemas import NewWebhookKey, WebhookKeyInput, WebhookKeyView
from inspection.users.models import UserRole

KEEPERS = requires(UserRole.ADMINISTRATOR, UserRole.MANAGER)
WATCHERS = requires(UserRole.ADMINISTRATOR, UserRole.MANAGER, UserRole.AUDITOR)


@post(
    "/api/v1/devices/{device_id:uuid}/webhook-keys", guards=[KEEPERS], tags=["devices"],
    operation_id="rotateWebhookKey", summary="更换 Webhook 签名密钥 / Give a webhook device a further signing key",
)  # fmt: skip
async def rotate_key(device_id: FromPath[uuid.UUID], data: JSONBody[WebhookKeyInput], work: Work) -> NewWebhookKey:
    """A secret made here is shown this once. The key before stays good for the overlap; at most two are good."""
    async with work.transaction() as session:
        return await service.rotate(
            session, device_id=device_id, data=data, vault=work.context.vault, actor=work.actor, now=work.now
        )


@get(
    "/api/v1/devices/{device_id:uuid}/webhook-keys", guards=[WATCHERS], tags=["devices"],
    operation_id="listWebhookKeys", summary="Webhook 签名密钥 / Signing keys of a webhook device",
)  # fmt: skip
async def list_keys(device_id: FromPath[uuid.UUID], work: Work) -> list[WebhookKeyView]:
    """Newest first, ended ones too, when each is good and was last used; never the key itself."""
    async with work.transaction() as session:
        return await service.listed(session, device_id=device_id)


@delete(
    "/api/v1/devices/{device_id:uuid}/webhook-keys/{key_id:uuid}", guards=[KEEPERS], status_code=HTTP_200_OK,
    tags=["devices"], operation_id="revokeWebhookKey", summary="吊销签名密钥 / Revoke a signing key",
)  # fmt: skip
async def revoke_key(device_id: FromPath[uuid.UUID], key_id: FromPath[uuid.UUID], work: Work) -> WebhookKeyView:
    """Takes effect within five seconds; its secret is destroyed. Also the last key may be revoked."""
    async with work.transaction() as session:
        return await service.revoke(session, device_id=device_id, key_id=key_id, actor=work.actor, now=work.now)


handlers = [rotate_key, list_keys, revoke_key]
