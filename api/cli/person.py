"""`ruhu person`."""

import sys
import uuid

import click

from api.cli.common import EXIT_PROBLEM, json_option, open_house, run_async, write_json


@click.group()
def person() -> None:
    """个人权利 / Rights of the person: report, erasure, the erasure ledger."""


@person.command()
@click.argument("person_id", type=click.UUID)
@click.option("--paper", required=True, help="申请材料编号 / number of the paper it was asked by.")
@click.option("--identified-by", required=True, help="如何核实身份 / how it was made sure who asks.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@json_option
@run_async
async def report(person_id: uuid.UUID, paper: str, identified_by: str, language: str, json_to: str | None) -> None:
    """个人信息处理情况报告 / Tells what is held of a person, who looked and why; noted in the audit log."""
    import msgspec

    from api.wiring import make_ports
    from inspection.rights.report import access_report
    from inspection.rights.schemas import Asking
    from storage.audit.service import Actor
    from storage.clock import local_day
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        now = house.clock.now()
        asking = Asking(asked_on=local_day(now), identified_by=identified_by, paper_number=paper)
        found = await access_report(
            session, person_id=person_id, asking=asking, gate=make_ports().holdings, actor=Actor.system("cli"), now=now
        )
    if json_to is not None:
        write_json(msgspec.to_builtins(found), json_to)
        return
    click.echo(found.text_zh if language == "zh" else found.text_en, nl=False)


@person.command()
@json_option
@run_async
async def erase(json_to: str | None) -> None:
    """执行已批准的删除 / Carries out what two managers have asked for and granted, as the worker does every hour."""
    from dataclasses import asdict

    from api.erasure import Erasure

    async with open_house() as house:
        done = asdict(await Erasure.of(house).carry_out())
    if json_to is not None:
        write_json(done, json_to)
        return
    click.echo(f"已删除 / erased: {done['erased']}, 暂无变化 / unchanged: {done['unchanged']}")


@person.command()
@json_option
@run_async
async def replay(json_to: str | None) -> None:
    """重放删除台账 / Erases again whom a restore brought back; until then nothing is served."""
    from api.erasure import Erasure, told

    async with open_house() as house:
        done = await Erasure.of(house).replay()
    if json_to is not None:
        write_json(told(done), json_to)
    else:
        click.echo(f"台账 / ledger: {done.entries}, 再次删除 / erased again: {done.erased}")
        _name(done.damage)
    if done.damage:
        sys.exit(EXIT_PROBLEM)


@person.command()
@json_option
@run_async
async def ledger(json_to: str | None) -> None:
    """核对删除台账 / Checks both copies of the erasure ledger; names every line that was changed or is missing."""
    from dataclasses import asdict

    from api.erasure import Erasure

    async with open_house() as house:
        found = await Erasure.of(house).ledger.read()
    if json_to is not None:
        write_json({"lines": found.lines, "damage": [asdict(one) for one in found.damage]}, json_to)
    else:
        click.echo(f"行数 / lines: {found.lines}")
        _name(found.damage)
    if found.damage:
        sys.exit(EXIT_PROBLEM)


def _name(damage: object) -> None:
    for one in damage:  # type: ignore[attr-defined]  # a tuple of Damage, imported lazily
        click.echo(f"损坏 / damaged: {one.copy} 第{one.seq}行 / line {one.seq}: {one.code}", err=True)
