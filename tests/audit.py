"""`python -m tests.audit`: are the parts of others pinned, licensed, maintained, and free of known faults?

What can be told without a network is always told, and fails. Whether the lock is what requirements.in asks for needs
the index, whether somebody reported a fault needs the advisory service: where they cannot be reached, that is said
aloud, written into .cache/audit.json, and is no failure.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
RESULT = ROOT / ".cache/audit.json"
UV = ROOT / ".cache/tools/bin/uv"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)(.*)$", re.MULTILINE)
ALLOWED = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|Zlib|Unlicense|CC0|Boost|BSL-1\.0|HPND)\b",
    re.IGNORECASE,
)
REFUSED = re.compile(r"GPL|SSPL|BUSL|Commons Clause|proprietary|non-?commercial|CNRI", re.IGNORECASE)
OWN = {"ruhu", "pip", "setuptools"}
NOT_ASKED = "could not be audited"


def known() -> dict[str, Any]:
    """What we know of advisories and licences."""
    return tomllib.loads((ROOT / "docs/advisories.toml").read_text(encoding="utf-8"))


def pinned() -> dict[str, tuple[str, str]]:
    """Name → version, and what follows it in the lock."""
    return {canonicalize_name(name): (version, rest) for name, version, rest in PINNED.findall(read(LOCK))}


def read(path: Path) -> str:
    """A lock with each part in one line."""
    return path.read_text(encoding="utf-8").replace("\\\n", " ")


def licence(found: Distribution) -> str:
    """What a distribution says of its licence."""
    said = found.metadata
    classifiers = [one.split("::")[-1].strip() for one in said.get_all("Classifier") or () if one.startswith("License")]
    first = (said.get("License") or "").strip().splitlines()[:1]
    return said.get("License-Expression") or "; ".join(classifiers) or "".join(first)[:100]


def pins() -> Iterator[str]:
    """Parts that are not pinned by hash, or that would be compiled."""
    text, found = read(LOCK), pinned()
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    if len(lines) != len(found):
        yield "requirements.lock has lines that are not of the form name==version"
    for name, (_, rest) in found.items():
        if "--hash=sha256:" not in rest:
            yield f"{name} is not pinned by hash"
    if "--require-hashes --only-binary :all:" not in (ROOT / "Makefile").read_text(encoding="utf-8"):
        yield "the Makefile installs without hashes, or compiles"
    installed = {canonicalize_name(one.metadata["Name"]): one.version for one in distributions()}
    for name, (version, _) in found.items():
        if name in installed and Version(installed[name]) != Version(version):
            yield f"{name} {installed[name]} is installed, the lock has {version}"


def licences() -> Iterator[str]:
    """Parts whose licence is not among those that we take, without a reason for the exception."""
    excepted = {canonicalize_name(one["package"]): one["licence"] for one in known().get("licence", ())}
    for found in distributions():
        name, said = canonicalize_name(found.metadata["Name"]), licence(found)
        if name in OWN or excepted.get(name) == said:
            continue
        if not ALLOWED.search(said) or REFUSED.search(said):
            yield f"{name}: the licence {said!r} is not allowed and no exception is named in docs/advisories.toml"
    locked = pinned()
    yield from (f"{name}: an exception for a part that we do not use" for name in excepted if name not in locked)


def denied(locked: dict[str, tuple[str, str]]) -> Iterator[str]:
    """Parts in versions of which we know a fault."""
    for one in known()["deny"]:
        version = locked.get(canonicalize_name(one["package"]), (None, ""))[0]
        if version is not None and SpecifierSet(one["versions"]).contains(version, prereleases=True):
            yield f"{one['package']} {version}: {one['advisory']}, {one['why']}"


def unmaintained() -> Iterator[str]:
    """Reasons for parts that are gone."""
    locked = pinned()
    for one in known().get("unmaintained", ()):
        if canonicalize_name(one["package"]) not in locked:
            yield f"{one['package']}: a reason for a part that we do not use"


def drift() -> tuple[str, list[str]]:
    """Whether the lock is what requirements.in asks for: the state, and what is wrong."""
    if not UV.exists():
        return "not checked: uv is not set up", []
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "requirements.lock"
        shutil.copy(LOCK, made)  # versions that still fit are kept
        done = subprocess.run(
            [UV, "pip", "compile", "requirements.in", "--override", "overrides.txt", "--generate-hashes", "--no-header",
             "--no-annotate", "--no-emit-index-url", "--only-binary", ":all:", "--python-version", "3.11", "--quiet",
             "--output-file", str(made)],
            cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        if done.returncode:
            if re.search(r"no solution|unsatisfiable|conflict", done.stderr, re.IGNORECASE):
                return "failed", ["requirements.in and its overrides cannot be met"]
            return "not checked: the index could not be reached", []
        asked, have = dict(versions_in(made)), dict(versions_in(LOCK))
    wrong = [f"{name}: the lock has {have.get(name)}, requirements.in leads to {asked.get(name)}"
             for name in sorted(asked.keys() | have.keys()) if asked.get(name) != have.get(name)]  # fmt: skip
    return ("failed" if wrong else "passed"), wrong


def versions_in(path: Path) -> list[tuple[str, str]]:
    """Names and versions of a lock."""
    return [(canonicalize_name(name), version) for name, version, _ in PINNED.findall(read(path))]


def reported() -> tuple[str, list[str]]:
    """What the advisory service reports: the state, and what is wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--disable-pip", "--require-hashes",
         "--format", "json", "--progress-spinner", "off", "--timeout", "10"],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    try:
        parts = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return "not checked: the advisory service could not be reached", []
    asked = [one for one in parts if NOT_ASKED not in one.get("skip_reason", "")]
    if not asked:
        return (
            f"not checked: the service knows none of {len(parts)} parts; the index is a mirror without advisories",
            [],
        )
    tolerated = {(one["package"], one["advisory"]) for one in known().get("tolerated", ())}
    wrong = [
        f"{one['name']} {one['version']}: {fault['id']}"
        for one in asked
        for fault in one.get("vulns", ())
        if not {(one["name"], name) for name in (fault["id"], *fault.get("aliases", ()))} & tolerated
    ]
    state = "passed" if len(asked) == len(parts) else f"passed for {len(asked)} of {len(parts)} parts"
    return ("failed" if wrong else state), wrong


def main() -> int:
    """Tells everything, writes it down, and gives 1 when something is wrong."""
    results: dict[str, tuple[str, list[str]]] = {}
    offline = {"pins": pins(), "licences": licences(), "deny list": denied(pinned()), "unmaintained": unmaintained()}
    for name, found in offline.items():
        wrong = list(found)
        results[name] = ("failed" if wrong else "passed", wrong)
    results["drift"] = drift()
    results["advisories"] = reported()
    for name, (state, wrong) in results.items():
        print(f"{name:14} {'!!! ' if state.startswith('not checked') else ''}{state}")  # noqa: T201
        for line in wrong:
            print(f"  {line}")  # noqa: T201
    RESULT.parent.mkdir(exist_ok=True)
    told = {name: {"state": state, "wrong": wrong} for name, (state, wrong) in results.items()}
    RESULT.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), "results": told}, indent=2) + "\n")
    return int(any(state == "failed" for state, _ in results.values()))


if __name__ == "__main__":
    sys.exit(main())
