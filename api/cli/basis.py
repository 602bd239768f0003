"""`ruhu basis`."""

import uuid
from datetime import datetime

import click

from api.cli.common import json_option, open_house, run_async, write_json
from inspection.registry.consents.models import Purpose

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def basis() -> None:
    """处理依据 / Legal bases of processing."""


@basis.command()
@click.option("--estate", type=click.UUID, required=True, help="小区编号 / estate id.")
@click.option("--purpose", type=click.Choice([str(purpose) for purpose in Purpose]), required=True)
@click.option("--legal-basis", required=True, help="法律依据 / legal ground.")
@click.option("--assessment", required=True, help="影响评估编号 / number of the impact assessment.")
@click.option("--assessed-on", type=DAY, required=True, help="评估日期 / its date.")
@click.option("--notice", required=True, help="告知书版本 / version of the notice.")
@click.option("--signed-by", required=True, help="签署人 / who signed.")
@click.option("--from", "valid_from", type=DAY, required=True, help="生效日 / first day.")
@click.option("--to", "valid_to", type=DAY, required=True, help="截止日 / last day.")
@json_option
@run_async
async def add(
    estate: uuid.UUID, purpose: str, legal_basis: str, assessment: str, assessed_on: datetime, notice: str,
    signed_by: str, valid_from: datetime, valid_to: datetime, json_to: str | None,
) -> None:  # fmt: skip
    """登记处理依据 / Records a basis: it turns a purpose on for an estate."""
    from inspection.registry.consents.basis import NewBasis, record_basis
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        row = await record_basis(
            session,
            estate_id=estate,
            basis=NewBasis(
                purpose=Purpose(purpose), legal_basis=legal_basis, assessment_number=assessment,
                assessment_date=assessed_on.date(), notice_version=notice, signed_by=signed_by,
                valid_from=valid_from.date(), valid_to=valid_to.date(),
            ),
            actor=Actor.system("cli"),
            now=house.clock.now(),
        )  # fmt: skip
    if json_to is not None:
        write_json({"id": row.id, "estate": estate, "purpose": purpose}, json_to)
        return
    click.echo(f"已登记 / recorded: {row.id}")


@basis.command("list")
@click.option("--estate", type=click.UUID, required=True, help="小区编号 / estate id.")
@json_option
@run_async
async def list_(estate: uuid.UUID, json_to: str | None) -> None:
    """处理依据列表 / Lists the bases of an estate."""
    import msgspec

    from inspection.registry.consents.basis import list_bases
    from inspection.registry.consents.schemas import BasisView
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        now = house.clock.now()
        views = [BasisView.of(row, now=now) for row in await list_bases(session, estate_id=estate)]
    if json_to is not None:
        write_json(msgspec.to_builtins(views), json_to)
        return
    for view in views:
        state = "有效 / in force" if view.in_force else "无效 / not in force"
        click.echo(f"{view.id}  {view.purpose}  {view.valid_from}–{view.valid_to}  {view.notice_version}  {state}")


@basis.command()
@click.argument("basis_id", type=click.UUID)
@click.option("--reason", required=True, help="原因 / why.")
@run_async
async def withdraw(basis_id: uuid.UUID, reason: str) -> None:
    """终止处理依据 / Ends a basis at once."""
    from inspection.registry.consents.basis import withdraw_basis
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await withdraw_basis(
            session, basis_id=basis_id, reason=reason, actor=Actor.system("cli"), now=house.clock.now()
        )
    click.echo(f"已终止 / withdrawn: {basis_id}")
