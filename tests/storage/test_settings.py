"""Settings: every fault explained at once; the demonstration's clock refused on real data."""

from pathlib import Path

import pytest

from api.house import clock_for
from storage.clock import SimulatedClock, SystemClock
from storage.settings import SettingsError, load


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(
            {
                "RUHU_DATA": str(tmp_path), "RUHU_MASTER_KEY_FILE": str(tmp_path / "k"), "RUHU_CLOCK": "sundial",
                "DATABASE_URL": "mysql://x", "OBJECT_STORE_URL": "ftp://u:secret@h", "RUHU_PORT": "99999",
                "RUHU_GATE_BODY_LIMIT": "-1", "RUHU_POSTGRES_BIN": str(tmp_path),
            }
        )  # fmt: skip
    assert len(caught.value.problems) == 7
    assert "secret" not in str(caught.value)


def test_the_simulated_clock_belongs_to_a_demonstration(tmp_path: Path) -> None:
    settings = load({"RUHU_DATA": str(tmp_path), "RUHU_CLOCK": "simulated"})
    with pytest.raises(SettingsError, match="演示"):
        clock_for(settings)
    (tmp_path / "DEMO").touch()
    assert isinstance(clock_for(settings), SimulatedClock)
    assert isinstance(clock_for(load({"RUHU_DATA": str(tmp_path)})), SystemClock)


def test_two_processes_share_a_simulated_clock(tmp_path: Path) -> None:
    one, two = SimulatedClock(tmp_path / "c"), SimulatedClock(tmp_path / "c")
    from datetime import timedelta

    moved = one.advance(timedelta(days=3))
    assert two.now() == moved


def test_the_audit_key_lies_beside_the_master_key_and_never_in_the_data(tmp_path: Path) -> None:
    data = tmp_path / "ruhu"
    assert load({"RUHU_DATA": str(data)}).audit_key_file == tmp_path / "keys" / "ruhu.audit.key"
    given = load({"RUHU_DATA": str(data), "RUHU_AUDIT_KEY_FILE": str(tmp_path / "a.key")})
    assert given.audit_key_file == tmp_path / "a.key"
    inside = {"RUHU_AUDIT_KEY_FILE": str(data / "a.key"), "RUHU_AUDIT_HEADS_DIR": str(data / "heads")}
    with pytest.raises(SettingsError) as caught:
        load({"RUHU_DATA": str(data), **inside})
    assert len(caught.value.problems) == 2


def test_settings_of_operation(tmp_path: Path) -> None:
    default = load({}).operation
    assert (default.log, default.metrics_token, default.metrics_port, default.drain_s) == ("json", "", 0, 0)
    (tmp_path / "token").write_text("0123456789abcdef0123456789\n")
    file = {"RUHU_METRICS_TOKEN_FILE": str(tmp_path / "token")}
    found = load(file | {"RUHU_METRICS_PORT": "9601", "RUHU_LOG": "text", "RUHU_DRAIN_S": "5"})
    assert found.operation.metrics_token == "0123456789abcdef0123456789"
    assert (found.operation.metrics_port, found.operation.log, found.operation.drain_s) == (9601, "text", 5)
    assert "0123456789" not in repr(found)
    for wrong in (
        {"RUHU_LOG": "xml"}, {"RUHU_DRAIN_S": "-1"}, {"RUHU_METRICS_PORT": "9601"}, {"RUHU_METRICS_TOKEN": "short"},
        {"RUHU_METRICS_TOKEN_FILE": str(tmp_path / "none")}, file | {"RUHU_METRICS_TOKEN": "0123456789abcdef01234"},
        {"RUHU_METRICS_PORT": "70000"},
    ):  # fmt: skip
        with pytest.raises(SettingsError) as refused:
            load(wrong)
        assert len(refused.value.problems) == 1, wrong
        assert "0123456789" not in str(refused.value)
