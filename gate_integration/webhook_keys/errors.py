"""What can be wrong with signing keys."""

from storage.problems import Conflict, Invalid


class NotAWebhook(Conflict):
    """The device does not sign what it sends."""

    code = "device-not-a-webhook"
    title_zh = "该设备不是 Webhook 设备，请使用设备令牌"
    title_en = "The device is no webhook device: it has a token in its path, not a signing key"


class SignsItsDeliveries(Conflict):
    """The device has signing keys, no token."""

    code = "device-signs-deliveries"
    title_zh = "Webhook 设备没有令牌，请使用签名密钥"
    title_en = "A webhook device has no token: change its signing key"


class BadKey(Invalid):
    """A secret or public key that the standard does not know."""

    code = "webhook-bad-key"
    title_zh = "签名密钥格式不正确"
    title_en = "The signing key is not of the right form"


class KeyRevoked(Conflict):
    """The key was revoked before."""

    code = "webhook-key-revoked"
    title_zh = "该签名密钥已吊销"
    title_en = "The signing key is revoked already"
