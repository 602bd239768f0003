"""The main job, from the empty folder to the closed case, as `make demo` plays it; and what it leaves on disk."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from api.demo import estate
from gate_integration.faces import sample_pictures
from gate_integration.faces.engine import SFaceEngine
from storage.postgres.lease import acquire
from storage.settings import load

ROOT = Path(__file__).resolve().parent.parent.parent
STATES = [
    "lead", "registered", "verifying", "substantiated", "notice", "representation", "review", "rectification_order",
    "rectifying", "reported_complete", "follow_up", "closed",
]  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.faces, pytest.mark.timeout(900)]


@dataclass
class Played:
    folder: Path
    result: dict[str, Any]
    told: str


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    base = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "demo", "--language", "zh", "--json", str(base / "result.json")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=850,
        env=os.environ | {"RUHU_DEMO_DATA": str(base / "data"), "RUHU_CACHE": str(ROOT / ".cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return Played(base / "data", json.loads((base / "result.json").read_text()), done.stderr)


def test_the_result_has_the_promised_form(played: Played) -> None:
    jsonschema.validate(played.result, json.loads((ROOT / "docs/demo-result.schema.json").read_text()))


def test_the_enrolled_tenant_is_matched_and_the_other_person_is_not(played: Played) -> None:
    assert {row["person"] for row in played.result["matched"]} == {"承租人001"}
    assert min(row["score"] for row in played.result["matched"]) > 0.45
    assert len({row["pseudonym"] for row in played.result["unmatched"]}) == 1
    assert len(played.result["unmatched"]) > 20


def test_only_the_sublet_flat_is_spoken_against(played: Played) -> None:
    (found,) = played.result["discrepancies"]
    assert (found["household"], found["rule"], found["severity"]) == (estate.SUBLET, "SUBLET", "lead")
    assert "请上门核实" in found["explanation_zh"]
    assert set(found["event_ids"]) <= {row["event_id"] for row in played.result["unmatched"]}


def test_carer_refuser_and_patient_are_not_accused_and_it_says_why(played: Played) -> None:
    why = {row["household"]: row["why"] for row in played.result["not_accused"]}
    assert set(why) == {estate.FAMILY, estate.CARE, estate.REFUSER, estate.HOSPITAL}
    assert "服务人员" in why[estate.CARE]
    assert "未登记面部" in why[estate.REFUSER]
    assert "报备" in why[estate.HOSPITAL]


def test_duplicates_and_replays_made_no_second_event(played: Played) -> None:
    assert played.result["duplicates_dropped"] > 100
    assert sum(played.result["sightings"].values()) < played.result["events_posted"]


def test_the_case_went_through_every_state_that_the_law_asks_for(played: Played) -> None:
    assert played.result["case"]["states"] == STATES
    assert played.result["visit"]["check_in_grade"] == "A"
    assert played.result["visit"]["photos"] == 2


def test_the_story_is_told_in_chinese_with_its_passwords_kept_out(played: Played) -> None:
    for chapter in ("一、小区与住户", "二、门禁两个月", "三、系统看到了什么", "四、由人决定"):
        assert chapter in played.told


def test_no_picture_and_no_embedding_lies_in_clear(played: Played) -> None:
    """A dump of the database and every file of the object folder: no JPEG header, no vector, in any form."""
    pictures = sample_pictures.fetch(ROOT / ".cache/pictures")
    engine = SFaceEngine.from_cache(ROOT / ".cache/models")
    vector = engine.analyse(pictures["tenant_1"].read_bytes())[0].embedding.astype(np.float32)
    floats = vector[8:12].tobytes()
    jfif = b"\xff\xd8\xff\xe0\x00\x10JFIF"
    forms = [jfif, jfif.hex().encode(), b"/9j/4AAQSkZJRg", floats, floats.hex().encode()]
    settings = load({"RUHU_DATA": str(played.folder), "RUHU_CACHE": str(ROOT / ".cache")})
    lease = acquire(settings)
    try:
        command = lease.cluster.launcher.command("pg_dump", "--dbname", lease.cluster.url("postgres", "ruhu"))
        dump = subprocess.run(command, capture_output=True, check=True).stdout
    finally:
        lease.release()
    assert b"CREATE TABLE public.face_template" in dump
    assert (
        dump.count(b"[[ruhu:jpeg:") > 0 or b"5b5b727568753a6a7065673a" in dump
    )  # the placeholders of cut-out pictures
    objects = [path.read_bytes() for path in (played.folder / "objects").rglob("*") if path.is_file()]
    assert objects
    for form in forms:
        assert form not in dump
        assert not any(form in data for data in objects)


def test_no_password_and_no_device_token_is_in_a_log(played: Played) -> None:
    for log in played.folder.glob("*.log"):
        text = log.read_text(errors="replace")
        assert "/gate/hikvision/" not in text
        assert "Traceback" not in text, text[-2000:]
