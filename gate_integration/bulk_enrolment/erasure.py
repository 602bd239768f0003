"""Archives of photographs in which an erased person may stand, and what was found of them."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.bulk_enrolment import service
from gate_integration.bulk_enrolment.models import ACTIVE, ImportStatus, PhotoImport, PhotoImportLine
from storage.audit.service import Actor
from storage.erasure.service import Proof, Subject, Tools

ERASURE = Actor.system("erasure")


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Deletes the person's lines, and gives up the estate's archive that is not being applied.

    Photographs rest on consent alone, so this happens even while the register has to stay. Which archive shows whom
    is known only once it was checked, so every one that waits goes; one that is being applied takes nobody in who was
    erased, and is destroyed at its end.
    """
    waiting = (
        await session.scalars(
            select(PhotoImport.id).where(
                PhotoImport.estate_id == subject.estate_id,
                PhotoImport.status.in_(ACTIVE),
                PhotoImport.status != ImportStatus.APPLYING,
            )
        )
    ).all()
    for import_id in waiting:
        await service.cancel(
            session, import_id=import_id, objects=tools.objects, reason="erasure", actor=ERASURE, now=now
        )
    gone = (
        await session.scalars(
            delete(PhotoImportLine)
            .where(PhotoImportLine.person_id == subject.subject_id)
            .returning(PhotoImportLine.id)
            .execution_options(synchronize_session=False)
        )
    ).all()
    named = str(subject.subject_id)
    await session.execute(
        update(PhotoImportLine)
        .where(PhotoImportLine.estate_id == subject.estate_id, PhotoImportLine.resembles.contains([named]))
        .values(resembles=PhotoImportLine.resembles.op("-")(named))
        .execution_options(synchronize_session=False)
    )
    return [
        Proof(noun="photo-archive", done="destroyed", count=len(waiting)),
        Proof(noun="photo-import-line", done="deleted", count=len(gone)),
    ]
