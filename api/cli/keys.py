"""`ruhu keys`."""

import uuid
from dataclasses import asdict

import click

from api.cli.common import json_option, open_house, run_async, write_json


@click.group()
def keys() -> None:
    """密钥 / The keys, and replacing them; see docs/decisions/0012-keys.md."""


@keys.command()
@json_option
@run_async
async def status(json_to: str | None) -> None:
    """有哪些密钥，轮换是否完成 / Which keys there are, and whether a rotation is unfinished."""
    from api.keys import status as ask

    async with open_house() as house:
        found = await ask(house)
    if json_to is not None:
        write_json(asdict(found), json_to)
        return
    states = {"current": "现用 / current", "older": "旧 / older", "coming": "待用 / coming"}
    for one in found.master:
        click.echo(
            f"主密钥 / master key {one.key_id}  {states[one.state]}  保护 {one.wraps} 个密钥 / wraps {one.wraps}"
        )
    if found.unnamed:
        click.echo(f"首版格式，未注明主密钥 / of the first format, naming no master key: {found.unnamed}")
    if not found.finished and len(found.master) > 1:
        click.echo("主密钥轮换未完成，请再次运行 rotate-master / unfinished: run rotate-master again")
    click.echo(f"小区密钥 / keys of estates: {found.estates}")
    for line in found.rotating:
        click.echo(
            f"  {line.estate_id} 旧密钥 / retired: {', '.join(line.retired)}"
            f"; 待重新保护 / to be wrapped anew: {line.waiting}"
        )
    for derived in found.derived:
        retired = f"  停用 / retired {derived.retired_at:%Y-%m-%d %H:%M}" if derived.retired_at else ""
        click.echo(f"{derived.name} v{derived.version}  {derived.created_at:%Y-%m-%d}{retired}")


@keys.command("rotate-master")
@click.option(
    "--prepare", is_flag=True,
    help="只写入待用密钥，供分发到各主机 / only put the coming key into the file, to be carried to every machine.",
)  # fmt: skip
@json_option
@run_async
async def rotate_master(prepare: bool, json_to: str | None) -> None:
    """更换主密钥；中断后再次运行即继续 / A new master key; run again to go on after an interruption."""
    from storage.audit.service import Actor
    from storage.vault import rotation

    async with open_house() as house:
        if prepare:
            await rotation.prepare_master(house.database, vault=house.vault)
            made, done = False, 0
        else:
            made, done = await rotation.rotate_master(
                house.database, vault=house.vault, actor=Actor.system("cli"), now=house.clock.now()
            )
        file = house.settings.master_key_file
    if json_to is not None:
        write_json({"prepared": prepare, "made": made, "wrapped_anew": done, "file": str(file)}, json_to)
    elif prepare:
        click.echo(f"待用密钥已写入 {file}；请复制到各主机后运行 rotate-master")
        click.echo(f"The coming key is in {file}: carry the file to every machine, then run rotate-master")
    else:
        click.echo(
            "已启用新主密钥 / a new master key is in use" if made else "继续未完成的轮换 / went on with a rotation"
        )
        click.echo(f"重新保护 / wrapped anew: {done}")
        click.echo(f"请立即备份 {file}，确认后运行 prune / back the file up now, then run prune")


@keys.command("rotate-estate")
@click.argument("estate", type=click.UUID)
@json_option
@run_async
async def rotate_estate(estate: uuid.UUID, json_to: str | None) -> None:
    """更换一个小区的密钥 / A new key for an estate."""
    from api.keys import rotate_estate as rotate
    from storage.audit.service import Actor

    async with open_house() as house:
        done = await rotate(house, estate_id=estate, actor=Actor.system("cli"))
    if json_to is not None:
        write_json({"estate_id": str(estate), "wrapped_anew": done}, json_to)
    else:
        click.echo(f"重新保护 / wrapped anew: {done}")


@keys.command("rotate-token")
@click.option(
    "--at-once", is_flag=True,
    help="旧密钥已泄露：旧令牌立即失效，登录不受影响 / the old key became known: its tokens count no longer.",
)  # fmt: skip
@json_option
@run_async
async def rotate_token(at_once: bool, json_to: str | None) -> None:
    """更换访问令牌的签名密钥，无人被登出 / A new key signs access tokens; nobody is logged out."""
    from api.keys import rotate_tokens
    from storage.audit.service import Actor

    async with open_house() as house:
        version = await rotate_tokens(house, at_once=at_once, actor=Actor.system("cli"))
    if json_to is not None:
        write_json({"version": version, "at_once": at_once}, json_to)
    else:
        click.echo(f"签名密钥 / signing key: v{version}")


@keys.command()
@json_option
@run_async
async def prune(json_to: str | None) -> None:
    """删除不再需要的旧密钥 / Removes older keys that nothing needs.

    A backup from before the rotation needs the old master key: keep a copy of the old file with it, or make a new one.
    """
    from api.keys import prune as remove
    from storage.audit.service import Actor

    async with open_house() as house:
        gone = await remove(house, actor=Actor.system("cli"))
    if json_to is not None:
        write_json(asdict(gone), json_to)
        return
    click.echo(
        f"已删除 / removed: 主密钥 / master {gone.master}, 小区 / estates {gone.estates}, 签名 / signing {gone.tokens}"
    )
    if gone.waiting:
        click.echo(f"仍需保留的小区旧密钥 / retired keys of estates that stay for now: {gone.waiting}")
