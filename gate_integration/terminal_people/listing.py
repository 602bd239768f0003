"""Taking in a list of a terminal's people: what is new, changed, missing; proposals for what nobody has decided."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import GateDevice
from gate_integration.devices.service import standing_device
from gate_integration.removals.models import What
from gate_integration.terminal_people import queries
from gate_integration.terminal_people.columns import Entry
from gate_integration.terminal_people.errors import ListEmpty
from gate_integration.terminal_people.matching import Asked, Matcher, same
from gate_integration.terminal_people.models import EntryState, Level, TerminalEntry, TerminalList
from inspection.registry.consents.basis import require_basis
from inspection.registry.consents.models import Purpose
from inspection.registry.households import papers
from inspection.registry.id_number import normalise
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.vault import crypto
from storage.vault.service import KeyDestroyed, Vault

FILE: Final = "file"
UNDECIDED: Final = frozenset({EntryState.OPEN, EntryState.NOTED})  # whoever was noted may be registered by now


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside a number on a terminal; sealed in the table."""

    name: str = ""
    card: str = ""
    department: str = ""
    room: str = ""


def place_of(entry_id: uuid.UUID) -> str:
    """Where what stands beside a number belongs; it opens nowhere else."""
    return f"terminal-entry/{entry_id}"


async def device_key(session: AsyncSession, *, device: GateDevice, vault: Vault, now: datetime) -> bytes:
    """The key of what a device's lists say, made at the first list: who is listed may be nobody with a key."""
    try:
        return await vault.subject_key(session, estate_id=device.estate_id, subject_id=device.id, now=now)
    except KeyDestroyed:
        return await vault.new_subject_key(session, estate_id=device.estate_id, subject_id=device.id, now=now)


def opened(key: bytes, row: TerminalEntry) -> Beside:
    """What stands beside a number; nothing once it was forgotten."""
    if row.sealed is None:
        return Beside()
    return msgspec.json.decode(crypto.unseal(key, row.sealed, place=place_of(row.id)), type=Beside)


