"""`ruhu bench`: measurements, each against a limit taken in the same run."""

import click

from api.cli.common import json_option, settings, write_json


@click.group()
def bench() -> None:
    """性能测量 / Measurements. Ratios count: machines are shared and noisy."""


def show(result: dict[str, float], json_to: str | None) -> None:
    """The result as JSON, or as lines for a person."""
    if json_to is not None:
        write_json({key: round(value, 3) for key, value in result.items()}, json_to)
        return
    for key, value in result.items():
        click.echo(f"{key:24} {value:12.3f}")


@bench.command("gate-ingest")
@click.option("--seconds", type=click.FloatRange(2, 120), default=20.0, show_default=True)
@click.option("--clients", type=click.IntRange(1, 256), default=64, show_default=True)
@json_option
def gate_ingest(seconds: float, clients: int, json_to: str | None) -> None:
    """门禁接收 / Durable gate intake against pgbench inserting the same row."""
    from bench import gate_ingest as measured

    show(measured.run(seconds=seconds, clients=clients), json_to)


@bench.command("faces")
@json_option
def faces(json_to: str | None) -> None:
    """人脸识别 / A snapshot to its decision, against the models' own inference and the plain package."""
    from bench import faces as measured

    show(measured.run(cache_dir=settings().cache_dir), json_to)


@bench.command("registry-import")
@click.option("--units", type=click.IntRange(1, 40_000), default=20_000, show_default=True)
@json_option
def registry_import(units: int, json_to: str | None) -> None:
    """名册导入 / A workbook of units and people to rows, against plain COPY of the same rows."""
    from bench import registry_import as measured

    show(measured.run(units=units), json_to)
