"""Unregistered people of one estate: a number and a sealed running mean, forgotten when they stay away.

A pseudonym is made only from a usable face that resembles nobody registered, is looked for in its own estate only, and
is never joined to a person, not even when that person enrols later.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.enrolment.parameters import RecognitionParameters
from gate_integration.enrolment.templates import open_vector, seal_vector
from gate_integration.faces.records import Engine, Vector
from gate_integration.sightings import queries
from gate_integration.sightings.models import Pseudonym
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.clock import local_day
from storage.ids import new_id
from storage.vault.service import Vault


def centroid_place(*, estate_id: uuid.UUID, pseudonym_id: uuid.UUID, engine: str) -> str:
    """Where a pseudonym's centroid belongs; moved anywhere else it does not open."""
    return f"pseudonym/{estate_id}/{pseudonym_id}/{engine}"


@dataclass(slots=True, eq=False)
class _Known:
    row: Pseudonym
    key: bytes
    centroid: Vector


@dataclass(slots=True)
class EstatePseudonyms:
    """The unregistered people of one estate during one transaction, which holds the estate's lock."""

    estate_id: uuid.UUID
    engine: Engine
    vault: Vault
    parameters: RecognitionParameters
    last_number: int
    known: list[_Known] = field(repr=False)

    @classmethod
    async def load(
        cls,
        session: AsyncSession,
        *,
        estate_id: uuid.UUID,
        engine: Engine,
        vault: Vault,
        parameters: RecognitionParameters,
        now: datetime,
    ) -> "EstatePseudonyms":
        """Locks the estate's numbering until the transaction ends, then opens every centroid."""
        await queries.lock_pseudonyms(session, estate_id=estate_id)
        rows = await queries.live_pseudonyms(
            session, estate_id=estate_id, engine=engine.engine_id, model_hash=engine.model_hash
        )
        keys = await vault.subject_keys(session, estate_id=estate_id, subject_ids=[row.id for row in rows], now=now)
        known = []
        for row in rows:
            if row.id in keys and row.centroid_sealed is not None:
                place = centroid_place(estate_id=estate_id, pseudonym_id=row.id, engine=engine.engine_id)
                known.append(_Known(row, keys[row.id], open_vector(keys[row.id], row.centroid_sealed, place=place)))
        number = await queries.last_number(session, estate_id=estate_id)
        return cls(estate_id, engine, vault, parameters, number, known)

    async def assign(self, session: AsyncSession, *, embedding: Vector, seen_at: datetime, now: datetime) -> Pseudonym:
        """The nearest unregistered person, whose mean follows this face; a new one when nobody is near enough."""
        scores = [float(one.centroid @ embedding) for one in self.known]
        best = int(np.argmax(scores)) if scores else None
        if best is None or scores[best] < self.parameters.pseudonym_from:
            return await self._new(session, embedding=embedding, seen_at=seen_at, now=now)
        found = self.known[best]
        weight = min(found.row.faces, self.parameters.pseudonym_faces - 1)
        mean = found.centroid * weight + embedding
        found.centroid = (mean / np.linalg.norm(mean)).astype(np.float32)
        found.row.faces += 1
        found.row.first_seen_at = min(found.row.first_seen_at, seen_at)
        found.row.last_seen_at = max(found.row.last_seen_at, seen_at)
        self._seal(found)
        return found.row

    async def _new(self, session: AsyncSession, *, embedding: Vector, seen_at: datetime, now: datetime) -> Pseudonym:
        self.last_number += 1
        row = Pseudonym(
            id=new_id(), estate_id=self.estate_id, number=self.last_number, engine=self.engine.engine_id,
            model_hash=self.engine.model_hash, centroid_sealed=None, faces=1, first_seen_at=seen_at,
            last_seen_at=seen_at, forgotten_at=None,
        )  # fmt: skip
        key = await self.vault.new_subject_key(session, estate_id=self.estate_id, subject_id=row.id, now=now)
        found = _Known(row, key, embedding)
        self._seal(found)
        self.known.append(found)
        session.add(row)
        return row

    def _seal(self, found: _Known) -> None:
        place = centroid_place(estate_id=self.estate_id, pseudonym_id=found.row.id, engine=self.engine.engine_id)
        found.row.centroid_sealed = seal_vector(found.key, found.centroid, place=place)


async def forget_without_basis(session: AsyncSession, *, vault: Vault, now: datetime) -> int:
    """Forgets everybody of an estate whose basis has ended, whatever is held: nothing allows to keep them any more.

    Key and centroid are destroyed, the number stays given. Says how many. Whoever stays away is a matter of retention.
    """
    rows = await queries.pseudonyms_without_basis(session, on=local_day(now))
    await forget(session, rows, vault=vault, now=now)
    return len(rows)


async def forget(session: AsyncSession, rows: Sequence[Pseudonym], *, vault: Vault, now: datetime) -> None:
    """Destroys key and centroid; the number stays given."""
    for row in rows:
        await vault.destroy_subject_key(session, subject_id=row.id, now=now)
        row.centroid_sealed = None
        row.forgotten_at = now
        audit.record(
            session, at=now, actor=Actor.system("worker"), action="pseudonym.forgotten", object_kind="pseudonym",
            object_id=row.id, estate_id=row.estate_id,
        )  # fmt: skip
    await session.flush()
