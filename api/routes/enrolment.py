"""Faces of registered people: enrolled from a photo, listed without what they are made of, destroyed."""

import uuid
from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath, QueryParameter

from api.access import Work, requires
from api.raw_bodies import picture_body
from gate_integration.enrolment import service
from gate_integration.enrolment.errors import PhotoRefused
from gate_integration.enrolment.schemas import (
    EnrolmentView,
    TemplateView,
    enrolment_view,
    reason_views,
    template_view,
)
from inspection.users.models import UserRole

DOOR = requires(UserRole.INSPECTOR, UserRole.MANAGER)
READERS = requires(UserRole.INSPECTOR, UserRole.MANAGER, UserRole.AUDITOR)


@post(
    "/api/v1/people/{person_id:uuid}/faces", guards=[DOOR], tags=["enrolment"], operation_id="enrolFace",
    summary="采集人脸 / Enrol a face", operation_class=picture_body(),
)  # fmt: skip
async def enrol_face(person_id: FromPath[uuid.UUID], request: Request[Any, Any, Any], work: Work) -> EnrolmentView:
    """Makes a template of a photo (the body), if the person has consented and the photo is good enough.

    A refused photo answers `photo-refused` with every reason in `extra.reasons`, so that one retake is enough.
    """
    photo = await request.body()
    async with work.transaction() as session:
        result = await service.enrol(
            session, person_id=person_id, photo=photo, actor=work.actor, now=work.now, engine=work.context.engine,
            vault=work.context.vault, objects=work.context.objects,
        )  # fmt: skip
    # Raised after the commit: the attempt stands in the audit log.
    if result.template_id is None:
        raise PhotoRefused(
            "；".join(reason.zh for reason in result.reasons),
            "; ".join(reason.en for reason in result.reasons),
            reasons=msgspec.to_builtins(reason_views(result.reasons)),
        )
    return enrolment_view(result, result.template_id)


@get(
    "/api/v1/people/{person_id:uuid}/faces", guards=[READERS], tags=["enrolment"], operation_id="listFaces",
    summary="人脸模板列表 / List a person's templates",
)  # fmt: skip
async def list_faces(person_id: FromPath[uuid.UUID], work: Work) -> list[TemplateView]:
    """The standing templates of a person: when, by which engine, how good. Never a vector."""
    async with work.transaction() as session:
        return [template_view(row) for row in await service.templates_of(session, person_id=person_id)]


@delete(
    "/api/v1/people/{person_id:uuid}/faces/{template_id:uuid}", guards=[DOOR], tags=["enrolment"],
    operation_id="destroyFace", summary="销毁人脸模板 / Destroy a template",
)  # fmt: skip
async def destroy_face(
    person_id: FromPath[uuid.UUID],
    template_id: FromPath[uuid.UUID],
    work: Work,
    reason: Annotated[str, QueryParameter(min_length=2, max_length=1000, description="销毁理由 / why")],
) -> None:
    """Destroys a template and its photo; doing it again changes nothing."""
    async with work.transaction() as session:
        await service.destroy_template(
            session, person_id=person_id, template_id=template_id, reason=reason, actor=work.actor,
            objects=work.context.objects, now=work.now,
        )  # fmt: skip


handlers = [enrol_face, list_faces, destroy_face]
