"""`ruhu gate`."""

import uuid
from pathlib import Path

import click

from api.cli.common import json_option, open_house, run_async, write_json


@click.group()
def gate() -> None:
    """门禁设备 / Gate devices."""


@gate.command()
@click.argument("serial")
@click.option("--estate", type=click.UUID, required=True, help="小区编号 / estate id.")
@click.option("--name", required=True, help="名称 / name.")
@click.option("--mode", type=click.Choice(["identity", "snapshot"]), default="identity", show_default=True)
@click.option("--level", type=click.Choice(["estate", "building", "entrance", "unit"]), default="estate")
@click.option("--place", type=click.UUID, default=None, help="楼栋、单元或房源编号 / id of building, entrance or unit.")
@click.option("--direction", type=click.Choice(["in", "out", "both", "unknown"]), default="unknown")
@click.option("--vendor", type=click.Choice(["hikvision", "webhook"]), default="hikvision", show_default=True)
@json_option
@run_async
async def add(
    serial: str,
    estate: uuid.UUID,
    name: str,
    mode: str,
    level: str,
    place: uuid.UUID | None,
    direction: str,
    vendor: str,
    json_to: str | None,
) -> None:
    """添加设备 / Adds a Hikvision terminal or a signed webhook; prints the address, and a webhook's secret, once."""
    import msgspec

    from gate_integration.devices.schemas import DeviceInput
    from gate_integration.devices.service import add_device
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    told = {
        "estate_id": estate,
        "name": name,
        "vendor": vendor,
        "serial": serial,
        "capture_mode": mode,
        "level": level,
        "direction": direction,
    } | ({f"{level}_id": place} if place is not None and level != "estate" else {})
    try:
        data = msgspec.convert(told, DeviceInput)
    except msgspec.ValidationError as error:
        raise click.BadParameter(str(error)) from None
    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        made = await add_device(session, data=data, vault=house.vault, actor=Actor.system("cli"), now=house.clock.now())
    if json_to is not None:
        write_json({"id": made.device.id, "path": made.path, "token": made.token}, json_to)
        return
    click.echo(f"已添加 / added: {made.device.id}")
    if vendor == "webhook":
        click.echo(f"发送地址 / address to send to: {made.path}")
        click.echo(f"签名密钥（仅显示一次）/ signing secret (shown once): {made.token}")
        return
    click.echo(f"填入终端的地址（仅显示一次）/ address for the terminal (shown once): {made.path}")


@gate.command()
@json_option
@run_async
async def health(json_to: str | None) -> None:
    """设备状况 / How the devices are: last contact, outages, what waits, what could not be read."""
    import msgspec

    from gate_integration.devices import queries
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = await queries.health(session, now=house.clock.now(), after=None, limit=1000)
    if json_to is not None:
        write_json(msgspec.to_builtins(rows), json_to)
        return
    for row in rows:
        contact = f"{row.last_contact_at:%Y-%m-%d %H:%M}Z" if row.last_contact_at else "从未联系 / never heard of"
        silent = f"  离线自 / silent since {row.outage_since:%Y-%m-%d %H:%M}Z" if row.outage_since else ""
        click.echo(
            f"{row.device.name}  {contact}  待读 / waiting {row.pending}  问题 / problems {row.problems}{silent}"
        )
    if not rows:
        click.echo("没有设备 / no devices")


@gate.command()
@click.option("--device", type=click.UUID, default=None, help="设备编号 / all deliveries of a device.")
@click.option("--delivery", type=click.UUID, multiple=True, help="报文编号 / single deliveries.")
@json_option
@run_async
async def replay(device: uuid.UUID | None, delivery: tuple[uuid.UUID, ...], json_to: str | None) -> None:
    """重新读取已存报文 / Reads stored deliveries again with this release's parsers; nothing is doubled."""
    if device is None and not delivery:
        raise click.UsageError("--device 或 --delivery 至少给出一个 / name a device or deliveries")
    async with open_house() as house:
        from api.wiring import make_engine
        from gate_integration.intake.replay import replay as read_again
        from gate_integration.sightings.service import SightingService
        from storage.database import Role, SystemScope

        sighter = SightingService(engine=make_engine(house), vault=house.vault, objects=house.objects)
        async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
            result = await read_again(
                session, vault=house.vault, sighter=sighter, now=house.clock.now(), device_id=device,
                delivery_ids=delivery or None,
            )  # fmt: skip
    counts = {name: getattr(result, name) for name in ("deliveries", "events", "problems")}
    if json_to is not None:
        write_json(counts, json_to)
    else:
        click.echo("  ".join(f"{name}: {count}" for name, count in counts.items()))


