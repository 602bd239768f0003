"""Demands complete branch coverage of the pure core: run after the tests, over the coverage they left."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Fails when a branch of a pure rule is not tested, or when the configuration names a file that is not there."""
    patterns: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruhu"]["pure_core"]
    missing = [pattern for pattern in patterns if not list(ROOT.glob(pattern))]
    if missing:
        sys.stderr.write(f"pure core: no such file: {', '.join(missing)}\n")
        return 1
    return subprocess.run(
        [sys.executable, "-m", "coverage", "report", "--include", ",".join(patterns), "--fail-under", "100"],
        check=False, cwd=ROOT,
    ).returncode  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
