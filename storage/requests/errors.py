"""What can go wrong with a request that is to be done once."""

from storage.problems import Conflict, Invalid


class KeyUsed(Invalid):
    """The Idempotency-Key came before, with another request."""

    code = "idempotency-key-used"
    title_zh = "该 Idempotency-Key 已用于内容不同的请求"
    title_en = "This Idempotency-Key was used for a different request"


class StillRunning(Conflict):
    """The same request is being worked on; `retry_after` seconds."""

    code = "request-still-running"
    title_zh = "相同的请求正在处理，请稍后用同一 Idempotency-Key 重试"
    title_en = "The same request is being worked on; try again later with the same Idempotency-Key"


class BadKey(Invalid):
    """The Idempotency-Key is too short, too long, or has other than visible ASCII characters."""

    code = "idempotency-key-invalid"
    title_zh = "Idempotency-Key 须为 16 至 128 个可见 ASCII 字符（建议用 UUID）"
    title_en = "An Idempotency-Key has 16 to 128 visible ASCII characters; use a UUID"
