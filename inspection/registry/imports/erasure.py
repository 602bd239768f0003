"""Files the register was imported from: whoever is erased may stand in any of them."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.imports.models import ACTIVE, ImportStatus, RegistryImport, RegistryImportIssue
from inspection.registry.imports.register import one_import_at_a_time
from storage.audit.service import Actor, record
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools
from storage.objects.models import StoredObject


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Destroys the originals of the estate's imports and what was found in them: misplaced names stand there in clear.

    Which file names whom is not recorded, on purpose, so all of them go; digest, counts and masked report stay. One
    that is being written is waited for; one that is not written yet is cancelled: it was made before the erasure and
    would bring the person back.
    """
    if subject.keeps(Part.REGISTER):
        return []
    await one_import_at_a_time(session, estate_id=subject.estate_id)
    of_estate = RegistryImport.estate_id == subject.estate_id
    for row in await session.scalars(
        select(RegistryImport).where(of_estate, RegistryImport.status.in_(ACTIVE)).with_for_update()
    ):
        row.status, row.ended_at, row.touched_at = ImportStatus.CANCELLED, now, now
        record(session, at=now, actor=Actor.system("erasure"), action="registry.import-cancel",
               object_kind="registry_import", object_id=row.id, estate_id=row.estate_id)  # fmt: skip
    await session.flush()
    found = list(
        await session.scalars(
            select(RegistryImport.object_id)
            .join(StoredObject, StoredObject.id == RegistryImport.object_id)
            .where(of_estate, StoredObject.destroyed_at.is_(None))
        )
    )
    for object_id in found:
        await tools.objects.destroy(session, object_id=object_id, now=now)
    issues = await session.scalars(
        delete(RegistryImportIssue)
        .where(RegistryImportIssue.import_id.in_(select(RegistryImport.id).where(of_estate)))
        .returning(RegistryImportIssue.position)
    )
    return [
        Proof(noun="import-original", done="destroyed", count=len(found)),
        Proof(noun="import-finding", done="deleted", count=len(issues.all())),
    ]
