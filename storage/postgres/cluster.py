"""One embedded cluster on disk: its folders, its first initialisation, its state as its own files tell it."""

import contextlib
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from storage.postgres.binaries import Launcher

CONFIGURATION = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = '128MB'
wal_compression = on
timezone = 'UTC'
log_timezone = 'UTC'
log_min_duration_statement = -1
log_statement = 'none'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
log_min_error_statement = panic
"""
# Statements and their parameters can hold personal data: they never reach PostgreSQL's log.

NOT_DURABLE = """
fsync = off
full_page_writes = off
synchronous_commit = off
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Paths of an embedded cluster below `home`."""

    home: Path
    launcher: Launcher
    durable: bool = True

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory; under /var/lib when another account must own it."""
        if self.launcher.user is not None:
            return Path("/var/lib/ruhu") / self.short_name
        return self.home / "data"

    @property
    def short_name(self) -> str:
        """Eight characters that name this cluster."""
        return hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:8]

    @property
    def socket_dir(self) -> Path:
        """A short folder for the socket, since a socket's path may have 107 bytes."""
        base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        return base / f"ruhu-{os.geteuid()}-{self.short_name}"

    @property
    def log_file(self) -> Path:
        """What PostgreSQL prints."""
        return self.home / "postgres.log"

    @property
    def lease_file(self) -> Path:
        """Locked (shared) by every process that uses the cluster."""
        return self.home / "lease.lock"

    @property
    def supervisor_file(self) -> Path:
        """Locked by the one supervisor."""
        return self.home / "supervisor.lock"

    def url(self, user: str, database: str) -> str:
        """A libpq URL over the socket."""
        return f"postgresql://{user}@/{database}?host={self.socket_dir}"

    def prepare_folders(self) -> None:
        """Makes the folders; refuses a socket folder that somebody else could have planted."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            self.socket_dir.mkdir(mode=0o700)
        found = self.socket_dir.lstat()
        owner = os.geteuid() if self.launcher.user is None else None
        if not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
            raise PermissionError(f"{self.socket_dir} is not a private folder")
        if owner is not None and found.st_uid != owner:
            raise PermissionError(f"{self.socket_dir} belongs to another user")
        if self.launcher.user is not None:
            self.data.parent.mkdir(parents=True, exist_ok=True)
            self.data.parent.chmod(0o711)
            shutil.chown(self.socket_dir, self.launcher.user)
            if not self.data.exists():
                self.data.mkdir(mode=0o700)
                shutil.chown(self.data, self.launcher.user)

    def initialised(self) -> bool:
        """Whether initdb has finished here."""
        return (self.data / "PG_VERSION").exists() and (self.home / "initialised").exists()

    def initialise(self) -> None:
        """Runs initdb once; an interrupted run is thrown away and done again."""
        if self.initialised():
            return
        if self.data.exists() and self.launcher.user is None:
            shutil.rmtree(self.data)
        elif self.data.exists():
            for entry in self.data.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if self.launcher.major_version() >= 17
            else ["--locale=C.UTF-8"]
        )
        sync = [] if self.durable else ["--no-sync"]
        done = subprocess.run(
            self.launcher.command(
                "initdb", "-D", str(self.data), "-U", "postgres", "--encoding=UTF8", "--auth=trust",
                "--data-checksums", *locale, *sync,
            ),
            check=False, capture_output=True, text=True, user=self.launcher.user,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()[-800:]}")
        extra = CONFIGURATION if self.durable else CONFIGURATION + NOT_DURABLE
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(extra)
        (self.home / "initialised").touch()

    def postmaster_pid(self) -> int | None:
        """The running server's process id, by its own pid file; None if it is dead, a zombie or not ours."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return pid if self._works_here(Path(f"/proc/{pid}")) else None

    def processes(self) -> list[int]:
        """Every process of PostgreSQL that works in this cluster, whoever its parent is."""
        folders = [folder for folder in Path("/proc").iterdir() if folder.name.isdecimal()]
        return [int(folder.name) for folder in folders if self._works_here(folder)]

    def _works_here(self, folder: Path) -> bool:
        """Whether a process (its folder in /proc) lives and works in this cluster: they all change to its folder."""
        try:
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
            name = (folder / "comm").read_text().strip()
            return state not in "ZX" and name == "postgres" and (folder / "cwd").readlink() == self.data.resolve()
        except (OSError, IndexError):  # it ended meanwhile, or is somebody else's
            return False

    def says_ready(self) -> bool:
        """Whether the server says so in the eighth line of its pid file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and self.postmaster_pid() is not None

    def ready(self) -> bool:
        """Whether the server accepts connections, by its own word and a connection."""
        if not self.says_ready():
            return False
        try:
            psycopg.connect(self.url("postgres", "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def log_tail(self) -> str:
        """The end of PostgreSQL's log, for an error message."""
        try:
            return self.log_file.read_text(errors="replace")[-1500:]
        except FileNotFoundError:
            return ""
