"""Where an installation under fault stands: a folder, on a small disk of its own where the system lets us mount one,
and an S3 server when one is asked for."""

import contextlib
import errno
import importlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DISK_BYTES = 3 * 1024**3  # sparse: it takes what is written
BUCKET = "ruhu-faults"


@dataclass(slots=True)
class Ground:
    """`data` is the data directory. `disk`: whether it is a disk of its own, which can be filled. `skipped`: what
    cannot be had here, with the reason. `store`: the S3 server; `store_port`: where its proxy is to lead."""

    folder: Path
    data: Path
    disk: bool = False
    store: Any = None
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def ballast(self) -> Path:
        """The file that fills the disk."""
        return self.data / "ballast"

    def fill(self) -> int:
        """Takes every free byte of the disk; how many."""
        taken, piece = 0, 64 * 1024**2
        with self.ballast.open("wb") as file:
            while piece >= 4096:
                try:
                    os.posix_fallocate(file.fileno(), taken, piece)
                    taken += piece
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    piece //= 4
        return taken

    def free(self) -> None:
        """Gives the bytes back."""
        self.ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def prepared(folder: Path, *, s3: bool) -> Iterator[Ground]:
    """The ground below an empty folder; what was mounted and started is undone."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    ground = Ground(folder, data)
    with contextlib.ExitStack() as stack:
        why = mount(folder / "disk.img", data)
        if why is None:
            ground.disk = True
            stack.callback(unmount, data, folder / "disk.img")
            data = ground.data = data / "ruhu"
            data.mkdir(mode=0o700)
        else:
            ground.skipped["disk-full"] = why
        if s3:
            store_folder = folder / "store"
            store_folder.mkdir()
            # The servers that the store's tests run against; they come with the repository, not with the package.
            servers: Any = importlib.import_module("tests.storage.object_servers")
            ground.store = stack.enter_context(servers.juicefs(store_folder))
        else:
            ground.skipped["kill-store"] = "objects lie in a folder: no server to kill (--store s3)"
        yield ground


def mount(image: Path, where: Path) -> str | None:
    """A file system in a file; why there is none, when there is none."""
    if os.geteuid() != 0:
        return "a disk of its own needs root"
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    for command in (
        ["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", str(image)],
        ["mount", "-o", "loop", str(image), str(where)],
    ):
        try:
            done = subprocess.run(command, capture_output=True, check=False, text=True)
        except FileNotFoundError:
            done = subprocess.CompletedProcess(command, 127, stderr=f"{command[0]} is not there")
        if done.returncode != 0:
            image.unlink()
            return f"{command[0]}: {done.stderr.strip()[-200:]}"
    where.chmod(0o700)
    return None


def unmount(where: Path, image: Path) -> None:
    """Takes the disk away; its files with it, unless somebody still uses them."""
    subprocess.run(["umount", str(where)], check=False, capture_output=True)
    if not where.is_mount():
        image.unlink(missing_ok=True)
