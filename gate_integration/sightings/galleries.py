"""Matrices of enrolled people, kept in memory while nothing they were made of has changed."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.enrolment import queries
from gate_integration.enrolment.queries import Stamp
from gate_integration.enrolment.service import load_templates
from gate_integration.faces.gallery import Gallery
from gate_integration.faces.records import Engine, Vector
from storage.clock import local_day
from storage.vault.service import Vault


@dataclass(slots=True)
class EstateGallery:
    """One estate's templates in memory, and a matrix for each group of people that was searched."""

    stamp: Stamp
    templates: Mapping[uuid.UUID, Sequence[Vector]] = field(repr=False)
    matrices: dict[frozenset[uuid.UUID], Gallery[uuid.UUID]] = field(default_factory=dict, repr=False)

    def of(self, people: frozenset[uuid.UUID]) -> Gallery[uuid.UUID]:
        """The matrix of those among `people` who have a template; made at first use."""
        enrolled = frozenset(people & self.templates.keys())
        if enrolled not in self.matrices:
            pairs = ((person, vector) for person in enrolled for vector in self.templates[person])
            self.matrices[enrolled] = Gallery(pairs, generation=self.stamp.generation)
        return self.matrices[enrolled]


class Galleries:
    """The galleries of one process. Each use compares the database's stamp, in the transaction of the search."""

    def __init__(self, *, engine: Engine, vault: Vault) -> None:
        self.engine = engine
        self.vault = vault
        self.estates: dict[uuid.UUID, EstateGallery] = {}

    async def of(self, session: AsyncSession, *, estate_id: uuid.UUID, now: datetime) -> EstateGallery:
        """An estate's templates as this transaction may use them: withdrawn consent and destroyed ones are out."""
        stamp = await queries.stamp(session, estate_id=estate_id, on=local_day(now))
        kept = self.estates.get(estate_id)
        if kept is not None and kept.stamp == stamp:
            return kept
        people, matrix = await load_templates(
            session, estate_id=estate_id, engine=self.engine, vault=self.vault, now=now
        )
        templates: dict[uuid.UUID, list[Vector]] = {}
        for person, vector in zip(people, matrix, strict=True):
            templates.setdefault(person, []).append(vector)
        fresh = self.estates[estate_id] = EstateGallery(stamp, templates)
        return fresh
