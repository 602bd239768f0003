"""What Hikvision's event numbers mean, as data.

Sources: the event lists of the ISAPI access control documents and of the device SDK header, and the histories of
terminals in use. A number that is not here is kept as OTHER, never refused; a device profile overrides single rows.
"""

from typing import NamedTuple

from gate_integration.protocols.records import CredentialKind, Outcome, RecordKind


class Meaning(NamedTuple):
    """`credential` None: take it from currentVerifyMode."""

    kind: RecordKind
    outcome: Outcome = Outcome.UNKNOWN
    credential: CredentialKind | None = CredentialKind.NONE


UNKNOWN = Meaning(RecordKind.OTHER, Outcome.UNKNOWN, None)

_C = CredentialKind
_ACCESS: dict[tuple[int, ...], tuple[Outcome, CredentialKind | None]] = {
    # card; 5/38 is fingerprint by the header, one firmware reports card with it, another uses 5/1
    (1,): (Outcome.PASS, _C.CARD),
    (2,): (Outcome.PASS, _C.CARD),  # card + password
    (3, 4, 5, 6, 7, 8, 9, 10, 11, 12): (
        Outcome.FAIL,
        _C.CARD,
    ),  # no right, wrong hour, expired, unknown card, anti-passback
    (38, 40, 43, 46, 69, 72): (Outcome.PASS, _C.FINGERPRINT),
    (39, 41, 42, 44, 45, 47, 48, 49, 70, 71, 73, 74): (Outcome.FAIL, _C.FINGERPRINT),
    (54, 57, 60, 63, 66, 75, 77): (Outcome.PASS, _C.FACE),
    (55, 56, 58, 59, 61, 62, 64, 65, 67, 68, 76, 78, 79, 80): (Outcome.FAIL, _C.FACE),
    (101, 214): (Outcome.PASS, _C.PIN),  # number + password, public password
    (102, 103): (Outcome.FAIL, _C.PIN),
    (181,): (Outcome.PASS, _C.PIN),
}
_DOOR = {
    21: _C.NONE,  # lock open: follows a pass in the same second
    22: _C.NONE,
    23: _C.BUTTON,  # exit button pressed by the header; one site reads it as door sensor
    24: _C.BUTTON,
    25: _C.NONE,
    26: _C.NONE,
    27: _C.NONE,  # forced
    28: _C.NONE,  # open too long
}

CODES: dict[tuple[int, int], Meaning] = {
    **{
        (5, minor): Meaning(RecordKind.ACCESS, outcome, credential)
        for minors, (outcome, credential) in _ACCESS.items()
        for minor in minors
    },
    **{(5, minor): Meaning(RecordKind.DOOR, Outcome.UNKNOWN, credential) for minor, credential in _DOOR.items()},
    (3, 1024): Meaning(RecordKind.DOOR, Outcome.UNKNOWN, CredentialKind.REMOTE),  # remote unlock
    (3, 112): Meaning(RecordKind.HEALTH),  # remote login, logout
    (3, 113): Meaning(RecordKind.HEALTH),
    (2, 39): Meaning(RecordKind.HEALTH),  # network broken
    (2, 1024): Meaning(RecordKind.HEALTH),
    (2, 1031): Meaning(RecordKind.HEALTH),
    (1, 1028): Meaning(RecordKind.HEALTH),  # tamper
}
HEALTH_MAJORS = frozenset({1, 2})  # alarms and exceptions: health of the device, whatever the minor number

VERIFY_MODES: dict[str, CredentialKind] = {
    "face": CredentialKind.FACE,
    "faceandpw": CredentialKind.FACE,
    "faceandcard": CredentialKind.FACE,
    "faceandfp": CredentialKind.FACE,
    "employeenoandface": CredentialKind.FACE,
    "card": CredentialKind.CARD,
    "cardandpw": CredentialKind.CARD,
    "fp": CredentialKind.FINGERPRINT,
    "fpandcard": CredentialKind.FINGERPRINT,
    "fpandpw": CredentialKind.FINGERPRINT,
    "pw": CredentialKind.PIN,
    "employeenoandpw": CredentialKind.PIN,
    "qrcode": CredentialKind.QR,
}


def meaning(major: int | None, minor: int | None, overrides: dict[str, dict[str, str]]) -> Meaning:
    """Look a code up: the profile's row first (keys kind, outcome, credential), then the table, then the major.

    A row with a word we do not know counts as absent: a wrong profile must not stop intake.
    """
    if major is None or minor is None:
        return UNKNOWN
    found = CODES.get((major, minor))
    if found is None:
        found = Meaning(RecordKind.HEALTH) if major in HEALTH_MAJORS else UNKNOWN
    row = overrides.get(f"{major}/{minor}")
    if row is None:
        return found
    try:
        return Meaning(
            RecordKind(row.get("kind", found.kind)),
            Outcome(row.get("outcome", found.outcome)),
            CredentialKind(row["credential"]) if "credential" in row else found.credential,
        )
    except ValueError:
        return found
