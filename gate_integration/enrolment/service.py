"""Enrolling faces and destroying templates."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.enrolment import queries
from gate_integration.enrolment.errors import ConsentMissing, TooManyTemplates
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.enrolment.parameters import recognition_parameters
from gate_integration.enrolment.recogniser import inspect
from gate_integration.enrolment.templates import open_vector, seal_vector, template_place
from gate_integration.faces.headers import read_header
from gate_integration.faces.quality import Verdict, verdict
from gate_integration.faces.reasons import Reason, UnusablePicture
from gate_integration.faces.records import Engine, Face, Vector
from inspection.registry.consents.errors import NoProcessingBasis
from inspection.registry.consents.models import ConsentScope, Purpose
from inspection.registry.consents.service import standing_scopes
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.clock import local_day
from storage.ids import new_id
from storage.objects.service import Objects
from storage.problems import NotFound
from storage.vault.service import Vault

PURPOSES = frozenset({Purpose.ACCESS_CONTROL, Purpose.TENANCY_COMPLIANCE})

SAME_FACE = Reason(
    "same-face-other-name",
    "该人脸与本小区另一登记人员高度相似，请人工核对身份；系统未作任何处理",
    "The face closely resembles another registered person of the estate: have a person check; nothing was done",
    refuses=False,
)


class EnrolmentVerdict(StrEnum):
    """Whether a photo became a template."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class EnrolmentResult:
    """What became of a photo. An accepted one can carry warnings; `resembles` are the people of `SAME_FACE`.

    `template_id` is set exactly when accepted, `object_id` when the photo was kept with consent.
    """

    verdict: EnrolmentVerdict
    reasons: tuple[Reason, ...]
    template_id: uuid.UUID | None = None
    object_id: uuid.UUID | None = None
    resembles: tuple[uuid.UUID, ...] = ()


async def enrol(
    session: AsyncSession,
    *,
    person_id: uuid.UUID,
    photo: bytes,
    actor: Actor,
    now: datetime,
    engine: Engine,
    vault: Vault,
    objects: Objects,
) -> EnrolmentResult:
    """Makes a template of a photo, if the photo is good enough.

    Raises `NotFound`, `ConsentMissing` without a standing consent of scope `template`, `NoProcessingBasis` while the
    estate may not recognise anybody, `TooManyTemplates`. A photo that is refused leaves nothing but an audit row.
    """
    day = local_day(now)
    person = await queries.person_for_enrolment(session, person_id=person_id)
    if person is None:
        raise NotFound
    scopes = (await standing_scopes(session, [person_id], day))[person_id]
    if ConsentScope.TEMPLATE not in scopes:
        raise ConsentMissing
    if not PURPOSES & await queries.standing_bases(session, estate_id=person.estate_id, on=day):
        raise NoProcessingBasis
    parameters = await recognition_parameters(session, estate_id=person.estate_id, on=day)
    if len(await queries.templates_of(session, person_id=person_id)) >= parameters.max_templates:
        raise TooManyTemplates(
            f"每人最多 {parameters.max_templates} 个模板", f"At most {parameters.max_templates} templates a person"
        )
    judged = await judge(engine, photo)
    if judged.face is None:
        audit.record(
            session, at=now, actor=actor, action="face.refused", object_kind="person", object_id=person_id,
            estate_id=person.estate_id, reasons=[reason.code for reason in judged.reasons],
        )  # fmt: skip
        return EnrolmentResult(EnrolmentVerdict.REFUSED, judged.reasons)

    others = await lookalikes(
        session, estate_id=person.estate_id, person_id=person_id, embedding=judged.face.embedding, engine=engine,
        vault=vault, at_least=parameters.thresholds.match_from, now=now,
    )  # fmt: skip
    object_id = None
    if ConsentScope.KEEP_PHOTO in scopes:
        stored = await objects.put(
            session, data=photo, kind="enrolment-photo", content_type=content_type(photo),
            estate_id=person.estate_id, now=now, subject_id=person_id,
        )  # fmt: skip
        object_id = stored.id
    template = await _store(
        session, estate_id=person.estate_id, person_id=person_id, face=judged.face, engine=engine, vault=vault,
        object_id=object_id, digest=photo_digest(vault, photo), now=now,
    )  # fmt: skip
    await queries.bump(session, estate_id=person.estate_id)
    reasons = (*judged.reasons, SAME_FACE) if others else judged.reasons
    audit.record(
        session, at=now, actor=actor, action="face.enrolled", object_kind="person", object_id=person_id,
        estate_id=person.estate_id, template=str(template.id), engine=template.engine, photo_kept=object_id is not None,
        reasons=[reason.code for reason in reasons], resembles=[str(other) for other in others],
    )  # fmt: skip
    return EnrolmentResult(EnrolmentVerdict.ACCEPTED, reasons, template.id, object_id, others)


async def lookalikes(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    person_id: uuid.UUID,
    embedding: Vector,
    engine: Engine,
    vault: Vault,
    at_least: float,
    now: datetime,
) -> tuple[uuid.UUID, ...]:
    """Other registered people of the estate whose template is as near to `embedding` as one's own would be."""
    people, matrix = await load_templates(session, estate_id=estate_id, engine=engine, vault=vault, now=now)
    scores = matrix @ embedding
    near = {
        who: float(score) for who, score in zip(people, scores, strict=True) if who != person_id and score >= at_least
    }
    return tuple(sorted(near, key=lambda who: -near[who]))


