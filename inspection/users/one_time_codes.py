"""Codes of a TOTP generator (RFC 6238, SHA-1, six digits, thirty seconds) and recovery codes: functions of values."""

import hmac
import re
import secrets
from datetime import datetime

import pyotp

STEP_S = 30
SKEW_STEPS = 1
"""A code of the step before or after is heard too: phones and servers disagree about the time."""
ISSUER = "Ruhu 入户"
RECOVERY_CODES = 10
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 characters that are not mistaken for each other when copied by hand: five bits each."""


def new_secret() -> str:
    """160 random bits in base 32."""
    return str(pyotp.random_base32())


def enrolment_uri(secret: str, *, login: str) -> str:
    """The otpauth address that a generator reads from a QR code."""
    return str(pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=login, issuer_name=ISSUER))


def matching_counter(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """The time step whose code this is; None if it is of none, or of one not later than `after` (a replay)."""
    present = int(now.timestamp()) // STEP_S
    generator = pyotp.TOTP(secret, interval=STEP_S)
    digits = code.replace(" ", "")
    found = None
    for counter in range(present - SKEW_STEPS, present + SKEW_STEPS + 1):
        if hmac.compare_digest(generator.generate_otp(counter).encode(), digits.encode()) and counter > after:
            found = counter
    return found


def new_recovery_codes() -> list[str]:
    """Codes of 80 random bits, in groups that can be copied by hand."""
    plain = ["".join(secrets.choice(ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    return ["-".join(re.findall("....", code)) for code in plain]


def plain_recovery_code(text: str) -> str | None:
    """A recovery code as it is hashed, from what somebody typed; None if it is of another form."""
    code = re.sub(r"[\s-]", "", text).upper()
    return code if re.fullmatch(f"[{ALPHABET}]{{16}}", code) else None
