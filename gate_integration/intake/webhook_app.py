"""`POST /gate/webhook/{device_id}`: signed messages of gates and middleware that follow the standards.

Signatures by Standard Webhooks, bodies by CloudEvents (docs/gates/webhook.md). Unlike a terminal, such a sender reads
status codes and tries again, so it is told what is wrong:

| request | answer |
|---|---|
| signed by a standing key, stored | 200 `{"status":"stored"}`, after COMMIT |
| the same id and body again | 200 `{"status":"duplicate"}`, nothing is stored |
| other method | 405 |
| unknown device | 404 |
| header missing, signed too long ago, no key fits | 401 |
| Content-Encoding | 415: nothing is unpacked here, so nothing can be a bomb |
| body, or number of pictures, above the limit | 413 |
| body too slow | 408 |
| could not be stored | 503 with Retry-After |

Problems (RFC 9457) say the reason, never what was sent; nothing of a body or a header is logged.
"""

import hmac
import json
import logging
import re
import uuid
from typing import Any

import asyncpg

from gate_integration.intake.body import BodyReader, BodyTooLarge, BodyTooSlow, CutOff, Receive, Scope, Send
from gate_integration.intake.body import content_type_of as type_of
from gate_integration.intake.group_commit import MessageRow, StoringFailed
from gate_integration.intake.http_protocol import Exchange
from gate_integration.intake.intake import Intake, TooManyPictures
from gate_integration.intake.webhook_directory import WebhookDevice
from gate_integration.protocols import cloudevents, webhook
from gate_integration.protocols.standard_webhooks import Claim, SigningKey, is_fresh, matching_key, read_claim

log = logging.getLogger("ruhu.intake")

RETRY_AFTER_S = 5
REFUSALS_COUNTED = 256  # pairs of device and address; what is beyond is counted together

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PROBLEMS = {
    "webhook-device-unknown": (404, "没有此 Webhook 设备", "There is no such webhook device"),
    "method-not-allowed": (405, "不支持此请求方法", "Method not allowed"),
    "body-too-slow": (408, "请求正文传输过慢", "The body did not come in time"),
    "body-too-large": (413, "请求正文过大", "The body is larger than the limit"),
    "webhook-too-many-pictures": (413, "一次发送的图片过多，请分批", "Too many pictures at once: send smaller batches"),
    "webhook-encoding": (415, "不接受压缩的请求正文", "A body with a Content-Encoding is not taken"),
    "webhook-headers": (
        401,
        "缺少 webhook-id、webhook-timestamp 或 webhook-signature，或格式不正确",
        "webhook-id, webhook-timestamp or webhook-signature is missing or not of the right form",
    ),
    "webhook-timestamp": (401, "签名时间超出允许范围", "The message was signed too long ago or in the future"),
    "webhook-signature": (401, "签名与任何有效密钥均不匹配", "No signature fits a standing key"),
    "webhook-unsigned-id": (
        401,
        "二进制模式下 ce-id 须与 webhook-id 相同（请求头不受签名保护）",
        "In binary mode ce-id must equal webhook-id, for the signature does not cover other headers",
    ),
    "not-stored": (503, "暂时无法保存，请稍后重试", "It could not be stored now: try again"),
}
_EXTRA = {
    401: ((b"www-authenticate", b'Webhook realm="standard-webhooks"'),),
    405: ((b"allow", b"POST"),),
    415: ((b"accept-encoding", b"identity"),),
    503: ((b"retry-after", b"%d" % RETRY_AFTER_S),),
}

_COUNTERS = {404: "unknown_token", 405: "wrong_method"}


