"""Hikvision ISAPI events: push, alertStream and AcsEvent search, as JSON or XML, to records.

Pure. Reads redacted bodies (intake.redact); the placeholders there become PictureRefs. A part that cannot be read
becomes a problem and costs no other part. Names of people are not taken over. Field names differ per route: push and
stream say majorEventType, subEventType and dateTime, search says major, minor and time.
"""

import hashlib
import json
from dataclasses import replace
from typing import Any, NamedTuple

from gate_integration.intake.multipart import Part, PartKind, split
from gate_integration.intake.redact import PICTURE_KINDS, PLACEHOLDER
from gate_integration.protocols import reading
from gate_integration.protocols.hikvision_codes import VERIFY_MODES, Meaning, meaning
from gate_integration.protocols.records import (
    CredentialKind,
    DeviceProfile,
    ParseProblem,
    PictureRef,
    Record,
    RecordKind,
)

PARSER_VERSION = 1
_ROOT = "EventNotificationAlert"
_INNER = "AccessControllerEvent"
_LIST = "InfoList"
_NESTING = 4
_HEALTH_TYPES = frozenset({"heartbeat", "videoloss"})  # videoloss "inactive" is the older firmware's heartbeat
_KEPT = {  # event field → name in Record.extra; opaque words and numbers only
    "userType": "user_type",
    "mask": "mask",
    "helmet": "helmet",
    "attendanceStatus": "attendance",
    "statusValue": "status",
    "currentVerifyMode": "verify_mode",
    "unlockType": "unlock_type",
    "pictureURL": "picture_url",
}


class _Event(NamedTuple):
    """One event before it is read: envelope fields, inner fields, and whether it came from a search."""

    outer: dict[str, Any]
    inner: dict[str, Any]
    searched: bool


def acknowledgement() -> tuple[bytes, str]:
    """Body and content type of the one reply to every delivery, sent with status 200 after the commit.

    It never depends on the delivery. In remote check mode a terminal takes `RemoteCheck.checkResult` from the reply
    as the decision to open; no reply of ours carries one, so the terminal decides by itself.
    """
    return b"OK", "text/plain"


def parse(body: bytes, content_type: str, profile: DeviceProfile) -> tuple[list[Record], list[ParseProblem]]:
    """Read one redacted delivery. Never raises.

    A picture part belongs to the last record of the part just before it; behind a part that could not be read it
    belongs to nobody ("orphan-picture"), for it may show another person. Problem codes: those of
    `multipart.split`, "json-broken", "xml-broken", "not-an-event", "unknown-part", "orphan-picture", "counter-range",
    and those of `reading.device_time`.
    """
    parts, problems = split(body, content_type)
    records: list[Record] = []
    owner = False  # whether the part before gave records
    for number, part in enumerate(parts):
        if part.kind in (PartKind.PLACEHOLDER, PartKind.JPEG, PartKind.PNG):
            pictures = _pictures(reading.text_of(part.body)) if part.kind is PartKind.PLACEHOLDER else ()
            if owner and pictures:
                records[-1] = replace(records[-1], pictures=records[-1].pictures + pictures)
            else:
                problems.append(ParseProblem("orphan-picture", "a picture without an event before it", number))
            continue
        found, part_problems = _read_part(part, number, profile)
        records.extend(found)
        problems.extend(part_problems)
        owner = bool(found) and not any(p.code in ("json-broken", "xml-broken") for p in part_problems)
    return records, problems


def _read_part(part: Part, number: int, profile: DeviceProfile) -> tuple[list[Record], list[ParseProblem]]:
    text = reading.text_of(part.body)
    problems: list[ParseProblem] = []
    if part.kind is PartKind.XML:
        values, complete = reading.xml_values(text, _ROOT)
    elif part.kind is PartKind.JSON or "{" in text:
        values, complete = reading.json_values(text, _LIST)
    else:
        return [], [ParseProblem("unknown-part", "neither JSON nor XML nor a picture", number)]
    if not complete:
        code = "xml-broken" if part.kind is PartKind.XML else "json-broken"
        problems.append(ParseProblem(code, f"{len(values)} documents could be read", number))
    records: list[Record] = []
    for value in values:
        events = _events(value)
        if not events:
            problems.append(ParseProblem("not-an-event", "no event in the document", number))
        for event in events:
            record, codes = _record(event, profile)
            records.append(record)
            problems.extend(ParseProblem(code, f"event {record.code}", number) for code in codes)
    return records, problems


