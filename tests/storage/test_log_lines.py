"""Log lines hold no values, whoever writes them: third parties put rows, names and tokens into their messages."""

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from storage.database import Database, EstateScope, Role
from storage.log_lines import FIELDS, REQUEST, JsonLines, clean, configure, exception
from tests.conftest import ROOT

SECRET = "欧阳测试甲 999999199001011237"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a configured process writes; everything is put back afterwards."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook
    known = {name: found for name, found in root.manager.loggerDict.items() if isinstance(found, logging.Logger)}
    levels = {name: (found.level, found.propagate, found.handlers[:]) for name, found in known.items()}
    stream = io.StringIO()
    configure("json", stream=stream)
    yield stream
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook = kept
    for name, (level, propagate, handlers) in levels.items():
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate, logger.handlers[:] = propagate, handlers


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines; none of them tells the secret."""
    written = stream.getvalue()
    assert "欧阳" not in written
    assert "19900101" not in written
    return [json.loads(line) for line in written.splitlines()]


@pytest.mark.asvs("v5.0.0-16.2.4")
def test_our_lines_have_fields_and_the_request(lines: io.StringIO) -> None:
    token = REQUEST.set("r-1")
    logging.getLogger("ruhu.access").info("request", extra={FIELDS: {"route": "/x", "status": 200}})
    REQUEST.reset(token)
    logging.getLogger("ruhu.process").warning("数据库 %s\nsecond", "down")
    first, second = read(lines)
    assert first["ts"].endswith("Z")
    assert {k: first[k] for k in first if k != "ts"} == {
        "level": "info", "logger": "ruhu.access", "event": "request", "request": "r-1", "route": "/x", "status": 200,
    }  # fmt: skip
    assert (second["event"], second["level"], "request" in second) == ("数据库 down second", "warning", False)


async def test_a_database_error_is_a_type_a_code_and_a_place(lines: io.StringIO, database: Database) -> None:
    try:
        async with database.transaction(Role.APP, EstateScope(())) as session:
            await session.execute(text(f"SELECT '{SECRET}'::int"))
    except Exception:
        logging.getLogger("ruhu.api").exception("it failed")
    error = read(lines)[0]["error"]
    assert "DBAPIError" in error["type"]
    assert "22P02" in error["type"]
    assert error["at"].startswith("storage/database.py") or "test_log_lines.py" in error["at"]


async def test_a_task_that_nobody_waited_for_tells_nothing(lines: io.StringIO) -> None:
    async def fails() -> None:
        raise ValueError(SECRET)

    loop = asyncio.get_running_loop()
    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    loop.default_exception_handler({"message": "Task exception was never retrieved", "exception": task.exception(),
                                    "task": task})  # fmt: skip
    line = read(lines)[0]
    assert line["event"] == "Task exception was never retrieved"
    assert line["error"]["type"] == "ValueError"


@pytest.mark.asvs("v5.0.0-16.2.5")
def test_words_of_others_lose_what_may_be_a_value(lines: io.StringIO) -> None:
    for message in (
        f"Job import[3](name='{SECRET}', id=7) ended with status: Error", f'connection failed: FATAL: user "{SECRET}"',
        f"Traceback (most recent call last):\n  ValueError: {SECRET}",
        "GET /gate/hikvision/aB3dE5gH7jK9mN1pQ3sT5vW7 404",
        "id 999999199001011237", "token 0123456789abcdef0123456789abcdef",
    ):  # fmt: skip
        logging.getLogger("procrastinate.worker").error(message)
    events = [line["event"] for line in read(lines)]
    assert events[0].startswith("Job import[3]…")
    assert not any("aB3d" in event or "0123456789" in event for event in events)
    assert clean("short words 404") == "short words 404"


def test_warnings_and_threads(lines: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"odd: '{SECRET}'", UserWarning, stacklevel=1)

    def fails() -> None:
        raise KeyError(SECRET)

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    logging.getLogger("procrastinate").info("chatter")
    found = read(lines)
    assert [line["logger"] for line in found] == ["py.warnings", "ruhu.process"]
    assert found[1]["error"]["type"] == "KeyError"


def test_causes_are_named_up_to_five() -> None:
    error: Exception = ValueError(SECRET)
    for _ in range(8):
        outer = KeyError(SECRET)
        outer.__cause__ = error
        error = outer
    assert exception(error)["type"] == " < ".join(["KeyError"] * 5)
    assert exception(ValueError(SECRET)) == {"type": "ValueError", "at": "?"}


@pytest.mark.parametrize("kind", ["json", "text"])
def test_a_process_that_ends_by_an_exception_tells_its_type(kind: str) -> None:
    code = f"from storage.log_lines import configure\nconfigure('{kind}')\nraise ValueError('{SECRET}')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ended.returncode == 1
    assert "欧阳" not in ended.stderr
    assert "ValueError" in ended.stderr
    assert "Traceback" not in ended.stderr
    if kind == "json":
        assert json.loads(ended.stderr)["level"] == "critical"


@pytest.mark.asvs("v5.0.0-16.4.1")
def test_lines_are_one_line_each() -> None:
    record = logging.LogRecord("ruhu.x", logging.INFO, "f", 1, "a\nb\x1b[31m", None, None)
    assert "\n" not in JsonLines().format(record)
    wrong = logging.LogRecord("ruhu.x", logging.INFO, "f", 1, "%d things", ("many",), None)
    assert json.loads(JsonLines().format(wrong))["event"] == "%d things"
