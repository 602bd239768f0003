"""Settings of operation: log lines, metrics, how a process ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOGS = ("json", "text")
SHORTEST_TOKEN = 20


@dataclass(frozen=True, slots=True)
class OperationSettings:
    """`metrics_token`: whoever asks for metrics has to send it; without one there are none. `metrics_host`,
    `metrics_port`: where a worker answers (a server does at its own address); port 0 is nowhere. `drain_s`: seconds
    in which a server that was told to stop still takes requests, while /readyz says that it is about to leave."""

    log: str = "json"
    metrics_token: str = field(default="", repr=False)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    drain_s: int = 0


def load(env: Mapping[str, str], *, faults: list[str]) -> OperationSettings:
    """Reads `RUHU_LOG`, `RUHU_METRICS_*` and `RUHU_DRAIN_S`; faults are added to `faults`."""

    def number(name: str, highest: int) -> int:
        text = env.get(name, "0")
        if not text.isdecimal() or int(text) > highest:
            faults.append(f"{name}={text!r} 无效: it must be a whole number from 0 to {highest}")
            return 0
        return int(text)

    log = env.get("RUHU_LOG", "json")
    if log not in LOGS:
        faults.append(f"RUHU_LOG={log!r} 无效: use 'json' or 'text'")
    token = _token(env, faults)
    port = number("RUHU_METRICS_PORT", 65535)
    if port and not token:
        faults.append("RUHU_METRICS_PORT 需要令牌: set RUHU_METRICS_TOKEN or RUHU_METRICS_TOKEN_FILE")
    return OperationSettings(
        log=log, metrics_token=token, metrics_host=env.get("RUHU_METRICS_HOST", "127.0.0.1"), metrics_port=port,
        drain_s=number("RUHU_DRAIN_S", 600),
    )  # fmt: skip


def _token(env: Mapping[str, str], faults: list[str]) -> str:
    token, file = env.get("RUHU_METRICS_TOKEN", ""), env.get("RUHU_METRICS_TOKEN_FILE", "")
    if token and file:
        faults.append("RUHU_METRICS_TOKEN 与 RUHU_METRICS_TOKEN_FILE 只能设置一个: set one of them")
    elif file:
        try:
            token = Path(file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"RUHU_METRICS_TOKEN_FILE 无法读取: it cannot be read ({type(error).__name__})")
            return ""
    if token and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token):
        faults.append(
            f"RUHU_METRICS_TOKEN 无效: at least {SHORTEST_TOKEN} characters, no spaces (openssl rand -hex 24 makes one)"
        )
        return ""
    return token
