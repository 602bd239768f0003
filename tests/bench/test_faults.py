"""A hundred kills, each time with another seed: nothing acknowledged is lost, doubled or unreadable."""

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from bench.faults.schedule import KILLS, Kind
from tests.conftest import ROOT

SKIPPABLE = {Kind.DISK_FULL, Kind.STORE}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    told = tmp_path / "report.json"
    seed = secrets.randbelow(2**31)
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "bench", "faults", "--kills", "100", "--seed", str(seed), "--json", told],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert told.exists(), done.stderr[-3000:]
    report = json.loads(told.read_text())
    assert done.returncode == 0, f"--seed {seed}: {done.stderr[-3000:]}"
    for kind, why in report["skipped"].items():
        print(f"skipped: {kind}: {why}")  # noqa: T201 - said aloud: a machine without root fills no disk
    assert set(report["skipped"]) <= SKIPPABLE
    assert (report["seed"], report["kills"]) == (seed, 100)
    assert report["lost"] == report["doubled"] == report["unreadable"] == report["other"] == []
    made = report["faults_by_kind"]
    assert sum(count for kind, count in made.items() if kind in KILLS) == 100
    assert set(made) | set(report["skipped"]) == set(Kind)
    assert report["acknowledged"]["event"] >= 100
    assert report["acknowledged"]["photo"] > 0
    assert report["acknowledged"]["step"] > 0
    assert sum(report["resent"].values()) > 0
    assert report["folder"] is None
