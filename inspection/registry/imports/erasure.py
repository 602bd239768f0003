"""Files the register was imported from: whoever is erased may stand in any of them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.imports.models import ACTIVE, RegistryImport
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools
from storage.objects.models import StoredObject


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Destroys the originals of imports of the estate that have ended: what they told is in the register.

    Which file names whom is not recorded, on purpose, so all of them go; digest, counts and masked report stay. One
    that is being worked on is destroyed at its end, by its own job or by the next run of this one.
    """
    if subject.keeps(Part.REGISTER):
        return []
    found = list(
        await session.scalars(
            select(RegistryImport.object_id)
            .join(StoredObject, StoredObject.id == RegistryImport.object_id)
            .where(
                RegistryImport.estate_id == subject.estate_id,
                RegistryImport.status.not_in(ACTIVE),
                StoredObject.destroyed_at.is_(None),
            )
        )
    )
    for object_id in found:
        await tools.objects.destroy(session, object_id=object_id, now=now)
    return [Proof(noun="import-original", done="destroyed", count=len(found))]
