"""How many people's faces are stored over all estates, and what was filed about it."""

from litestar import get, post
from litestar.params import JSONBody

from api.access import Work, requires
from inspection.filing import service
from inspection.filing.schemas import FilingInput, FilingView, StandingView
from inspection.users.models import UserRole


@get(
    "/api/v1/enrolled-people", guards=[requires(UserRole.MANAGER, UserRole.ADMINISTRATOR, UserRole.AUDITOR)],
    tags=["rights"], operation_id="countEnrolledPeople", summary="人脸信息存储人数 / How many faces are stored",
)  # fmt: skip
async def enrolled_people(work: Work) -> StandingView:
    """The count of every day, a warning near the number that obliges to file, and until when to file.

    One human registered in several estates counts once (人脸识别技术应用安全管理办法 15).
    """
    async with work.transaction() as session:
        return StandingView.of(await service.standing(session, now=work.now))


@post(
    "/api/v1/enrolled-people/filings", guards=[requires(UserRole.ADMINISTRATOR)], tags=["rights"],
    operation_id="recordFiling", summary="登记备案 / Record a filing",
)  # fmt: skip
async def record_filing(data: JSONBody[FilingInput], work: Work) -> FilingView:
    """Notes what was filed with the authority, its number and day."""
    async with work.transaction() as session:
        row = await service.file(
            session, kind=data.kind, number=data.number, filed_on=data.filed_on, actor=work.actor, now=work.now
        )
    return FilingView.of(row)


handlers = [enrolled_people, record_filing]