def _events(value: object, searched: bool = False, depth: int = 0) -> list[_Event]:
    """The events of a document: an envelope, a bare event, a list of either, or a page of a search."""
    if depth > _NESTING:
        return []
    if isinstance(value, list):
        return [event for item in value for event in _events(item, searched, depth + 1)]
    if not isinstance(value, dict):
        return []
    if _LIST in value:
        return _events(value[_LIST], True, depth + 1)
    for wrapper in ("AcsEvent", _ROOT):
        if wrapper in value:
            return _events(value[wrapper], searched, depth + 1)
    inner: dict[str, Any] = {}
    level: Any = value.get(_INNER)
    for _ in range(_NESTING):
        if not isinstance(level, dict):
            break
        inner |= level  # captured: the event once more inside itself; the inmost word counts
        level = level.get(_INNER)
    if not inner and ("major" in value or "majorEventType" in value):
        inner = value
    if not inner and not reading.text(value.get("eventType")):
        return []
    return [_Event(value, inner, searched)]


def _record(event: _Event, profile: DeviceProfile) -> tuple[Record, list[str]]:
    outer, inner, searched = event
    major = reading.integer(inner.get("majorEventType", inner.get("major")))
    minor = reading.integer(inner.get("subEventType", inner.get("minor")))
    event_type = reading.text(outer.get("eventType")) or "unknown"
    known = major is not None and minor is not None
    code = f"{major}/{minor}" if known else event_type
    what = meaning(major, minor, profile.codes)
    if not known and event_type.lower() in _HEALTH_TYPES:
        what = Meaning(RecordKind.HEALTH)

    verbatim = reading.text(outer.get("dateTime") or inner.get("dateTime") or inner.get("time"))
    time, time_problem = reading.device_time(verbatim, profile.zone)
    counter = reading.integer(inner.get("serialNo"))
    codes = [time_problem] if time_problem else []
    if counter is None or counter < 1:
        if inner.get("serialNo") is not None:
            codes.append("counter-range")
        counter = None
    person = reading.number_text(inner.get("employeeNoString")) or reading.number_text(inner.get("employeeNo"))
    card = reading.number_text(inner.get("cardNo"))
    door, reader = reading.integer(inner.get("doorNo")), reading.integer(inner.get("cardReaderNo"))
    replay = (
        searched
        or reading.boolean(inner.get("currentEvent")) is False
        or any(reading.boolean(level.get("isDataRetransmission")) is True for level in (outer, inner))
    )
    # Push and search of one event differ in doorNo (captured), so it counts only where no number identifies the event.
    same: list[object] = [code, person, card] if counter is not None else [code, person, card, door, reader]
    record = Record(
        kind=what.kind,
        outcome=what.outcome,
        credential=_credential(what, inner, card),
        counter=counter,
        key_text=None,
        device_time_text=verbatim,
        device_time=time,
        person_no=person,
        card_no=card,
        door_no=door,
        reader_no=reader,
        replay=replay,
        code=code,
        pictures=_pictures_within(outer),
        content=hashlib.sha256(json.dumps(same).encode()).hexdigest(),
        extra=_extra(outer, inner),
    )
    return record, codes


def _credential(what: Meaning, inner: dict[str, Any], card: str | None) -> CredentialKind:
    if what.credential is not None:
        return what.credential
    mode = (reading.text(inner.get("currentVerifyMode")) or "").lower()
    return VERIFY_MODES.get(mode, CredentialKind.CARD if card else CredentialKind.NONE)


def _extra(outer: dict[str, Any], inner: dict[str, Any]) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    for source, name in _KEPT.items():
        value = reading.text(inner.get(source))
        if value:
            extra[name] = value
    front = reading.integer(inner.get("frontSerialNo"))
    if front is not None:
        extra["front_counter"] = front
    if reading.boolean(inner.get("remoteCheck")):
        extra["remote_check"] = True  # the terminal asks for a decision; it gets none
    mac = reading.text(outer.get("macAddress"))
    if mac:
        extra["mac"] = mac
    return extra


def _pictures(text: str) -> tuple[PictureRef, ...]:
    return tuple(PictureRef(int(m[2]), m[4]) for m in PLACEHOLDER.finditer(text) if m[1] in PICTURE_KINDS)


def _pictures_within(event: dict[str, Any]) -> tuple[PictureRef, ...]:
    found: list[PictureRef] = []
    waiting: list[Any] = [event]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.extend(_pictures(value))
        elif isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return tuple(sorted(found, key=lambda picture: picture.index))
