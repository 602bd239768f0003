"""From passes to sightings: who was seen, by whose word, and to which unit it leads."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.enrolment.parameters import RecognitionParameters, recognition_parameters
from gate_integration.enrolment.queries import standing_bases
from gate_integration.enrolment.recogniser import THREADS, probe
from gate_integration.enrolment.service import PURPOSES
from gate_integration.faces.bands import Decision
from gate_integration.faces.gallery import search_ladder
from gate_integration.faces.records import Engine, Face, Probe
from gate_integration.intake.ports import NewPass
from gate_integration.sightings import queries
from gate_integration.sightings.galleries import EstateGallery, Galleries
from gate_integration.sightings.models import Band, Sighting, Source
from gate_integration.sightings.pseudonyms import EstatePseudonyms
from gate_integration.sightings.roster import DayRoster, Place, Roster
from gate_integration.sightings.verdicts import (
    DeviceWord,
    Verdict,
    device_word,
    from_device,
    from_picture,
    nobody,
    place_of,
    unit_link,
)
from inspection.registry.consents.models import ConsentScope, Purpose
from inspection.registry.consents.service import standing_scopes
from storage.clock import local_day
from storage.ids import new_id
from storage.objects.service import Objects
from storage.objects.store import ObjectMissing
from storage.vault.crypto import SealBroken
from storage.vault.service import KeyDestroyed, Vault

_IN_FLIGHT = 4 * THREADS


@dataclass(frozen=True, slots=True)
class Looked:
    """What recognition made of an event's pictures: a probe, or the code of why none could be read."""

    probe: Probe | None
    why: str | None = None