class Refused(Exception):
    """The request is not believed, or not taken; `code` is one of the problems."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _receipt(*, duplicate: bool) -> tuple[bytes, bytes]:
    text, content_type = webhook.acknowledgement(duplicate=duplicate)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n" % (content_type.encode(), len(text))
    return head, text


_STORED, _DUPLICATE = _receipt(duplicate=False), _receipt(duplicate=True)


class WebhookApp:
    """The webhook route."""

    def __init__(self, intake: Intake, reader: BodyReader) -> None:
        self.intake = intake
        self.reader = reader

    async def handle(
        self, scope: Scope, receive: Receive, send: Send, exchange: Exchange | None, device_id: str
    ) -> None:
        """One request."""
        counters = self.intake.counters
        try:
            new = await self._take(scope, receive, exchange, device_id)
        except Refused as refused:
            status = _PROBLEMS[refused.code][0]
            counters[_COUNTERS.get(status, "refused")] += 1
            if status == 401:
                self._count_refusal(scope, device_id, refused.code)
            await problem(send, refused.code)
        except (BodyTooLarge, TooManyPictures) as error:
            counters["too_large"] += 1
            await problem(send, "body-too-large" if isinstance(error, BodyTooLarge) else "webhook-too-many-pictures")
        except BodyTooSlow:
            counters["timed_out"] += 1
            await problem(send, "body-too-slow")
        except CutOff:
            counters["cut_off"] += 1
        except (StoringFailed, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            counters["failed"] += 1
            log.warning("a message was not stored: %s", type(error).__name__)
            await problem(send, "not-stored")
        else:
            head, text = _STORED if new else _DUPLICATE
            if exchange is None or not exchange.answer(head, text):
                await answer(send, 200, text, content_type=b"application/json")

    async def _take(self, scope: Scope, receive: Receive, exchange: Exchange | None, device_id: str) -> bool:
        """Checks and stores a message; what can be refused without the body is refused without it."""
        if scope["method"] != "POST":
            raise Refused("method-not-allowed")
        found = await self._device(device_id)
        headers = scope["headers"]
        if any(name == b"content-encoding" and value.strip().lower() != b"identity" for name, value in headers):
            raise Refused("webhook-encoding")
        claim = read_claim(headers)
        if claim is None:
            raise Refused("webhook-headers")
        if not is_fresh(claim, now=self.intake.clock.now(), tolerance_s=self.intake.webhook_tolerance_s):
            raise Refused("webhook-timestamp")
        content_type = type_of(scope)
        attributes: dict[str, str] = {}
        if not cloudevents.is_structured(content_type):
            attributes = cloudevents.attributes_of(headers)
            if attributes and attributes.get("id", "").encode() != claim.message_id:
                raise Refused("webhook-unsigned-id")
        async with self.reader.body(scope, receive, exchange) as body:
            key = matching_key(claim, body, found.keys, now=self.intake.clock.now())
            if key is None:
                raise Refused("webhook-signature")
            message = named(found, claim, key, body)
            event = body
            if attributes:
                event, content_type = cloudevents.structured(attributes, content_type, body), cloudevents.STRUCTURED
            return await self.intake.accept(found.device, content_type=content_type, body=event, message=message)

    async def _device(self, device_id: str) -> WebhookDevice:
        found = await self.intake.find_webhook(uuid.UUID(device_id)) if _UUID.fullmatch(device_id) else None
        if found is None:
            raise Refused("webhook-device-unknown")
        return found

    def _count_refusal(self, scope: Scope, device_id: str, code: str) -> None:
        """Counts, and logs at the first, tenth, hundredth time: somebody who tries may not fill the log."""
        client: Any = scope.get("client")
        who = (device_id.lower(), client[0] if client else "")
        refusals = self.intake.refusals
        if who not in refusals and len(refusals) >= REFUSALS_COUNTED:
            who = ("", "")
        refusals[who] += 1
        number = str(refusals[who])
        if number.strip("0") == "1":
            log.warning("not believed, device %s from %s: %s, %s times by now", *who, code, number)


def named(found: WebhookDevice, claim: Claim, key: SigningKey, body: bytes) -> MessageRow:
    """What tells a message from others: id and body, as a keyed hash."""
    told = b"webhook-message\0%s\0%s" % (claim.message_id, body)
    return MessageRow(key.id, hmac.digest(found.device.hash_key, told, "sha256"))


async def problem(send: Send, code: str) -> None:
    """A problem document; the connection is closed, for the body may not have been read."""
    status, title_zh, title_en = _PROBLEMS[code]
    told = {"code": code, "status": status, "title": f"{title_zh} / {title_en}", "title_zh": title_zh,
            "title_en": title_en, "type": "about:blank"}  # fmt: skip
    extra = (*_EXTRA.get(status, ()), (b"connection", b"close"))
    text = json.dumps(told, ensure_ascii=False).encode()
    await answer(send, status, text, content_type=b"application/problem+json", extra=extra)


async def answer(
    send: Send, status: int, text: bytes, *, content_type: bytes, extra: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """A whole answer."""
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(text)), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