@gate.command("webhook-secret")
@click.argument("device", type=click.UUID)
@click.option("--rotate", is_flag=True, help="换发密钥 / adds a secret; the one before stays good for a while.")
@click.option("--overlap-hours", type=click.IntRange(0, 720), default=24, show_default=True, help="旧密钥保留小时数.")
@click.option(
    "--public-key", default=None, metavar="whpk_…", help="发送方的 Ed25519 公钥 / the sender's, with --rotate."
)
@click.option("--revoke", "key_id", type=click.UUID, default=None, metavar="ID", help="立即吊销 / ends a key at once.")
@json_option
@run_async
async def webhook_secret(
    device: uuid.UUID, rotate: bool, overlap_hours: int, public_key: str | None, key_id: uuid.UUID | None,
    json_to: str | None,
) -> None:  # fmt: skip
    """Webhook 签名密钥 / Lists the signing keys of a webhook device, adds one, or revokes one."""
    import msgspec

    from gate_integration.webhook_keys import service
    from gate_integration.webhook_keys.schemas import WebhookKeyInput
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    if (rotate and key_id is not None) or (public_key is not None and not rotate):
        raise click.UsageError("--rotate 与 --revoke 只能选一个，--public-key 须与 --rotate 同用 / one at a time")
    actor, made = Actor.system("cli"), None
    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        now = house.clock.now()
        if rotate:
            data = WebhookKeyInput(public_key=public_key, overlap_hours=overlap_hours)
            made = await service.rotate(
                session, device_id=device, data=data, vault=house.vault, actor=actor, now=now
            )  # fmt: skip
        elif key_id is not None:
            await service.revoke(session, device_id=device, key_id=key_id, actor=actor, now=now)
        await session.flush()
        rows = await service.listed(session, device_id=device)
    if json_to is not None:
        secret = {"secret": made.secret, "path": made.path} if made is not None else {}
        write_json({"keys": msgspec.to_builtins(rows), **secret}, json_to)
        return
    if made is not None and made.secret is not None:
        click.echo(f"签名密钥（仅显示一次）/ signing secret (shown once): {made.secret}")
    for row in rows:
        until = f"{row.valid_until:%Y-%m-%d %H:%M}Z" if row.valid_until else "–"
        used = f"{row.last_used_at:%Y-%m-%d %H:%M}Z" if row.last_used_at else "–"
        state = "  已吊销 / revoked" if row.revoked_at else ""
        click.echo(f"{row.id}  {row.kind}  有效至 / until {until}  最近使用 / last used {used}{state}")
    if not rows:
        click.echo("没有密钥 / no keys")


@gate.command()
@click.argument("device", type=click.UUID)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@run_async
async def people(device: uuid.UUID, file: Path, json_to: str | None) -> None:
    """读入设备人员名单并给出对应建议 / Takes in a terminal's list and proposes; people confirm, in the application."""
    import msgspec

    from gate_integration.terminal_people import listing, queries, service
    from gate_integration.terminal_people.schemas import TerminalListView
    from storage.audit.service import Actor
    from storage.database import Role, SystemScope

    async with open_house() as house, house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        entries, skipped, columns = await service.read_list(session, device_id=device, content=file.read_bytes())
        row = await listing.receive(
            session, device_id=device, entries=entries, skipped=skipped, vault=house.vault,
            actor=Actor.system("cli"), now=house.clock.now(),
        )  # fmt: skip
        tally = await queries.tally(session, device_id=device)
    view = TerminalListView.of(row)
    if json_to is not None:
        told = [dict(zip(("state", "level", "missing", "number"), one, strict=True)) for one in tally]
        write_json({"received": msgspec.to_builtins(view), "columns": columns, "tally": told}, json_to)
        return
    click.echo(
        f"{view.entries} 人 / entries: 新增 {view.added} new, 变更 {view.changed} changed, "
        f"未变 {view.unchanged} unchanged, 名单已无 {view.missing} missing, 跳过 {view.skipped} skipped"
    )
    for state, level, missing, number in tally:
        click.echo(f"{state:10} {level:10} {'名单已无 / missing  ' if missing else ''}{number}")
