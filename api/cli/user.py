"""`ruhu user`."""

import secrets
import sys

import click

from api.cli.common import json_option, open_house, run_async, write_json
from inspection.users.models import ScopeLevel, UserRole


@click.group()
def user() -> None:
    """用户 / Users."""


@user.command()
@click.argument("login")
@click.option("--name", required=True, help="姓名 / name.")
@click.option("--role", type=click.Choice([str(role) for role in UserRole]), required=True)
@click.option("--level", type=click.Choice([str(level) for level in ScopeLevel]), default="all", show_default=True)
@click.option("--code", default="", help="区划代码或小区编号 / division code or estate id.")
@click.option("--certificate", default=None, help="执法证号 / law-enforcement certificate number.")
@click.option("--password-stdin", is_flag=True, help="从标准输入读取密码 / read the password from standard input.")
@json_option
@run_async
async def add(
    login: str, name: str, role: str, level: str, code: str, certificate: str | None, password_stdin: bool,
    json_to: str | None,
) -> None:  # fmt: skip
    """新建用户 / Adds a user with one role. Without --password-stdin a password is made and shown once.

    Once there are two administrators the role waits until one of them confirms it.
    """
    import msgspec

    from inspection.users import proposals, service
    from inspection.users.hashing import PasswordHashing
    from inspection.users.models import ProposalKind
    from inspection.users.proposals import Asked
    from inspection.users.schemas import UserInput
    from storage.audit.service import Actor
    from storage.database import EstateScope, Role

    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(15)
    try:
        data = msgspec.convert(
            {"login": login, "name": name, "password": password, "certificate_number": certificate,
             "grants": [{"role": role, "level": level, "code": code}]},
            UserInput,
        )  # fmt: skip
    except msgspec.ValidationError as error:
        raise click.BadParameter(str(error)) from None
    async with open_house() as house:
        password_hash = await PasswordHashing(house.settings.sign_in).hash(data.password)
        now, console = house.clock.now(), Actor.system("cli")
        async with house.database.transaction(Role.APP, EstateScope(())) as session:
            made = await service.create_user(
                session, data=data, password_hash=password_hash, own=None, actor=console, now=now
            )
            asked = Asked(ProposalKind.GRANT, made.id, "ruhu user add", grant=data.grants[0])
            proposal = await proposals.propose(session, asked=asked, own=None, actor=console, now=now)
    if json_to is not None:
        made_password = {} if password_stdin else {"password": password}
        waiting = {} if proposal is None else {"proposal": proposal.id}
        write_json({"id": made.id, "login": login} | made_password | waiting, json_to)
        return
    click.echo(f"已创建 / created: {login}")
    if proposal is not None:
        click.echo("角色须由一名管理员在系统中确认 / the role waits for an administrator to confirm it")
    if not password_stdin:
        click.echo(f"密码（仅显示一次）/ password (shown once): {password}")


@user.command()
@click.argument("login")
@click.option("--reason", required=True, help="原因与批准文号 / why, and who approved it; kept in the audit log.")
@json_option
@run_async
async def recover(login: str, reason: str, json_to: str | None) -> None:
    """管理员无法登录时在本机恢复 / A way back for an administrator who lost the password or the second factor.

    Takes the second factor away, makes a password for one log-in, ends all log-ins. Everybody else is helped by an
    administrator. The sealed audit log shows it to every auditor.
    """
    from inspection.users import factors, passwords, queries
    from inspection.users.hashing import PasswordHashing
    from storage.audit.service import Actor
    from storage.database import EstateScope, Role
    from storage.problems import Forbidden

    if not reason.strip():
        raise click.BadParameter("请写明原因 / give a reason", param_hint="--reason")
    password = passwords.temporary_password()
    async with open_house() as house:
        password_hash = await PasswordHashing(house.settings.sign_in).hash(password)
        now, console = house.clock.now(), Actor.system("cli")
        async with house.database.transaction(Role.APP, EstateScope(())) as session:
            found = await queries.by_login(session, login)
            mine = {UserRole.ADMINISTRATOR}
            if (
                found is None
                or found.disabled_at is not None
                or not await queries.standing_grants(session, found.id, roles=mine)
            ):
                raise Forbidden(
                    "只用于未停用的管理员；其他用户由管理员重置",
                    "Only for an administrator who is not disabled; others are helped by an administrator",
                )
            if await factors.standing(session, user_id=found.id) is not None:
                await factors.reset(session, user_id=found.id, actor=console, reason=reason, now=now)
            await passwords.reset(
                session, user_id=found.id, password_hash=password_hash, actor=console, reason=reason, now=now
            )
    if json_to is not None:
        write_json({"login": login, "password": password}, json_to)
        return
    click.echo(f"密码（仅显示一次，登录后须更换）/ password (shown once, to be replaced at log-in): {password}")