async def load_templates(
    session: AsyncSession, *, estate_id: uuid.UUID, engine: Engine, vault: Vault, now: datetime
) -> tuple[list[uuid.UUID], Vector]:
    """Every template of the estate that may be compared: whose it is, and float32 (n, 128), decrypted."""
    day = local_day(now)
    rows = await queries.live_templates(
        session, estate_id=estate_id, engine=engine.engine_id, model_hash=engine.model_hash, on=day
    )
    keys = await vault.subject_keys(
        session, estate_id=estate_id, subject_ids=list({row.person_id for row in rows}), now=now
    )
    people: list[uuid.UUID] = []
    vectors: list[Vector] = []
    for row in rows:
        key = keys.get(row.person_id)
        if key is not None:
            place = template_place(
                estate_id=estate_id, person_id=row.person_id, engine=engine.engine_id, template_id=row.id
            )
            people.append(row.person_id)
            vectors.append(open_vector(key, row.sealed, place=place))
    return people, np.stack(vectors) if vectors else np.empty((0, 128), np.float32)


async def templates_of(session: AsyncSession, *, person_id: uuid.UUID) -> Sequence[FaceTemplate]:
    """A person's templates, without their vectors' meaning. Raises `NotFound` for a person out of scope."""
    if await queries.person(session, person_id=person_id) is None:
        raise NotFound
    return await queries.templates_of(session, person_id=person_id)


async def destroy_template(
    session: AsyncSession,
    *,
    person_id: uuid.UUID,
    template_id: uuid.UUID,
    reason: str,
    actor: Actor,
    objects: Objects,
    now: datetime,
) -> None:
    """Destroys one template and its photo; doing it again changes nothing. Raises `NotFound`."""
    template = await session.get(FaceTemplate, template_id)
    if template is None or template.person_id != person_id:
        raise NotFound
    if template.destroyed_at is None:
        await destroy(session, templates=[template], reason=reason, actor=actor, objects=objects, now=now)


async def destroy(
    session: AsyncSession,
    *,
    templates: Sequence[FaceTemplate],
    reason: str,
    actor: Actor,
    objects: Objects,
    now: datetime,
    photos: bool = True,
) -> int:
    """Destroys templates and, with `photos`, their photos; the matchers forget them. Says how many stood before."""
    standing = [template for template in templates if template.destroyed_at is None]
    for template in standing:
        template.sealed = template.photo_digest = None
        template.destroyed_at = now
        audit.record(
            session, at=now, actor=actor, action="face.destroyed", object_kind="person", object_id=template.person_id,
            estate_id=template.estate_id, reason=reason, template=str(template.id),
        )  # fmt: skip
    if photos:
        await destroy_photos(session, templates=templates, reason=reason, actor=actor, objects=objects, now=now)
    await session.flush()
    for estate_id in sorted({template.estate_id for template in standing}):
        await queries.bump(session, estate_id=estate_id)
    return len(standing)


async def destroy_photos(
    session: AsyncSession,
    *,
    templates: Sequence[FaceTemplate],
    reason: str,
    actor: Actor,
    objects: Objects,
    now: datetime,
) -> int:
    """Destroys the photos templates were made of, and leaves the templates; says how many there were."""
    destroyed = 0
    for template in templates:
        if template.photo_object_id is not None:
            await objects.destroy(session, object_id=template.photo_object_id, now=now)
            template.photo_object_id = None
            destroyed += 1
            audit.record(
                session, at=now, actor=actor, action="photo.destroyed", object_kind="person",
                object_id=template.person_id, estate_id=template.estate_id, reason=reason, template=str(template.id),
            )  # fmt: skip
    return destroyed


def photo_digest(vault: Vault, photo: bytes) -> bytes:
    """What a photograph is recognised by when it comes again; without the key it tells nothing."""
    return vault.index("enrolment-photo", hashlib.sha256(photo).hexdigest())


def content_type(photo: bytes) -> str:
    """The media type by the picture's own header."""
    header = read_header(photo)
    return f"image/{header.format.value}" if header is not None else "application/octet-stream"


async def judge(engine: Engine, photo: bytes) -> Verdict:
    """Whether a photograph is good enough, with every remark on it."""
    try:
        analysis = await inspect(engine, photo)
    except UnusablePicture as unusable:
        return Verdict(False, (unusable.reason,), None)
    return verdict(analysis.faces, analysis.picture)


async def _store(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    person_id: uuid.UUID,
    face: Face,
    engine: Engine,
    vault: Vault,
    object_id: uuid.UUID | None,
    digest: bytes,
    now: datetime,
) -> FaceTemplate:
    template_id = new_id()
    key = await vault.subject_key(session, estate_id=estate_id, subject_id=person_id, now=now)
    place = template_place(estate_id=estate_id, person_id=person_id, engine=engine.engine_id, template_id=template_id)
    template = FaceTemplate(
        id=template_id, estate_id=estate_id, person_id=person_id, engine=engine.engine_id,
        model_hash=engine.model_hash, sealed=seal_vector(key, face.embedding, place=place),
        quality={
            "eye_distance": round(face.quality.eye_distance, 1), "yaw": round(face.quality.yaw, 3),
            "brightness": round(face.quality.brightness, 1), "contrast": round(face.quality.contrast, 1),
            "sharpness": round(face.quality.sharpness, 1), "norm": round(face.norm, 2), "score": round(face.score, 3),
        },
        photo_object_id=object_id, photo_digest=digest, created_at=now,
    )  # fmt: skip
    session.add(template)
    await session.flush()
    return template