class SightingService:
    """Implements `intake.ports.Sighter` for one process. Recognition runs in the two threads of `recogniser`."""

    def __init__(self, *, engine: Engine, vault: Vault, objects: Objects) -> None:
        self.engine = engine
        self.vault = vault
        self.objects = objects
        self.galleries = Galleries(engine=engine, vault=vault)

    async def sight(self, session: AsyncSession, *, events: Sequence[NewPass], now: datetime) -> None:
        """One sighting for each event that has none yet.

        Replayed history is sighted like everything else; nothing here notifies anybody.
        """
        await session.flush()
        done = await queries.sighted(session, event_ids=[one.event.id for one in events])
        by_estate: dict[uuid.UUID, list[NewPass]] = defaultdict(list)
        for one in events:
            if one.event.id not in done:
                by_estate[one.event.estate_id].append(one)
        # In one order for all drainers, since each estate's numbering is locked until the transaction ends.
        for estate_id in sorted(by_estate):
            passes = sorted(by_estate[estate_id], key=lambda one: (one.event.effective_at, one.event.id))
            await self._sight_estate(session, estate_id=estate_id, passes=passes, now=now)

    async def _sight_estate(
        self, session: AsyncSession, *, estate_id: uuid.UUID, passes: Sequence[NewPass], now: datetime
    ) -> None:
        today = local_day(now)
        bases = await standing_bases(session, estate_id=estate_id, on=today)
        words = await self._device_words(session, passes, today)
        days = [_day(one) for one in passes]
        roster = Roster(await queries.registrations(session, estate_id=estate_id, first=min(days), last=max(days)))
        looked: Mapping[uuid.UUID, Looked] = {}
        if Purpose.TENANCY_COMPLIANCE in bases:
            looked = await self._look(session, passes, words, now)
        gallery = await self.galleries.of(session, estate_id=estate_id, now=now)
        parameters = await recognition_parameters(session, estate_id=estate_id, on=today)
        verdicts = [
            self._verdict(
                one, words[one.event.id], looked.get(one.event.id), roster.on(_day(one)), gallery, parameters,
                allowed=bool(PURPOSES & bases),
            )
            for one in passes
        ]  # fmt: skip
        pseudonyms = await self._pseudonyms(session, estate_id, passes, verdicts, parameters, now)
        made = [
            _sighting(one, verdict, pseudonyms.get(one.event.id), roster.on(_day(one)), allowed=bool(PURPOSES & bases))
            for one, verdict in zip(passes, verdicts, strict=True)
        ]
        session.add_all(made)
        await session.flush()
        linked = {row.pass_event_id for row in made if row.pseudonym_id is not None and row.unit_id is not None}
        pictures = [picture for one in passes if one.event.id in linked for picture in one.picture_ids]
        if pictures:
            until = now + timedelta(days=parameters.linked_snapshot_days)
            await queries.keep_until(session, object_ids=pictures, until=until)
        # The gate does not know who consents: a picture that must not leave it is not looked at, and not kept either.
        refused = [picture for one in passes if not words[one.event.id].picture_allowed for picture in one.picture_ids]
        if refused:
            await queries.let_go(session, object_ids=refused, now=now)

    async def _device_words(
        self, session: AsyncSession, passes: Sequence[NewPass], today: date
    ) -> dict[uuid.UUID, DeviceWord]:
        entries = await queries.device_people(
            session, ids=[one.event.device_person_id for one in passes if one.event.device_person_id is not None]
        )
        people = {entry.person_id for entry in entries.values()} | {one.person_id for one in passes if one.person_id}
        consents = await standing_scopes(session, people, today)
        found = {}
        for one in passes:
            entry = entries.get(one.event.device_person_id) if one.event.device_person_id is not None else None
            person_id = entry.person_id if entry is not None else one.person_id
            scopes = consents[person_id] if person_id is not None else frozenset()
            found[one.event.id] = device_word(
                person_id=person_id,
                credential_kind=one.event.credential_kind,
                outcome=one.event.outcome,
                has_face=entry is not None and entry.has_face and ConsentScope.PUSH_TO_GATES in scopes,
                off_device=person_id is None or ConsentScope.OFF_DEVICE in scopes,
            )
        return found

    async def _look(
        self,
        session: AsyncSession,
        passes: Iterable[NewPass],
        words: Mapping[uuid.UUID, DeviceWord],
        now: datetime,
    ) -> dict[uuid.UUID, Looked]:
        """Reads and probes the pictures of a batch: while one is read, two others are being looked at."""
        slots = asyncio.Semaphore(_IN_FLIGHT)
        found: dict[uuid.UUID, Looked] = {}
        running: dict[uuid.UUID, asyncio.Task[Probe]] = {}
        try:
            for one in passes:
                if not one.picture_ids or not words[one.event.id].picture_allowed:
                    continue
                try:
                    data = await self.objects.get(session, object_id=one.picture_ids[0], now=now)
                except (ObjectMissing, KeyDestroyed, SealBroken):
                    found[one.event.id] = Looked(None, "picture-gone")
                    continue
                await slots.acquire()
                running[one.event.id] = asyncio.create_task(self._probe(slots, data))
            await asyncio.gather(*running.values())
        finally:
            for task in running.values():
                task.cancel()
        return found | {event: Looked(task.result()) for event, task in running.items()}

    async def _probe(self, slots: asyncio.Semaphore, data: bytes) -> Probe:
        try:
            return await probe(self.engine, data)
        finally:
            slots.release()

    def _verdict(
        self,
        one: NewPass,
        word: DeviceWord,
        looked: Looked | None,
        roster: DayRoster,
        gallery: EstateGallery,
        parameters: RecognitionParameters,
        *,
        allowed: bool,
    ) -> Verdict:
        if not allowed:
            return nobody("no-basis", Source.CREDENTIAL)
        if looked is None:
            return from_device(word, "no-picture")
        if looked.probe is None:
            return from_device(word, looked.why or "no-picture")
        face = looked.probe.face
        if face is None:
            reason = looked.probe.reason.code if looked.probe.reason else "no-face"
            return from_device(word, reason, source=Source.FACE, engine=self._engine_name)
        place = place_of(one.device, one.credential, word, roster)
        decision, rung = self._search(face, looked.probe, place, roster, gallery, parameters)
        return from_picture(word, decision, face, rung, engine=self._engine_name)

    def _search(
        self,
        face: Face,
        probe: Probe,
        place: Place,
        roster: DayRoster,
        gallery: EstateGallery,
        parameters: RecognitionParameters,
    ) -> tuple[Decision[uuid.UUID], str]:
        rungs = roster.ladder(place)
        found = search_ladder(
            face.embedding, [gallery.of(people) for _, people in rungs], parameters.thresholds, probe.reason
        )
        return found.decision, rungs[found.rung if found.rung is not None else -1][0]

    async def _pseudonyms(
        self,
        session: AsyncSession,
        estate_id: uuid.UUID,
        passes: Sequence[NewPass],
        verdicts: Sequence[Verdict],
        parameters: RecognitionParameters,
        now: datetime,
    ) -> dict[uuid.UUID, uuid.UUID]:
        """The pseudonym of each face that resembled nobody registered. Only such a face has one."""
        strangers = [
            (one, verdict.face)
            for one, verdict in zip(passes, verdicts, strict=True)
            if verdict.band is Band.NO_MATCH and verdict.face is not None
        ]
        if not strangers:
            return {}
        known = await EstatePseudonyms.load(
            session, estate_id=estate_id, engine=self.engine, vault=self.vault, parameters=parameters, now=now
        )
        found = {}
        for one, face in strangers:
            pseudonym = await known.assign(session, embedding=face.embedding, seen_at=one.event.effective_at, now=now)
            found[one.event.id] = pseudonym.id
        await session.flush()
        return found

    @property
    def _engine_name(self) -> str:
        return f"{self.engine.engine_id}/{self.engine.model_hash}"


def _day(one: NewPass) -> date:
    return local_day(one.event.effective_at)


def _sighting(
    one: NewPass, verdict: Verdict, pseudonym_id: uuid.UUID | None, roster: DayRoster, *, allowed: bool
) -> Sighting:
    unit_id, link = unit_link(one, roster) if allowed else (None, None)
    return Sighting(
        id=new_id(), estate_id=one.event.estate_id, pass_event_id=one.event.id, device_id=one.device.id,
        seen_at=one.event.effective_at, band=verdict.band, source=verdict.source, person_id=verdict.person_id,
        pseudonym_id=pseudonym_id, reason=verdict.reason, score=verdict.score, margin=verdict.margin,
        quality=verdict.face.score if verdict.face is not None else None, searched=verdict.searched,
        engine=verdict.engine, credential_id=one.credential.id if one.credential is not None else None,
        unit_id=unit_id, link_kind=link,
    )  # fmt: skip
