"""What operators copy from docs/ fits the code: alerts name real metrics, units are valid, settings exist."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

UNITS = sorted((ROOT / "docs/systemd").glob("*.service")) + sorted((ROOT / "docs/systemd").glob("*.timer"))
SOURCES = "".join(
    path.read_text() for folder in ("api", "storage") for path in sorted((ROOT / folder).rglob("*.py"))
)  # fmt: skip


def made() -> set[str]:
    """Every name of a metric in the code."""
    files = [*(ROOT / "api/metrics").glob("*.py"), *(ROOT / f"api/{name}.py" for name in ("app", "asgi", "worker"))]
    return {name for path in files for name in re.findall(r'"(ruhu_[a-z_]+)"', path.read_text())}


def test_every_alert_is_about_a_metric_that_exists() -> None:
    rules = yaml.safe_load((ROOT / "docs/alerts.yml").read_text())
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len({alert["alert"] for alert in alerts}) == len(alerts) > 20
    asked = set()
    for alert in alerts:
        assert alert["annotations"]["summary"].isascii() is False
        asked |= {re.sub(r"_(total|count|bucket|sum)$", "", name)
                  for name in re.findall(r"\bruhu_[a-z_]+", alert["expr"])}  # fmt: skip
    assert asked <= made()
    told = (ROOT / "docs/operating.md").read_text() + (ROOT / "docs/alerts.yml").read_text()
    assert {name for name in made() if name not in told} == set()


def test_every_setting_that_operators_are_told_of_is_read() -> None:
    told = "".join(path.read_text() for path in [*UNITS, ROOT / "docs/systemd/ruhu.env", ROOT / "docs/operating.md"])
    for name in set(re.findall(r"\bRUHU_[A-Z_]+[A-Z]\b", told)):
        assert name in SOURCES or f'"{name.rsplit("_", 1)[0]}' in SOURCES, name


@pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])
def test_units_are_valid(unit: Path, tmp_path: Path) -> None:
    """As systemd itself reads them, where it is; in any case each names an executable of the installation."""
    text = unit.read_text()
    assert unit.suffix == ".timer" or "/opt/ruhu/.venv/bin/ruhu " in text
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine: units were not checked")
    for other in UNITS:
        (tmp_path / other.name).write_text(other.read_text().replace("/opt/ruhu/.venv/bin/ruhu", "/bin/true"))
    name = unit.name.replace("@.", "@8601.")
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / name)], capture_output=True, text=True, check=False
    )
    faults = [line for line in checked.stderr.splitlines() if unit.name.split("@")[0] in line]
    assert (checked.returncode, faults) == (0, [])
