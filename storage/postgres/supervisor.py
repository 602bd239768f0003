"""The detached process that keeps one embedded PostgreSQL running while anybody uses it.

Every user of the cluster holds a shared lock on `lease.lock`, which the kernel releases however the process ends.
The supervisor stops the server when it gets that lock exclusively for a grace period. It restarts a server that
dies, adopts one whose supervisor died, and escalates INT, QUIT, KILL on stopping: PostgreSQL has been seen to hang
on INT when that arrives as crash recovery begins.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from storage.postgres.binaries import find_launcher
from storage.postgres.cluster import Cluster

GRACE_S = 3.0
POLL_S = 0.25
SOCKET = ".s.PGSQL.5432"
LONGEST_PAUSE_S = 5.0
ESCALATION = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


class Supervisor:
    """Runs `cluster` until nobody holds its lease."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.child: subprocess.Popen[bytes] | None = None
        self.failures = 0  # starts in a row after which the server was never ready
        self.was_ready = False

    def start_server(self) -> None:
        """Starts PostgreSQL in the foreground as a child, or adopts the one that runs."""
        if self.child is not None or self.cluster.postmaster_pid() is not None:
            return  # a child that has not written its pid file yet is starting
        self.end_orphans()
        # PostgreSQL takes a zombie for a server: these would keep the next one from starting until somebody reaps it.
        for stale in (self.cluster.data / "postmaster.pid", self.cluster.socket_dir / f"{SOCKET}.lock"):
            stale.unlink(missing_ok=True)
        with self.cluster.log_file.open("ab") as log:
            self.child = subprocess.Popen(
                self.cluster.launcher.command(
                    "postgres", "-D", str(self.cluster.data), "-k", str(self.cluster.socket_dir)
                ),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                user=self.cluster.launcher.user,
            )  # fmt: skip

    def end_orphans(self) -> None:
        """Ends what a killed server left: a session that goes on writing must not meet the next server's recovery.

        PostgreSQL finds such processes by its pid file, which is removed afterwards.
        """
        while orphans := self.cluster.processes():
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def stop_server(self) -> None:
        """Stops PostgreSQL, with more force each time it does not listen."""
        for number, patience in ESCALATION:
            pid = self.cluster.postmaster_pid()
            if pid is None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            end = time.monotonic() + patience
            while time.monotonic() < end and self.cluster.postmaster_pid() is not None:
                if self.child is not None:
                    self.child.poll()
                time.sleep(0.02)
        if self.child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(1)

    def unused(self, lease: int) -> bool:
        """Whether nobody holds the lease at this moment."""
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        fcntl.flock(lease, fcntl.LOCK_UN)
        return True

    def run(self) -> None:
        """Serves until the grace period passes without a user."""
        lease = os.open(self.cluster.lease_file, os.O_RDWR | os.O_CREAT, 0o600)
        unused_since: float | None = None
        while True:
            if self.child is not None and self.child.poll() is not None:
                self.child = None
                self.failures = 0 if self.was_ready else self.failures + 1
                self.was_ready = False
                time.sleep(pause_before_start(self.failures))
            self.start_server()
            self.was_ready = self.was_ready or self.cluster.says_ready()
            now = time.monotonic()
            if not self.unused(lease):
                unused_since = None
            elif unused_since is None:
                unused_since = now
            elif now - unused_since >= GRACE_S:
                try:
                    fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    unused_since = None
                    continue
                # Held until exit: whoever comes now waits on the lease and finds no server and no supervisor.
                self.stop_server()
                return
            time.sleep(POLL_S)


def pause_before_start(failures: int) -> float:
    """Seconds to wait after the server died, `failures` starts in a row having led to nothing (a full disk)."""
    return min(0.1 * 2.0 ** min(failures, 10), LONGEST_PAUSE_S)


def main(home: str, bin_dir: str, user: str, durable: str) -> int:
    """Entry point of the detached process; ends at once when another supervisor is at work."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    launcher = find_launcher(Path(bin_dir), user)
    cluster = Cluster(Path(home), launcher, durable=durable == "1")
    lock = os.open(cluster.supervisor_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    Supervisor(cluster).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
