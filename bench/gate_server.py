"""The gate app alone in a process of its own, for benchmarks and for tests that kill it.

It loads everything, then waits for one line of JSON on standard input: `intake_url`, `master_key` (hexadecimal),
`data_dir`, `port` (0 = any), `flushers`. It writes the port it listens on as one line, and serves until it is ended.
"""

import json
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from gate_integration.intake.gate_app import make_gate_app
from gate_integration.intake.http_protocol import GateHttpProtocol
from gate_integration.intake.intake import Intake
from storage import settings as settings_module
from storage.clock import SystemClock
from storage.database import DatabaseUrls, Role
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.vault.service import Vault


class TellingServer(uvicorn.Server):
    """Tells its port once it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, then tells."""
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"{self.servers[0].sockets[0].getsockname()[1]}\n")
            sys.stdout.flush()


def make_server(given: dict[str, Any]) -> uvicorn.Server:
    """The server that a line of JSON asks for."""
    settings = replace(settings_module.load({}), data_dir=Path(given["data_dir"]))
    vault = Vault(bytes.fromhex(given["master_key"]))
    intake = Intake(
        urls=DatabaseUrls({Role.INTAKE: given["intake_url"]}),
        clock=SystemClock(),
        vault=vault,
        objects=Objects(FilesystemStore(settings.objects_dir), vault),
        settings=settings,
        flushers=given.get("flushers", 1),
    )
    config = uvicorn.Config(
        make_gate_app(intake),
        host="127.0.0.1",
        port=given["port"],
        http=GateHttpProtocol,
        loop="none",
        log_level="error",
        lifespan="on",
        proxy_headers=False,
    )
    return TellingServer(config)


if __name__ == "__main__":
    uvloop.run(make_server(json.loads(sys.stdin.readline())).serve())
