"""What may be wrong with a request about keys."""

from storage.problems import Conflict, NotFound


class KeysInUse(Conflict):
    """An older key is still needed."""

    code = "keys-in-use"
    title_zh = "旧密钥仍在使用中"
    title_en = "An older key is still in use"


class KeysBusy(Conflict):
    """Others work with the key for longer than one waits."""

    code = "keys-busy"
    title_zh = "密钥正被长时间操作占用，请稍后再试"
    title_en = "Long operations use the key at the moment, try again later"


class NoEstateKey(NotFound):
    """There is no such estate, or it has no key yet."""

    code = "no-estate-key"
    title_zh = "未找到该小区，或其尚无密钥"
    title_en = "No such estate, or it has no key yet"
