"""`ruhu serve`, `ruhu worker`, `ruhu openapi`."""

import asyncio
import logging
import os
import sys
import time
from typing import Any

import click

from api.cli.common import demand_replayed, fail_settings, json_option, migrate, settings, write_json
from storage.settings import Settings, SettingsError

# One thread for small matrix products: more of them only wait for each other. Set before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


OPENING_PATIENCE_S = 120.0
log = logging.getLogger("ruhu.process")


def opened(chosen: Settings) -> Any:  # noqa: ANN401 - a House, imported lazily
    """The house, its store tried and its database at this code's schema.

    A database that is lost meanwhile is waited for, two minutes at most. What only a person can mend ends the process
    with exit code 3.
    """
    import psycopg
    from sqlalchemy.exc import DBAPIError

    from api.house import check_store, open_house

    end = time.monotonic() + OPENING_PATIENCE_S
    while True:
        house = None
        try:
            house = open_house(chosen, say=log.info)
            check_store(house, say=log.info)
            migrate(house, say=log.info)
            demand_replayed(house)
        except SettingsError as error:
            fail_settings(error)
        except (psycopg.OperationalError, DBAPIError, ConnectionError) as error:
            lost = isinstance(error, psycopg.OperationalError | ConnectionError) or isinstance(
                error.orig, psycopg.OperationalError | psycopg.InterfaceError | OSError
            )
            if house is not None:
                house.objects.close()
                if house.lease is not None:
                    house.lease.release()
            if not lost or time.monotonic() > end:
                raise
            log.warning("数据库中断，等待恢复 / the database was lost, waiting for it")
            time.sleep(1)
        else:
            return house


@click.command()
@click.option("--host", default=None, help="监听地址 / address to listen on (RUHU_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), default=None, help="端口 / port (RUHU_PORT).")
def serve(host: str | None, port: int | None) -> None:
    """提供接口服务 / Serves the API and the gates until SIGTERM."""
    import uvicorn

    from api.asgi import make_front
    from api.serving import FINISH_S, Server
    from gate_integration.intake.http_protocol import GateHttpProtocol
    from storage.log_lines import configure

    chosen = settings()
    configure(chosen.operation.log)
    house = opened(chosen)
    front = make_front(house)
    config = uvicorn.Config(
        front,
        host=host or chosen.host,
        port=port or chosen.port,
        loop="uvloop",
        http=GateHttpProtocol,
        log_config=None,
        access_log=False,  # paths under /gate carry device tokens
        server_header=False,
        proxy_headers=bool(chosen.trusted_proxies),
        forwarded_allow_ips=list(chosen.trusted_proxies) or None,
        timeout_graceful_shutdown=FINISH_S,
    )
    server = Server(config, on_stop=front.stop, drain_s=chosen.operation.drain_s)
    log.info("http://%s:%d", config.host, config.port)
    try:
        server.run()
    except SystemExit:
        # uvicorn's own code for "could not start" is 3, which says here that the settings are wrong.
        if server.started:
            raise
    if house.lease is not None:
        house.lease.release()
    sys.exit(server.exit_code)


@click.command()
@click.option("--drainers", type=click.IntRange(1, 16), default=1, help="并行读取数 / parallel drainers.")
@click.option("--jobs", type=click.IntRange(1, 16), default=2, help="并行任务数 / parallel jobs.")
def worker(drainers: int, jobs: int) -> None:
    """后台处理 / Drains deliveries, runs jobs and timers until SIGTERM."""
    from storage.log_lines import configure

    chosen = settings()
    configure(chosen.operation.log)
    house = opened(chosen)

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
