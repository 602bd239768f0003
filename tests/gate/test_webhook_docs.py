"""What docs/gates/webhook.md says is so: its examples fit the schema and are read, its sender is believed."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gate_integration.protocols.records import DeviceProfile
from gate_integration.protocols.webhook import DOOR, HEARTBEAT, PASS, parse
from storage.clock import SystemClock
from storage.database import Database, DatabaseUrls
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.conftest import ROOT
from tests.factories import make_world
from tests.gate import support
from tests.gate import webhook_support as ws
from tests.gate.support import raw_of

DOCUMENT = (ROOT / "docs/gates/webhook.md").read_text()
SCHEMA = json.loads((ROOT / "docs/gates/webhook.schema.json").read_text())
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]


def test_the_examples_fit_the_schema_and_are_read_without_a_problem() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert len(EXAMPLES) == 2
    for example in EXAMPLES:
        jsonschema.validate(example, SCHEMA)
        records, problems = parse(json.dumps(example).encode(), "", DeviceProfile("webhook"))
        assert len(records) == (len(example) if isinstance(example, list) else 1)
        assert problems == []
    for kind in (PASS, DOOR, HEARTBEAT):
        assert kind in DOCUMENT


def test_the_schema_takes_what_the_library_makes_and_refuses_what_the_parser_refuses() -> None:
    jsonschema.validate(json.loads(ws.structured(ws.pass_event(1, card_no="1"))), SCHEMA)
    for change in ({"id": ""}, {"data": None}, {"specversion": "0.3"}, {"data": {"outcome": "pass"}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(EXAMPLES[0] | change, SCHEMA)


async def test_the_sender_in_the_document_is_believed(
    database: Database, urls: DatabaseUrls, vault: Vault, objects: Objects, tmp_path: Path
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)  # noqa: S102 - our own document
    clock = SystemClock()
    world = await make_world(database, vault, now=clock.now(), flats=1)
    sender = await ws.add_sender(database, vault, world, now=clock.now())
    with support.live_gate(urls, vault, objects, clock, support.gate_settings(tmp_path)) as (port, _):
        url = f"http://127.0.0.1:{port}/gate/webhook/{sender.device_id}"
        for said in ("stored", "duplicate"):
            assert await asyncio.to_thread(made["send"], url, sender.secret, EXAMPLES[0]) == said
    assert len(await raw_of(database, sender.device_id)) == 1
