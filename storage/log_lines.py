"""Log lines on standard error: JSON for a collector, or text for people. No values: those are other people's data.

- What an exception says is never written: database drivers put rows into it. Its type and the place in the code are.
- Our own loggers (`ruhu.…`) choose their words; a line of anybody else's is cut to its first line, and what may be a
  value in it (quoted, Chinese, a long number) is taken out.
- `REQUEST` names the request that a line belongs to.
"""

import json
import logging
import re
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

OURS = "ruhu"
REQUEST: ContextVar[str | None] = ContextVar("ruhu_request", default=None)
FIELDS = "fields"
"""`log.info("…", extra={FIELDS: {…}})` adds fields to a line."""

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 400
LEVELS = {"procrastinate": logging.WARNING, "alembic": logging.WARNING, "httpx": logging.WARNING,
          "httpcore": logging.WARNING, "urllib3": logging.ERROR, "psycopg": logging.WARNING,
          "sqlalchemy": logging.WARNING, "uvicorn": logging.WARNING, "asyncio": logging.WARNING,
          "PIL": logging.WARNING, "fontTools": logging.ERROR}  # fmt: skip
_VALUES = re.compile(r"""'[^']*'?|"[^"]*"?|[^\x00-\x7f]+|[A-Za-z0-9_+/=-]{24,}|\d[\d -]{5,}\w?|\([^)]*=[^)]*\)?""")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def clean(text: str) -> str:
    """A line of somebody else's, without what may be a value."""
    return _VALUES.sub("…", text.strip().partition("\n")[0])[:LONGEST]


def place(traceback: TracebackType | None) -> str:
    """Where in the code: the innermost frame, and the innermost of ours if that is another."""
    found: list[str] = []
    while traceback is not None:
        path, line = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        ours = Path(path).is_relative_to(ROOT) and "site-packages" not in path
        found.append(f"{Path(path).relative_to(ROOT) if ours else '/'.join(Path(path).parts[-2:])}:{line}")
        if ours:
            ours_last = found[-1]
            found = [ours_last]
        traceback = traceback.tb_next
    return " > ".join(dict.fromkeys([found[0], found[-1]])) if found else "?"


def exception(error: BaseException) -> dict[str, str]:
    """Type, code and place of an exception, and the types of its causes; never its text."""
    kinds: list[str] = []
    current: BaseException | None = error
    while current is not None and len(kinds) < 5:
        code = getattr(current, "sqlstate", None)
        kinds.append(type(current).__name__ + (f" {code}" if isinstance(code, str) else ""))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return {"type": " < ".join(kinds), "at": place(error.__traceback__)}


def described(record: logging.LogRecord) -> dict[str, Any]:
    """A record as the fields of a line."""
    ours = record.name.split(".")[0] == OURS
    try:
        text = record.getMessage()
    except (TypeError, ValueError):
        text = str(record.msg)
    line: dict[str, Any] = {
        "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": _CONTROL.sub(" ", text)[:LONGEST] if ours else clean(text),
    }
    request = REQUEST.get()
    if request is not None:
        line["request"] = request
    line |= getattr(record, FIELDS, {})
    if record.exc_info and record.exc_info[1] is not None:
        line["error"] = exception(record.exc_info[1])
    return line


class JsonLines(logging.Formatter):
    """One JSON object for each record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return json.dumps(described(record), ensure_ascii=False, separators=(",", ":"), default=str)


class TextLines(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = described(record)
        head = " ".join(str(line.pop(name)) for name in ("ts", "level", "logger", "event"))
        return head + "".join(f" {name}={value}" for name, value in line.items())


def configure(kind: str, *, stream: TextIO | None = None) -> None:
    """Makes every log line of this process, whoever writes it, and every uncaught exception, such a line.

    `kind`: "json" or "text".
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if kind == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name, level in LEVELS.items():
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(level)
    logging.captureWarnings(capture=True)
    log = logging.getLogger("ruhu.process")

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("the process ends by an exception", exc_info=(kind, error, trace))

    def in_thread(hooked: threading.ExceptHookArgs) -> None:
        if hooked.exc_value is not None:
            log.error("a thread ended by an exception", exc_info=hooked.exc_value)

    def unraisable(hooked: Any) -> None:  # noqa: ANN401 - the type exists for checkers alone
        log.error("an exception had nowhere to go", exc_info=hooked.exc_value)

    sys.excepthook = uncaught
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable
