"""CloudEvents of gates and middleware, one or a batch of them, to records.

Pure. Reads redacted bodies (intake.redact); binary mode was made structured before (see `cloudevents`). An item that
cannot be read becomes a problem and costs no other item. Names of people are not taken over.

An event is told by its `source` and `id` (CloudEvents 1.0, 3.1.1): the same pair with the same content is the same
event, whichever delivery brings it. A type that is not ours is kept as OTHER; a device profile may say what it means
({"com.example.entry": {"kind": "access", "outcome": "pass"}}), its data are then read like ours.
"""

import hashlib
import json
import re
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from gate_integration.intake.redact import PICTURE_KINDS, PLACEHOLDER
from gate_integration.protocols import reading
from gate_integration.protocols.records import (
    CredentialKind,
    DeviceProfile,
    Outcome,
    ParseProblem,
    PictureRef,
    Record,
    RecordKind,
)

PARSER_VERSION = 1
PASS, DOOR, HEARTBEAT = "cn.ruhu.gate.pass.v1", "cn.ruhu.gate.door.v1", "cn.ruhu.gate.heartbeat.v1"
_KINDS = {PASS: RecordKind.ACCESS, DOOR: RecordKind.DOOR, HEARTBEAT: RecordKind.HEALTH}
_KEPT = {"device_verdict": "verdict", "state": "status", "door": "door", "reader": "reader"}  # data field → extra
_KEY_CHARS = 48  # of a SHA-256: an event key has room for 80 characters
_INT64 = 2**63
_BOUNDARY = re.compile(r"[,\[]\s*+(?=\{)")
_DECODER = json.JSONDecoder(strict=False)
_Word = TypeVar("_Word", bound=StrEnum)


class _Item(NamedTuple):
    """One item of a delivery: its place, and its value; None where the text could not be read."""

    number: int
    value: Any


def acknowledgement(*, duplicate: bool) -> tuple[bytes, str]:
    """Body and content type of the reply to a stored delivery, or to one that was stored before."""
    return (b'{"status":"duplicate"}' if duplicate else b'{"status":"stored"}'), "application/json"


def parse(body: bytes, content_type: str, profile: DeviceProfile) -> tuple[list[Record], list[ParseProblem]]:
    """Read one redacted delivery. Never raises.

    The body decides between an event and a batch, not the content type. Problem codes: "json-broken", "empty",
    "not-an-event", "version-unknown", "data-missing", "value-unknown", "counter-range", those of
    `reading.device_time`. Problems name the place of the item in the batch.
    """
    del content_type
    records: list[Record] = []
    problems: list[ParseProblem] = []
    items, whole = _items(reading.text_of(body))
    if not whole:
        problems.append(ParseProblem("json-broken", f"{len(items)} items could be read"))
    elif not items:
        problems.append(ParseProblem("empty", "no event in the delivery"))
    for item in items:
        refused = _refused(item.value)
        if refused is not None:
            problems.append(ParseProblem(refused, f"item {item.number}", item.number))
            continue
        record, codes = _record(item.value, profile)
        records.append(record)
        problems.extend(ParseProblem(code, f"item {item.number}, {record.code}", item.number) for code in codes)
    return records, problems


def _items(text: str) -> tuple[list[_Item], bool]:
    """The items of a delivery, and whether all of it could be read."""
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):  # ValueError also for integers of thousands of digits
        return [_Item(n, v) for n, v in enumerate(_rescued(text))], False
    return [_Item(n, v) for n, v in enumerate(value if isinstance(value, list) else [value])], True


def _rescued(text: str) -> list[Any]:
    """The events of a text that is no JSON as a whole: cut off, or with a broken item among good ones.

    An object counts when it stands where an item may begin and is an event by itself. What decoding costs is bounded
    by a multiple of the length, for a text may be made so that every try reads on to its end.
    """
    found: list[Any] = []
    position = text.find("{")
    effort = 8 * len(text) + 1024
    while position >= 0 and effort > 0:
        try:
            value, end = _DECODER.raw_decode(text, position)
        except json.JSONDecodeError as error:
            effort -= error.pos - position + 1
        except (ValueError, RecursionError):
            effort -= len(text) - position
        else:
            effort -= end - position
            if _refused(value) is None:
                found.append(value)
                position = text.find("{", end)
                continue
        boundary = _BOUNDARY.search(text, position)
        position = boundary.end() if boundary is not None else -1
    return found


