"""`ruhu gate`."""

import uuid

import click

from api.cli.common import json_option, open_house, run_async, write_json


@click.group()
def gate() -> None:
    """门禁设备 / Gate devices."""


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
