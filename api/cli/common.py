"""What commands share: opening the house, speaking JSON, ending with a meaning."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from storage.problems import Problem
from storage.settings import Settings, SettingsError, load

EXIT_PROBLEM = 1
EXIT_SETTINGS = 3


def settings() -> Settings:
    """The settings, or an explanation of what is wrong with them and exit code 3."""
    try:
        return load()
    except SettingsError as error:
        fail_settings(error)


def fail_settings(error: SettingsError) -> NoReturn:
    """Explains every fault and ends with exit code 3."""
    for sentence in error.problems:
        click.echo(f"设置有误 / settings: {sentence}", err=True)
    sys.exit(EXIT_SETTINGS)


def echo(text: str) -> None:
    """Says something beside the output proper."""
    click.echo(text, err=True)


def migrate(house: Any, *, say: Callable[[str], None] = echo) -> None:  # noqa: ANN401 - a House, imported lazily
    """Brings the database to this code's schema and publishes the shipped rule set where it is new."""
    from api.upgrade import upgrade

    before, after = upgrade(house)
    if before != after:
        say(f"数据库已升级 / database upgraded: {before or '-'} → {after}")


def demand_replayed(house: Any) -> None:  # noqa: ANN401 - a House, imported lazily
    """Ends with exit code 3 when the database was restored and the erasure ledger not replayed since."""
    from api.erasure import check_replayed

    try:
        check_replayed(house)
    except SettingsError as error:
        fail_settings(error)


@asynccontextmanager
async def open_house() -> AsyncIterator[Any]:
    """The house, its database at this code's schema; closed on leaving."""
    from api.house import open_house as open_it

    try:
        house = await asyncio.to_thread(open_it, settings(), say=lambda text: click.echo(text, err=True))
    except SettingsError as error:
        fail_settings(error)
    try:
        await asyncio.to_thread(migrate, house)
        yield house
    finally:
        await house.close()


def run_async(command: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes a coroutine a command; a problem becomes a sentence in both languages and exit code 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        try:
            asyncio.run(command(*args, **kwargs))
        except Problem as problem:
            click.echo(f"{problem.title_zh} / {problem.title_en} [{problem.code}]", err=True)
            for detail in filter(None, (problem.detail_zh, problem.detail_en)):
                click.echo(f"  {detail}", err=True)
            sys.exit(EXIT_PROBLEM)

    return run


def json_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option `--json [FILE]`: `json_to` is "-" for standard output, a file's name, or None."""
    return click.option(
        "--json", "json_to", is_flag=False, flag_value="-", default=None, metavar="[FILE]",
        help="只输出 JSON；可指定文件 / print JSON alone, or write it into FILE.",
    )(command)  # fmt: skip


def write_json(value: object, target: str) -> None:
    """Prints JSON to standard output ("-") or into a file."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    if target == "-":
        click.echo(text)
    else:
        Path(target).write_text(text + "\n")
