"""The app without a database, for its own description."""

from pathlib import Path
from typing import Any

from api.app import make_app
from api.context import Context
from api.wiring import make_ports
from gate_integration.faces.records import Analysis, Engine, Face, PictureStats, Probe
from storage.clock import SystemClock
from storage.database import Database, DatabaseUrls
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.settings import load
from storage.vault.service import Vault


class NoEngine:
    """An engine that is never asked."""

    engine_id = "none"
    model_hash = "none"

    def analyse(self, data: bytes) -> list[Face]:
        """Finds nothing."""
        del data
        return []

    def inspect(self, data: bytes) -> Analysis:
        """Finds nothing."""
        del data
        return Analysis((), 0, PictureStats(0, 0, 0.0))

    def probe(self, data: bytes) -> Probe:
        """Finds nothing."""
        del data
        return Probe(None, None, 0)


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document, built without opening anything."""
    vault = Vault(bytes(32))
    engine: Engine = NoEngine()
    context = Context(
        settings=load({}), clock=SystemClock(), database=Database(DatabaseUrls()), vault=vault,
        objects=Objects(FilesystemStore(Path("/nonexistent")), vault), ports=make_ports(), engine=engine,
    )  # fmt: skip
    document: dict[str, Any] = make_app(context).state.openapi_document
    return document
