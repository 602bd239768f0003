"""How many people's faces are stored. Implements `inspection.ports.EnrolledPeople`."""

from sqlalchemy import LargeBinary, Text, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import DevicePerson
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.sightings.models import Pseudonym
from inspection.registry.households.models import Person


class StoredFaces:
    """Counts templates here and faces on gates, each human once."""

    async def count(self, session: AsyncSession) -> tuple[int, int]:
        """Registered people by the blind index of their ID number, so that one human of several estates counts once
        (who has none counts by the row), and unregistered ones, of whom an estate's own is all that is known."""
        here = select(FaceTemplate.person_id).where(FaceTemplate.destroyed_at.is_(None))
        on_gates = select(DevicePerson.person_id).where(DevicePerson.has_face, DevicePerson.removed_at.is_(None))
        whose = func.coalesce(Person.id_number_index, func.convert_to(cast(Person.id, Text), "UTF8", type_=LargeBinary))
        people = await session.scalar(
            select(func.count(func.distinct(whose))).where(or_(Person.id.in_(here), Person.id.in_(on_gates)))
        )
        pseudonyms = await session.scalar(
            select(func.count()).select_from(Pseudonym).where(Pseudonym.centroid_sealed.is_not(None))
        )
        return people or 0, pseudonyms or 0
