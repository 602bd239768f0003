"""Whose word counts: the terminal's own recognition, our recognition of its picture, the credential. Pure.

A card, PIN, QR code or fingerprint opens a door and names nobody: it can be lent, and a finger enrolled for somebody
else. It leads to a unit, which is all it is used for.
"""

import uuid
from dataclasses import dataclass, replace

from gate_integration.devices.models import GateLevel
from gate_integration.faces.bands import Decision
from gate_integration.faces.records import Face
from gate_integration.intake.ports import CredentialFacts, DeviceFacts, NewPass
from gate_integration.protocols.records import CredentialKind, Outcome
from gate_integration.sightings.models import Band, LinkKind, Source
from gate_integration.sightings.roster import DayRoster, Place

_LENDABLE = frozenset({CredentialKind.CARD, CredentialKind.PIN, CredentialKind.QR, CredentialKind.FINGERPRINT})


@dataclass(frozen=True, slots=True)
class DeviceWord:
    """What the terminal said. `person_id` only where its own recognition of the face may be relied on.

    `holder_id`: whose entry on the device was used, by whatever means. `picture_allowed`: nothing forbids to look.
    """

    person_id: uuid.UUID | None
    holder_id: uuid.UUID | None
    picture_allowed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sighting will say."""

    band: Band
    source: Source
    person_id: uuid.UUID | None = None
    reason: str | None = None
    score: float | None = None
    margin: float | None = None
    searched: str | None = None
    engine: str | None = None
    face: Face | None = None


def device_word(
    *, person_id: uuid.UUID | None, credential_kind: str, outcome: str, has_face: bool, off_device: bool
) -> DeviceWord:
    """Reads the terminal's verdict. A face it has no consent to know counts for nothing."""
    recognised = person_id is not None and has_face
    recognised = recognised and credential_kind == CredentialKind.FACE and outcome == Outcome.PASS
    return DeviceWord(person_id if recognised else None, person_id, off_device)


def nobody(reason: str, source: Source, *, engine: str | None = None) -> Verdict:
    """Nobody can be named, and nobody unknown was seen either."""
    return Verdict(Band.UNUSABLE, source, reason=reason, engine=engine)


def from_device(
    word: DeviceWord, reason: str, *, source: Source = Source.CREDENTIAL, engine: str | None = None
) -> Verdict:
    """Without a usable picture: the terminal's own recognition, or nobody with the reason."""
    if word.person_id is not None:
        return Verdict(Band.MATCH, Source.DEVICE, word.person_id, reason)
    return nobody(reason, source, engine=engine)


def from_picture(word: DeviceWord, decision: Decision[uuid.UUID], face: Face, searched: str, *, engine: str) -> Verdict:
    """Our recognition, weighed against the terminal's where it named somebody.

    The two contradict each other when one is sure of a person and the other of somebody else or of nobody we know:
    then a person must look, and no stranger is made of it.
    """
    band = Band(decision.band)
    ours = Verdict(
        band, Source.FACE, decision.subject if band is Band.MATCH else None, decision.reason, decision.score,
        decision.margin, searched, engine, face,
    )  # fmt: skip
    if word.person_id is None or ours.person_id == word.person_id:
        return ours
    if band in {Band.MATCH, Band.NO_MATCH}:
        return replace(ours, band=Band.REVIEW, person_id=None, reason="device-disagrees")
    if band is Band.REVIEW and decision.subject != word.person_id:
        return replace(ours, reason="device-disagrees")
    return replace(ours, band=Band.MATCH, source=Source.DEVICE, person_id=word.person_id)


def place_of(device: DeviceFacts, credential: CredentialFacts | None, word: DeviceWord, roster: DayRoster) -> Place:
    """Where to look first: the household that the credential or the device's entry names, then the gate's own place."""
    household = credential.household_id if credential is not None else None
    if household is None and word.holder_id is not None:
        households = roster.households_of.get(word.holder_id, set())
        household = min(households) if len(households) == 1 else None
    unit = roster.unit_of_household.get(household) if household is not None else None
    return Place(
        household_id=household, unit_id=device.unit_id or unit, entrance_id=device.entrance_id,
        building_id=device.building_id,
    )  # fmt: skip


def unit_link(one: NewPass, roster: DayRoster) -> tuple[uuid.UUID | None, LinkKind | None]:
    """To which unit a pass leads, and by what. A worker's own card leads to none."""
    if one.device.level == GateLevel.UNIT and one.device.unit_id is not None:
        return one.device.unit_id, LinkKind.UNIT_DOOR
    unit = _unit_of(one, roster)
    if unit is None:
        return None, None
    if one.event.credential_kind in _LENDABLE:
        return unit, LinkKind.UNIT_CREDENTIAL
    if one.event.credential_kind == CredentialKind.INTERCOM:
        return unit, LinkKind.INTERCOM
    return None, None


def _unit_of(one: NewPass, roster: DayRoster) -> uuid.UUID | None:
    if one.credential is not None:
        if one.credential.household_id is not None:
            return roster.unit_of_household.get(one.credential.household_id, one.credential.unit_id)
        return one.credential.unit_id
    households = roster.households_of.get(one.person_id, set()) if one.person_id is not None else set()
    units = {roster.unit_of_household[found] for found in households if found in roster.unit_of_household}
    return min(units) if len(units) == 1 else None
