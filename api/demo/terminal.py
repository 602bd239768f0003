"""A terminal as the demonstration plays it: Hikvision's push format, with the habits of real ones.

Serial numbers rise by one; the envelope and field names follow the ISAPI push (AccessControllerEvent).
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from storage.clock import SHANGHAI

BOUNDARY = "MIME_boundary"
FACE_PASS = (5, 75)
CARD_PASS = (5, 1)
UNLOCK = (5, 21)
LOCK = (5, 22)


@dataclass(frozen=True, slots=True)
class Push:
    """One HTTP request of a terminal: when, to which path, with which bytes."""

    at: datetime
    terminal: str
    content_type: str
    body: bytes
    kind: str


@dataclass(slots=True)
class Terminal:
    """A terminal with its serial counter and the events it still remembers."""

    name: str
    serial: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)

    def event(
        self, at: datetime, code: tuple[int, int], *, person_no: str | None = None, card_no: str | None = None,
        picture: bytes | None = None,
    ) -> Push:  # fmt: skip
        """A live event, with its picture if the terminal takes one."""
        self.serial += 1
        inner: dict[str, Any] = {
            "deviceName": self.name,
            "majorEventType": code[0],
            "subEventType": code[1],
            "cardReaderNo": 1,
            "doorNo": 1,
            "serialNo": self.serial,
            "frontSerialNo": self.serial - 1,
            "userType": "normal",
            "currentVerifyMode": "faceOrFpOrCardOrPw",
            "currentEvent": True,
            "picturesNumber": int(picture is not None),
            "purePwdVerifyEnable": True,
        }
        if person_no is not None:
            inner["employeeNoString"] = person_no
        if card_no is not None:
            inner["cardNo"] = card_no
        envelope = {
            "ipAddress": "192.0.2.10", "portNo": 443, "protocol": "HTTPS", "channelID": 1,
            "dateTime": at.astimezone(SHANGHAI).isoformat(timespec="seconds"), "activePostCount": 1,
            "eventType": "AccessControllerEvent", "eventState": "active",
            "eventDescription": "Access Controller Event", "AccessControllerEvent": inner,
        }  # fmt: skip
        self.log.append(envelope)
        if picture is None:
            return Push(at, self.name, "application/json", tabbed(envelope), "event")
        return Push(at, self.name, f"multipart/form-data; boundary={BOUNDARY}", multipart(envelope, picture), "event")

    def again(self, push: Push, after: timedelta) -> Push:
        """The same event once more, byte for byte: a terminal that did not hear our answer."""
        return Push(push.at + after, push.terminal, push.content_type, push.body, "retry")

    def replay(self, at: datetime, last: int) -> list[Push]:
        """The newest `last` events of the log again, as terminals send them after a new connection."""
        pushes = []
        for envelope in self.log[-last:]:
            past = {**envelope, "AccessControllerEvent": {**envelope["AccessControllerEvent"], "currentEvent": False}}
            pushes.append(Push(at, self.name, "application/json", tabbed(past), "replay"))
        return pushes

    def heartbeat(self, at: datetime) -> Push:
        """A heartbeat in XML, as some firmware sends it."""
        moment = at.astimezone(SHANGHAI).isoformat(timespec="seconds")
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">\n'
            f"<ipAddress>192.0.2.10</ipAddress><dateTime>{moment}</dateTime><activePostCount>1</activePostCount>"
            "<eventType>heartBeat</eventType><eventState>active</eventState>"
            "<eventDescription>heartBeat</eventDescription>\n</EventNotificationAlert>"
        )
        return Push(at, self.name, "application/xml", body.encode(), "heartbeat")

    def garbage(self, at: datetime) -> Push:
        """A request that nobody can read."""
        return Push(at, self.name, "application/json", b'{"eventType": "AccessControllerEv', "garbage")


def tabbed(envelope: dict[str, Any]) -> bytes:
    """JSON with tabs after the colons, as terminals write it."""
    return json.dumps(envelope, ensure_ascii=False, indent="\t", separators=(",", ":\t")).encode()


def multipart(envelope: dict[str, Any], picture: bytes) -> bytes:
    """The event and its picture in one body."""
    text = tabbed(envelope)
    return b"".join(
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="AccessControllerEvent"\r\n'
            f'Content-Type: application/json; charset="UTF-8"\r\nContent-Length: {len(text)}\r\n\r\n'.encode(),
            text,
            f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="Picture"; filename="Picture.jpg"\r\n'
            f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode(),
            picture,
            f"\r\n--{BOUNDARY}--\r\n".encode(),
        )
    )
