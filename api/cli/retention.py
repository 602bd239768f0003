"""`ruhu retention`."""

import sys
from datetime import datetime

import click

from api.cli.common import json_option, open_house, run_async, write_json

EXIT_NOT_PROVEN = 4


@click.group()
def retention() -> None:
    """保存期限 / What is kept how long."""


@retention.command()
@click.option("--class", "code", default=None, metavar="CODE", help="只处理一个类别 / one class alone.")
@json_option
@run_async
async def run(code: str | None, json_to: str | None) -> None:
    """删除到期数据并出具证明 / Deletes what is due, and proves it.

    Exit code 4: something due is still there and nothing holds it, or a class could not be finished.
    """
    import msgspec

    from api.retention import retention_plan
    from storage.audit.service import Actor
    from storage.retention.classes import Tools
    from storage.retention.reading import RunView
    from storage.retention.run import run_all

    async with open_house() as house:
        plan = retention_plan(house.objects)
        known = [one.described.code for one in plan.classes]
        if code is not None and code not in known:
            raise click.UsageError(f"没有此类别 / no such class: {code}; {', '.join(known)}")
        found = await run_all(
            house.database, plan=plan, tools=Tools(house.vault, house.objects), now=house.clock.now(),
            actor=Actor.system("cli"), only=code,
        )  # fmt: skip
    views = [RunView.of(one) for one in found]
    if json_to is not None:
        write_json(msgspec.to_builtins(views), json_to)
    else:
        for view in views:
            click.echo(line(view))
        busy = len(known if code is None else [code]) - len(views)
        if busy:
            click.echo(f"另一进程正在处理 {busy} 个类别 / {busy} classes are another process's at the moment", err=True)
    if not all(view.proven for view in views):
        sys.exit(EXIT_NOT_PROVEN)


@retention.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--class", "code", default=None, metavar="CODE", help="只看一个类别 / one class alone.")
@json_option
@run_async
async def report(limit: int, code: str | None, json_to: str | None) -> None:
    """期限与最近的删除证明 / The periods, and the newest proofs."""
    import msgspec

    from api.retention import retention_plan
    from storage.database import Role, SystemScope
    from storage.retention import reading

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        known = retention_plan(house.objects).classes
        classes = await reading.classes(session, known=known, division_code="", now=house.clock.now())
        runs = await reading.runs(session, class_code=code, before=None, limit=limit)
    if json_to is not None:
        write_json({"classes": msgspec.to_builtins(classes), "runs": msgspec.to_builtins(runs)}, json_to)
        return
    for one in classes:
        change = f" → {one.next_change.amount} ({one.next_change.effective_from})" if one.next_change else ""
        click.echo(f"{one.code:22} {one.amount:5} {one.unit:12}{change}  {one.title_zh} / {one.title_en}")
    for view in runs:
        click.echo(line(view))
    if not runs:
        click.echo("尚无删除记录 / nothing has been deleted yet")


@retention.command("set")
@click.argument("code")
@click.argument("amount", type=click.IntRange(0, 36500))
@click.option("--jurisdiction", required=True, help="行政区划代码 / division code, two digits or more.")
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), required=True, help="生效日 / first day.")
@click.option("--source", required=True, help="依据 / where the period comes from.")
@run_async
async def set_(code: str, amount: int, jurisdiction: str, since: datetime, source: str) -> None:
    """为一个地区公布保存期限 / Publishes a period for a division; below the law's minimum it is refused."""
    import asyncio

    from api.retention import publish_period, retention_plan

    async with open_house() as house:
        known = {one.described.code: one.described.rule for one in retention_plan(house.objects).classes}
        if code not in known:
            raise click.UsageError(f"没有此类别 / no such class: {code}; {', '.join(known)}")
        version = await asyncio.to_thread(
            publish_period, house.urls, rule=known[code], amount=amount, jurisdiction=jurisdiction,
            effective_from=since.date(), source=source, now=house.clock.now(),
        )  # fmt: skip
    click.echo(f"已公布 / published: {jurisdiction}/{version} {code} = {amount}")


def line(view: object) -> str:
    """A run in one line."""
    from storage.retention.reading import RunView

    assert isinstance(view, RunView)  # noqa: S101 - the import is lazy
    state = "已证明 / proven" if view.proven else f"未证明 / not proven: {view.error or view.remaining}"
    return (
        f"{view.started_at:%Y-%m-%d %H:%M} {view.class_code:22} {view.rows} 行 {view.objects} 件 {view.bytes} B"
        f"  保全 / held {view.held}  {state}"
    )
