"""How long ended signing keys, and the names of messages that were taken, are kept."""

from gate_integration.devices.retention import ENDED
from gate_integration.webhook_keys.models import WebhookKey, WebhookMessage
from storage.retention.classes import Described, RowRetention
from storage.rules.values import RuleDefault

MESSAGES = RuleDefault(
    "retention.webhook_messages_days", 30, "calendar_day",
    "内部管理参数：发送方重试期限之外不再需要（事件本身另行去重）；个人信息保护法 19，须由法律顾问确认",
)  # fmt: skip
RULES = (MESSAGES,)

CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "access.webhook_keys", "已失效的签名密钥", "signing keys that ended",
            "失效之时", "when it ended", ENDED,
        ),
        key=WebhookKey.id, clock=WebhookKey.valid_until, estate=WebhookKey.estate_id,
        held=lambda cover: cover.any_of(estates=WebhookKey.estate_id, devices=WebhookKey.device_id),
    ),
    RowRetention(
        described=Described(
            "deliveries.messages", "已收 Webhook 消息的标识", "names of webhook messages that were taken",
            "收到之时", "when it arrived", MESSAGES,
        ),
        key=WebhookMessage.delivery_id, clock=WebhookMessage.received_at, estate=WebhookMessage.estate_id,
        held=lambda cover: cover.any_of(estates=WebhookMessage.estate_id, devices=WebhookMessage.device_id),
    ),
)  # fmt: skip
