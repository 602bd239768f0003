"""A process that has loaded everything and gives birth to `ruhu` commands, so that a restart costs no import.

It reads orders as lines of JSON from standard input, `{"arguments": […], "environment": {…}, "log": path}`, forks,
and writes `{"born": pid}`; when a child ends, it writes `{"ended": pid, "code": code}` (negative: the signal). A child
is the command from then on: a session of its own, its output in the log. When standard input ends, so does the
process; children go on.

A fork copies no state that two processes may not share: everything is imported, nothing is opened, one thread.
"""

import importlib
import json
import os
import signal
import sys
from typing import Any

from api.cli.main import main as ruhu

LOADED = (
    "api.asgi", "api.cli.run", "api.cli.user", "api.cli.objects", "api.house", "api.upgrade", "api.worker",
    "uvicorn.lifespan.on", "uvicorn.loops.uvloop", "storage.objects.s3",
)  # fmt: skip


def tell(**words: int) -> None:
    """One line to whoever listens, written at once."""
    os.write(1, json.dumps(words).encode() + b"\n")


def reap(*_: object) -> None:
    """Tells of every child that has ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        tell(ended=pid, code=os.waitstatus_to_exitcode(status))


def become(order: dict[str, Any]) -> None:
    """In the child: the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(order["environment"])
    ruhu(args=order["arguments"], prog_name="ruhu")


def main() -> None:
    """Serves orders."""
    for name in LOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, reap)
    for text in sys.stdin:
        order = json.loads(text)
        pid = os.fork()
        if pid == 0:
            become(order)
            return
        tell(born=pid)


if __name__ == "__main__":
    main()
