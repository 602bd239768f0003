"""`ruhu bench`: measurements, each against a limit taken in the same run."""

import secrets
import sys

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


@bench.command("faults")
@click.option("--kills", type=click.IntRange(1, 100_000), default=100, show_default=True, help="次数 / how many kills.")
@click.option("--seed", type=int, default=None, help="随机种子 / the schedule's seed; another one each time.")
@click.option("--store", type=click.Choice(["folder", "s3"]), default="folder", show_default=True)
@click.option("--every", type=click.IntRange(1), default=100, show_default=True, help="每多少次核对 / kills a look.")
@json_option
def faults(kills: int, seed: int | None, store: str, every: int, json_to: str | None) -> None:
    """故障测试 / Kills, cuts and starves an installation under load; nothing acknowledged may be lost or doubled.

    退出码 / exit code: 0 无误 / sound; 1 有误 / something is wrong, its folder is kept.
    """
    from bench.faults import run as faulty

    report = faulty.run(
        kills=kills, seed=secrets.randbelow(2**31) if seed is None else seed, s3=store == "s3", every=every,
        say=lambda text: click.echo(text, err=True),
    )  # fmt: skip
    for what, why in report["skipped"].items():
        click.echo(f"未做 / skipped: {what}: {why}", err=True)
    for kind in ("lost", "doubled", "unreadable", "other"):
        for fault in report[kind]:
            click.echo(f"{kind}: {fault}", err=True)
    if json_to is not None:
        write_json(report, json_to)
    else:
        for key, value in report.items():
            click.echo(f"{key:16} {value}")
    if not report["sound"]:
        click.echo(f"--seed {report['seed']}, {report['last_step']}, {report['folder']}", err=True)
        sys.exit(1)
