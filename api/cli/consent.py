"""`ruhu consent`."""

import uuid
from datetime import datetime

import click

from api.cli.common import json_option, open_house, run_async, write_json
from inspection.registry.consents.models import ConsentScope


@click.group()
def consent() -> None:
    """同意 / Consents."""


@consent.command()
@click.argument("person", type=click.UUID)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([str(scope) for scope in ConsentScope]),
    multiple=True,
    required=True,
    help="同意的范围，可多次 / scope, repeatable.",
)
@click.option("--notice", required=True, help="告知书版本 / version of the notice that was given.")
@click.option("--channel", type=click.Choice(["paper", "counter", "door", "phone_app", "voice"]), default="paper")
@click.option("--guardian", type=click.UUID, default=None, help="监护人编号（未满14周岁） / guardian, under 14.")
@click.option("--to", "valid_to", type=click.DateTime(["%Y-%m-%d"]), default=None, help="截止日 / last day.")
@json_option
@run_async
async def add(
    person: uuid.UUID,
    scopes: tuple[str, ...],
    notice: str,
    channel: str,
    guardian: uuid.UUID | None,
    valid_to: datetime | None,
    json_to: str | None,
) -> None:
    """登记同意 / Records a person's consent, scope by scope."""
    from inspection.registry.consents.service import Channel, give
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = await give(
            session,
            person_id=person,
            scopes=[ConsentScope(scope) for scope in scopes],
            notice_version=notice,
            channel=Channel(channel),
            guardian_id=guardian,
            valid_to=valid_to.date() if valid_to else None,
            actor=Actor.system("cli"),
            now=house.clock.now(),
        )
        given = [row.scope for row in rows]
    if json_to is not None:
        write_json({"person": person, "given": given}, json_to)
        return
    click.echo(f"已登记 / recorded: {', '.join(given)}")


@consent.command()
@json_option
@run_async
async def expire(json_to: str | None) -> None:
    """终止到期的同意与依据 / Ends consents and bases whose last day is over, as the worker does every hour."""
    from dataclasses import asdict

    from inspection.registry.consents import jobs
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        ended = asdict(await jobs.expire(session, house.clock.now()))
    if json_to is not None:
        write_json(ended, json_to)
        return
    click.echo("已终止 / ended: " + ", ".join(f"{name} {count}" for name, count in ended.items()))


@consent.command("list")
@click.argument("person", type=click.UUID)
@json_option
@run_async
async def list_(person: uuid.UUID, json_to: str | None) -> None:
    """同意记录 / Lists a person's consents."""
    import msgspec

    from inspection.registry.consents.schemas import ConsentView
    from inspection.registry.consents.service import list_consents
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        now = house.clock.now()
        views = [ConsentView.of(row, now=now) for row in await list_consents(session, person_id=person)]
    if json_to is not None:
        write_json(msgspec.to_builtins(views), json_to)
        return
    for view in views:
        state = "有效 / stands" if view.stands else f"已终止 / ended ({view.ended_reason})"
        click.echo(f"{view.id}  {view.scope}  {view.notice_version}  {view.given_at:%Y-%m-%d}  {state}")


@consent.command()
@click.argument("person", type=click.UUID)
@click.option(
    "--scope", "scopes", type=click.Choice([str(scope) for scope in ConsentScope]), multiple=True,
    help="撤回的范围，可多次；省略即全部 / scope, repeatable; all when left out.",
)  # fmt: skip
@click.option("--reason", default="本人要求", show_default=True, help="原因 / why.")
@json_option
@run_async
async def withdraw(person: uuid.UUID, scopes: tuple[str, ...], reason: str, json_to: str | None) -> None:
    """撤回同意 / Withdraws a person's consent; what rests on it is destroyed by the next job run."""
    from inspection.registry.consents.service import withdraw_all
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    wanted = [ConsentScope(scope) for scope in scopes] or list(ConsentScope)
    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        ended = await withdraw_all(
            session, person_id=person, scopes=wanted, reason=reason, actor=Actor.system("cli"), now=house.clock.now()
        )
    found = [row.scope for row in ended]
    if json_to is not None:
        write_json({"person": person, "withdrawn": found}, json_to)
        return
    click.echo(f"已撤回 / withdrawn: {', '.join(found) or '无 / none stood'}")
