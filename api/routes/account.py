"""What people do about their own account: password and second factor."""

from litestar import get, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from api.access import UNFINISHED, Work, requires, second_factor_needed
from api.sign_in import check_password, counted
from inspection.users import factors, passwords
from inspection.users.errors import SamePassword
from inspection.users.factors import Owner
from inspection.users.models import User, UserRole
from inspection.users.schemas import (
    CodeInput,
    Ended,
    FactorInput,
    FactorSecret,
    FactorView,
    PasswordChange,
    RecoveryCodes,
)
from storage.problems import NotFound

EVERYBODY = requires(*UserRole)


@post(
    "/api/v1/me/password", guards=[EVERYBODY], status_code=HTTP_200_OK, tags=["session"],
    operation_id="changePassword", summary="修改密码 / Change my password", opt=UNFINISHED,
)  # fmt: skip
async def change_password(data: JSONBody[PasswordChange], work: Work) -> Ended:
    """Replaces the caller's password; their other log-ins end."""
    passwords.check(data.new_password, login=work.caller.login, name=work.caller.name)
    async with counted(work) as session:
        await check_password(session, work, data.current_password)
        if data.new_password == data.current_password:
            raise SamePassword
        password_hash = await work.context.hashing.hash(data.new_password)
        ended = await passwords.change(
            session, user_id=work.caller.user_id, family_id=work.caller.family_id, password_hash=password_hash,
            now=work.now,
        )  # fmt: skip
    return Ended(ended=ended)


@get(
    "/api/v1/me/second-factor", guards=[EVERYBODY], tags=["session"], operation_id="getSecondFactor",
    summary="双因素验证状态 / My second factor", opt=UNFINISHED,
)  # fmt: skip
async def get_second_factor(work: Work) -> FactorView:
    """Whether there is one, and whether there has to be."""
    async with work.transaction() as session:
        needed = second_factor_needed(work.context, work.caller.roles)
        return await factors.view(session, user_id=work.caller.user_id, needed=needed)


@post(
    "/api/v1/me/second-factor", guards=[EVERYBODY], status_code=HTTP_200_OK, tags=["session"],
    operation_id="beginSecondFactor", summary="设置双因素验证 / Set up a second factor", opt=UNFINISHED,
)  # fmt: skip
async def begin_second_factor(data: JSONBody[FactorInput], work: Work) -> FactorSecret:
    """A fresh secret for a generator, shown once; it counts when a code confirms it."""
    async with counted(work) as session:
        await check_password(session, work, data.current_password)
        user = await session.get(User, work.caller.user_id)
        if user is None:
            raise NotFound
        return await factors.begin(session, user=user, code=data.code, vault=work.context.vault, now=work.now)


@post(
    "/api/v1/me/second-factor/confirm", guards=[EVERYBODY], status_code=HTTP_200_OK, tags=["session"],
    operation_id="confirmSecondFactor", summary="确认双因素验证 / Confirm the second factor", opt=UNFINISHED,
)  # fmt: skip
async def confirm_second_factor(data: JSONBody[CodeInput], work: Work) -> RecoveryCodes:
    """From now on every log-in asks for a code; recovery codes are shown once, other log-ins end."""
    owner = Owner(work.caller.user_id, work.caller.family_id)
    async with counted(work) as session:
        return await factors.confirm(session, owner=owner, code=data.code, vault=work.context.vault, now=work.now)


@post(
    "/api/v1/me/second-factor/recovery-codes", guards=[EVERYBODY], status_code=HTTP_200_OK, tags=["session"],
    operation_id="renewRecoveryCodes", summary="重新生成恢复码 / Fresh recovery codes",
)  # fmt: skip
async def renew_recovery_codes(data: JSONBody[CodeInput], work: Work) -> RecoveryCodes:
    """Fresh recovery codes; the older ones are no longer good."""
    async with counted(work) as session:
        return await factors.renew_recovery_codes(
            session, user_id=work.caller.user_id, code=data.code, vault=work.context.vault, now=work.now
        )


handlers = [change_password, get_second_factor, begin_second_factor, confirm_second_factor, renew_recovery_codes]
