"""An archive of photographs and a terminal's list, as rows: the part of `furnished` that came with them."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from gate_integration.bulk_enrolment.models import PhotoImport
from gate_integration.terminal_people.models import EntryState, Level, TerminalCandidate, TerminalEntry
from inspection.registry.imports.models import ImportStatus
from storage.vault.service import Vault

DIGEST = bytes(32)


async def lists(session: Any, add: Any, link: Any, known: dict[str, uuid.UUID], vault: Vault, now: datetime) -> None:
    """A checked archive, and an entry of the terminal for which the tenant is proposed."""
    known["photo_import_id"] = await add(
        PhotoImport, name="a.zip", digest=DIGEST, size=1, status=ImportStatus.CHECKED, attempts=1, refused="",
        lines_total=0, lines_checked=0, lines_ready=0, lines_applied=0, created_at=now, touched_at=now,
        delete_at=now + timedelta(days=7),
    )  # fmt: skip
    await vault.new_subject_key(session, estate_id=known["estate_id"], subject_id=known["device_id"], now=now)
    known["entry_id"] = await add(
        TerminalEntry, device_id=known["device_id"], number="000001", content_digest=DIGEST, state=EntryState.OPEN,
        level=Level.LIKELY, first_listed_at=now, last_listed_at=now, decision="",
    )  # fmt: skip
    await link(
        TerminalCandidate, entry_id=known["entry_id"], person_id=known["person_id"], score=30, reasons=["name"],
        here=True,
    )  # fmt: skip
