"""`ruhu document`."""

import click

from api.cli.common import json_option, open_house, run_async, write_json


@click.group()
def document() -> None:
    """文书 / Documents and who issues them."""


@document.group()
def authority() -> None:
    """发文机关 / Issuing authorities."""


@authority.command("set")
@click.option("--division", required=True, help="行政区划代码（6、9或12位） / division code.")
@click.option("--name", required=True, help="机关名称 / its name.")
@click.option("--designator", required=True, help="机关代字，如 明住保 / the characters of its numbers.")
@click.option("--address", help="地址 / its address.")
@click.option("--phone", help="电话 / its telephone.")
@click.option("--review-body", help="行政复议机关 / where reconsideration is asked for.")
@click.option("--court", help="管辖法院 / where it is sued.")
@json_option
@run_async
async def set_(json_to: str | None, division: str, **given: str | None) -> None:
    """设置发文机关 / Sets the authority of a division, or changes it."""
    import msgspec

    from inspection.documents import authorities
    from inspection.documents.schemas import AuthorityInput, AuthorityView
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    told = {"division_code": division} | {name: value for name, value in given.items() if value}
    try:
        data = msgspec.convert(told, AuthorityInput)
    except msgspec.ValidationError as error:
        raise click.BadParameter(str(error)) from None
    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        row = await authorities.put(session, data=data, actor=Actor.system("cli"), now=house.clock.now())
        view = AuthorityView.of(row)
    if json_to is not None:
        write_json(msgspec.to_builtins(view), json_to)
        return
    click.echo(f"已设置 / set: {view.division_code}  {view.name}  {view.designator}")


@authority.command("list")
@json_option
@run_async
async def list_(json_to: str | None) -> None:
    """发文机关列表 / Lists the authorities."""
    import msgspec

    from inspection.documents import queries
    from inspection.documents.schemas import AuthorityView
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        views = [AuthorityView.of(row) for row in await queries.authorities(session, after=None, limit=10_000)]
    if json_to is not None:
        write_json(msgspec.to_builtins(views), json_to)
        return
    for view in views:
        click.echo(f"{view.division_code}  {view.designator}  {view.name}")
    if not views:
        click.echo("尚未设置 / none is set")
