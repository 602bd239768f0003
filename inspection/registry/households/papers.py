"""A person's ID number and telephone: read, sealed under the person's own key, indexed, masked."""

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Final

from inspection.registry import id_number
from inspection.registry.households.errors import BadIdNumber, BadPhone
from storage.vault import crypto
from storage.vault.service import Vault

ID_NUMBER: Final = "id-number"
PHONE: Final = "phone"
MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
LANDLINE: Final = re.compile(r"0[0-9]{9,11}")


@dataclass(frozen=True, slots=True)
class SealedPapers:
    """What the table holds instead of the numbers."""

    id_number_sealed: bytes | None
    id_number_index: bytes | None
    id_number_masked: str
    phone_sealed: bytes | None
    phone_index: bytes | None


def read_id_number(text: str, *, today: date) -> id_number.IdNumber:
    """A resident ID number. Raises the problem `BadIdNumber`."""
    try:
        return id_number.parse(text, today=today)
    except id_number.BadIdNumber as error:
        raise BadIdNumber(error.zh, error.en, reason=error.code) from None


def read_phone(text: str) -> str:
    """A telephone number in China as digits, without +86. Raises the problem `BadPhone`."""
    found = phone_digits(text)
    if found is None:
        raise BadPhone
    return found


def phone_digits(text: str) -> str | None:
    """A telephone number in China as digits, without +86; None when it is none."""
    digits = re.sub(r"[\s\-()]", "", unicodedata.normalize("NFKC", text))
    digits = digits.removeprefix("+86").removeprefix("0086")
    return digits if MOBILE.fullmatch(digits) or LANDLINE.fullmatch(digits) else None


def place(estate_id: uuid.UUID, person_id: uuid.UUID, kind: str) -> str:
    """Where a sealed number belongs; it opens nowhere else."""
    return f"person/{estate_id}/{person_id}/{kind}"


def seal(
    vault: Vault, key: bytes, *, estate_id: uuid.UUID, person_id: uuid.UUID, number: str | None, phone: str | None
) -> SealedPapers:
    """Seals and indexes numbers in their normal form; `key` is the person's."""
    return SealedPapers(
        id_number_sealed=sealed(key, number, place(estate_id, person_id, ID_NUMBER)),
        id_number_index=None if number is None else vault.index(ID_NUMBER, number),
        id_number_masked="" if number is None else id_number.mask(number),
        phone_sealed=sealed(key, phone, place(estate_id, person_id, PHONE)),
        phone_index=None if phone is None else vault.index(PHONE, phone),
    )


def sealed(key: bytes, value: str | None, where: str) -> bytes | None:
    """One number under the person's key."""
    return None if value is None else crypto.seal(key, value.encode(), place=where)


def opened(key: bytes, value: bytes, where: str) -> str:
    """One number in clear. Raises `storage.vault.crypto.SealBroken`."""
    return crypto.unseal(key, value, place=where).decode()
