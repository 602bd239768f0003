"""CloudEvents 1.0 over HTTP: the modes of a request, made one. Pure.

Only the content type of a request is kept with its body, never its headers. So an event in binary mode (attributes in
`ce-*` headers) becomes one in structured mode before it is stored, and the parser knows two forms: an event, and a
batch of them.
"""

import base64
import json
import re
import urllib.parse
from collections.abc import Iterable
from typing import Any

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_PREFIX = b"ce-"
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,32}")
_MAX_ATTRIBUTES = 32
_MAX_VALUE = 1024
_JSON = re.compile(r"\s*(?:(?:application|text)/(?:[\w.-]+\+)?json\s*(?:;.*)?)?", re.IGNORECASE)
_NOT_TAKEN = frozenset({"time", "data"})


def is_structured(content_type: str) -> bool:
    """Whether the body is an event, or a batch of them, by its content type."""
    return content_type.strip().lower().startswith("application/cloudevents")


def attributes_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The context attributes in `ce-*` headers, percent-decoded. Of a doubled one the first counts."""
    found: dict[str, str] = {}
    for name, value in headers:
        attribute = name[len(_PREFIX) :].decode("latin-1")
        if not name.startswith(_PREFIX) or not _ATTRIBUTE.fullmatch(attribute) or len(found) >= _MAX_ATTRIBUTES:
            continue
        text = urllib.parse.unquote(value[:_MAX_VALUE].decode("latin-1"), errors="replace")
        found.setdefault(attribute, text)
    return found


def structured(attributes: dict[str, str], content_type: str, body: bytes) -> bytes:
    """An event in binary mode as one in structured mode.

    JSON becomes `data`; anything else becomes `data_base64`, so that a picture sent as the body is found as one. JSON
    that cannot be read is kept as it came, as a text, for a later reading. `time` is left out: the signature does not
    cover headers, and a moment that somebody could have changed on the way is worse than none.
    """
    event: dict[str, Any] = {name: value for name, value in attributes.items() if name not in _NOT_TAKEN}
    if not _JSON.fullmatch(content_type):
        return _text(event | {"datacontenttype": content_type, "data_base64": base64.b64encode(body).decode()})
    try:
        return _text(event | {"data": json.loads(body) if body else None})
    except (ValueError, RecursionError):  # ValueError also for text that is no UTF-8
        return _text(event | {"data": body.decode("utf-8", "replace")})


def _text(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")
