"""`ruhu serve`, `ruhu worker`, `ruhu openapi`."""

import asyncio
import logging
import os
import sys

import click

from api.cli.common import demand_replayed, fail_settings, json_option, migrate, settings, write_json
from storage.settings import SettingsError

# One thread for small matrix products: more of them only wait for each other. Set before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def log_to_stderr() -> None:
    """Plain log lines on standard error."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    for quiet in ("procrastinate", "alembic", "httpx"):
        logging.getLogger(quiet).setLevel(logging.WARNING)


@click.command()
@click.option("--host", default=None, help="监听地址 / address to listen on (RUHU_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), default=None, help="端口 / port (RUHU_PORT).")
def serve(host: str | None, port: int | None) -> None:
    """提供接口服务 / Serves the API and the gates until SIGTERM."""
    import uvicorn

    from api.asgi import make_front
    from api.house import check_store, open_house
    from gate_integration.intake.http_protocol import GateHttpProtocol

    log_to_stderr()
    chosen = settings()
    try:
        house = open_house(chosen, say=lambda text: click.echo(text, err=True))
        check_store(house, say=lambda text: click.echo(text, err=True))
    except SettingsError as error:
        fail_settings(error)
    migrate(house)
    demand_replayed(house)
    config = uvicorn.Config(
        make_front(house),
        host=host or chosen.host,
        port=port or chosen.port,
        loop="uvloop",
        http=GateHttpProtocol,
        log_level="warning",
        access_log=False,  # paths under /gate carry device tokens
        server_header=False,
        proxy_headers=bool(chosen.trusted_proxies),
        forwarded_allow_ips=list(chosen.trusted_proxies) or None,
        timeout_graceful_shutdown=15,
    )
    server = uvicorn.Server(config)
    click.echo(f"http://{config.host}:{config.port}", err=True)
    server.run()
    if house.lease is not None:
        house.lease.release()
    sys.exit(0 if server.started else 1)


@click.command()
@click.option("--drainers", type=click.IntRange(1, 16), default=1, help="并行读取数 / parallel drainers.")
@click.option("--jobs", type=click.IntRange(1, 16), default=2, help="并行任务数 / parallel jobs.")
def worker(drainers: int, jobs: int) -> None:
    """后台处理 / Drains deliveries, runs jobs and timers until SIGTERM."""
    from api.house import check_store, open_house

    log_to_stderr()
    try:
        house = open_house(settings(), say=lambda text: click.echo(text, err=True))
        check_store(house, say=lambda text: click.echo(text, err=True))
    except SettingsError as error:
        fail_settings(error)
    migrate(house)
    demand_replayed(house)

    async def run() -> None:
        from api.worker import Worker

        try:
            await Worker(house, drainers=drainers, jobs=jobs).run()
        finally:
            await house.close()

    asyncio.run(run())


@click.command()
@json_option
def openapi(json_to: str | None) -> None:
    """接口文档 / Prints the OpenAPI document of this release."""
    from api.offline import openapi_document

    write_json(openapi_document(), json_to or "-")