async def receive(
    session: AsyncSession,
    *,
    device_id: uuid.UUID,
    entries: Sequence[Entry],
    skipped: int = 0,
    source: str = FILE,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> TerminalList:
    """Takes in a whole list. What it lacks is listed as missing, and closed by a person alone.

    The same list again changes nothing but proposals that the register has overtaken. Whoever hands over entries read
    by a device's own protocol calls this too. Raises `NotFound`, `DeviceRetired`, `NoProcessingBasis`, `ListEmpty`.
    """
    await standing_device(session, device_id)
    device = await queries.locked_device(session, device_id)
    assert device is not None  # noqa: S101 - it stands
    await require_basis(session, device.estate_id, Purpose.ACCESS_CONTROL, local_day(now))
    if not entries:
        raise ListEmpty
    key = await device_key(session, device=device, vault=vault, now=now)
    shelf = Shelf(session, device, key, vault, now)
    before = await queries.standing(session, device_id=device_id)
    leaving = {
        removal.device_person_no
        for removal in await queries.pending_removals(session, device_id=device_id, what=What.PERSON)
    }
    counts = {"added": 0, "changed": 0, "unchanged": 0}
    listed = [shelf.take(entry, before.get(entry.number), leaving, counts) for entry in entries]
    numbers = {entry.number for entry in entries}
    missing = [row for number, row in before.items() if number not in numbers]
    for row in missing:
        row.missing_since = row.missing_since or now
    await session.flush()
    await propose(session, device=device, rows=[r for r in listed if r.state in UNDECIDED], key=key, vault=vault,
                  now=now)  # fmt: skip
    digest = vault.index("terminal-list", msgspec.json.encode(sorted(row.content_digest.hex() for row in listed)).hex())
    last = await queries.lists(session, device_id=device_id, after=None, limit=1)
    if last and last[0].digest == digest and not counts["added"] and not counts["changed"]:
        return last[0]
    made = TerminalList(
        id=new_id(), estate_id=device.estate_id, device_id=device_id, digest=digest, source=source,
        entries=len(listed), missing=len(missing), skipped=skipped, created_by=actor.user_id, created_at=now, **counts,
    )  # fmt: skip
    session.add(made)
    record(session, at=now, actor=actor, action="terminal-list.received", object_kind="device", object_id=device_id,
           estate_id=device.estate_id, purpose=Purpose.ACCESS_CONTROL, source=source, entries=len(listed),
           missing=len(missing), counts=counts)  # fmt: skip
    await session.flush()
    return made


class Shelf:
    """The entries of one device while a list is taken in."""

    def __init__(self, session: AsyncSession, device: GateDevice, key: bytes, vault: Vault, now: datetime) -> None:
        self.session = session
        self.device = device
        self.key = key
        self.vault = vault
        self.now = now

    def take(
        self, entry: Entry, row: TerminalEntry | None, leaving: Collection[str | None], counts: dict[str, int]
    ) -> TerminalEntry:
        """One entry of the list: new, changed or as it was."""
        content = msgspec.json.encode(entry)
        digest = self.vault.index("terminal-entry", content.hex())
        if row is None:
            counts["added"] += 1
            row = TerminalEntry(
                id=new_id(), estate_id=self.device.estate_id, device_id=self.device.id, number=entry.number,
                state=EntryState.OPEN, level=Level.NONE, first_listed_at=self.now, decision="",
            )  # fmt: skip
            self.session.add(row)
            if entry.number in leaving:  # it was to go before: whose it was is nothing to keep again
                row.state, row.decision, entry = EntryState.REMOVING, "queued-before", Entry(number=entry.number)
            self.fill(row, entry)
        elif row.content_digest != digest:
            counts["changed"] += 1
            renamed = same(opened(self.key, row).name) != same(entry.name)
            if row.state != EntryState.REMOVING:
                self.fill(row, entry)
            if renamed and row.state in {EntryState.CONFIRMED, EntryState.NOTED}:
                row.state, row.decision = EntryState.OPEN, "renamed"  # the number may mean somebody else now
        else:
            counts["unchanged"] += 1
        row.content_digest, row.last_listed_at, row.missing_since = digest, self.now, None
        return row

    def fill(self, row: TerminalEntry, entry: Entry) -> None:
        """What stands beside the number, sealed."""
        beside = Beside(name=entry.name, card=entry.card, department=entry.department, room=entry.room)
        row.sealed = crypto.seal(self.key, msgspec.json.encode(beside), place=place_of(row.id))
        row.card_index = self.vault.index("card", entry.card) if entry.card else None
        row.holds_face = entry.face


async def propose(
    session: AsyncSession, *, device: GateDevice, rows: Iterable[TerminalEntry], key: bytes, vault: Vault, now: datetime
) -> None:
    """Puts fresh proposals beside open entries."""
    rows = list(rows)
    if not rows:
        return
    matcher = Matcher(await queries.register(session, device=device, on=local_day(now)))
    rejected = await queries.rejected(session, device_id=device.id)
    made: list[dict[str, object]] = []
    for row in rows:
        beside = opened(key, row)
        asked = Asked(
            number=row.number, name=beside.name, card=row.card_index,
            number_index=vault.index(papers.ID_NUMBER, normalise(row.number)),
            place=f"{beside.department} {beside.room}",
        )  # fmt: skip
        found = matcher.propose(asked, rejected=rejected.get(row.id, ()))
        row.level = found.level
        made += [
            {
                "entry_id": row.id, "person_id": one.person_id, "estate_id": row.estate_id, "score": one.score,
                "reasons": [str(why) for why in one.reasons], "here": one.here, "rejected_at": None,
                "rejected_by": None,
            }
            for one in found.candidates
        ]  # fmt: skip
    await session.flush()
    await queries.replace_candidates(session, entry_ids=[row.id for row in rows], rows=made)