def _refused(value: object) -> str | None:
    """Why an item is no event; None when it is one."""
    if not isinstance(value, dict) or not all(_name(value.get(name)) for name in ("id", "source", "type")):
        return "not-an-event"
    if not str(value.get("specversion", "")).startswith("1."):
        return "version-unknown"
    if _name(value["type"]) in (PASS, DOOR) and not isinstance(value.get("data"), dict):
        return "data-missing"
    return None


def _name(value: object) -> str:
    """An id, source or type as text; senders write numbers where the standard asks for text."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _INT64 else ""


def _record(event: dict[str, Any], profile: DeviceProfile) -> tuple[Record, list[str]]:
    """The record of an event, and what was wrong within it."""
    codes: list[str] = []
    kind_name = _name(event["type"])
    meant = profile.codes.get(kind_name, {})
    kind = _word(RecordKind, meant.get("kind"), _KINDS.get(kind_name, RecordKind.OTHER), codes)
    data = event.get("data")
    # What a type that nobody explained means by its fields is not known: nothing is taken from them.
    fields: dict[str, Any] = data if isinstance(data, dict) and kind is not RecordKind.OTHER else {}
    access = kind is RecordKind.ACCESS
    card = reading.number_text(fields.get("card_no"))
    by = CredentialKind.CARD if card and access else CredentialKind.NONE
    verbatim = reading.text(fields.get("time") or event.get("time"))
    time, time_problem = reading.device_time(verbatim, profile.zone)
    if time_problem is not None and kind in (RecordKind.ACCESS, RecordKind.DOOR):
        codes.append(time_problem)
    identity = json.dumps([_name(event["source"]), _name(event["id"])]).encode()
    record = Record(
        kind=kind,
        outcome=_word(Outcome, fields.get("outcome", meant.get("outcome")) if access else None, Outcome.UNKNOWN, codes),
        credential=_word(CredentialKind, fields.get("credential", meant.get("credential")), by, codes),
        counter=None,  # a gate's own number is kept in `extra`: the event is told by source and id
        key_text=hashlib.sha256(identity).hexdigest()[:_KEY_CHARS],
        device_time_text=verbatim,
        device_time=time,
        person_no=reading.number_text(fields.get("person_no")),
        card_no=card,
        door_no=reading.integer(fields.get("door")),
        reader_no=reading.integer(fields.get("reader")),
        replay=reading.boolean(fields.get("replay")) is True,
        code=reading.text(kind_name) or "unknown",
        pictures=_pictures(event),
        content=_content([kind_name, verbatim, data]),
        extra=_extra(event, fields, codes),
        direction=_direction(fields.get("direction"), codes),
    )
    return record, list(dict.fromkeys(codes))


def _word(words: type[_Word], told: object, otherwise: _Word, codes: list[str]) -> _Word:
    """A word of a fixed list; one that is not in it counts as not said, and is a problem."""
    if told is None:
        return otherwise
    try:
        return words(str(told).strip().lower())
    except ValueError:
        codes.append("value-unknown")
        return otherwise


def _direction(told: object, codes: list[str]) -> str | None:
    if told in (None, "unknown"):
        return None
    if told in ("in", "out"):
        return str(told)
    codes.append("value-unknown")
    return None


def _extra(event: dict[str, Any], fields: dict[str, Any], codes: list[str]) -> dict[str, Any]:
    """What a person who looks for the event in the sender's own log needs, and the rest of what the gate said."""
    extra: dict[str, Any] = {"event_id": reading.text(event["id"]), "source": reading.text(event["source"])}
    for source, name in _KEPT.items():
        value = reading.text(fields.get(source))
        if value:
            extra[name] = value
    if fields.get("counter") is not None:
        counter = reading.integer(fields["counter"])
        if counter is None:
            codes.append("counter-range")
        else:
            extra["counter"] = counter
    return extra


def _content(told: list[Any]) -> str:
    """What makes two records equal: everything but pictures, whose place in a delivery changes with each try."""
    try:
        text = json.dumps(told, sort_keys=True)
    except RecursionError:  # nested deeper than anything that means something
        text = json.dumps(told[:2])
    return hashlib.sha256(PLACEHOLDER.sub("", text).encode()).hexdigest()


def _pictures(event: dict[str, Any]) -> tuple[PictureRef, ...]:
    """Pictures anywhere in an event, in the order they were cut out."""
    found: list[PictureRef] = []
    waiting: list[Any] = [event]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.extend(PictureRef(int(m[2]), m[4]) for m in PLACEHOLDER.finditer(value) if m[1] in PICTURE_KINDS)
        elif isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return tuple(sorted(found, key=lambda picture: picture.index))
