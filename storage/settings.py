"""Settings from the environment, checked as a whole: a wrong one is explained in a sentence, all at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from storage import operation_settings, sign_in_settings
from storage.objects.address import BadAddress, BucketAddress, parse
from storage.operation_settings import OperationSettings
from storage.sign_in_settings import SignInSettings


class SettingsError(Exception):
    """The environment does not make a working configuration; `problems` holds one sentence for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ClockKind(StrEnum):
    """Which clock the data directory lives by."""

    SYSTEM = "system"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process needs to know about its surroundings.

    `database_url` is None for the embedded PostgreSQL. `role_urls` holds URLs given for single roles.
    `master_key_file` lies outside `data_dir`, so that a copy of the data does not hold its key.
    """

    data_dir: Path
    cache_dir: Path
    master_key_file: Path
    ledger: Path | None = None
    clock: ClockKind = ClockKind.SYSTEM
    database_url: str | None = None
    role_urls: tuple[tuple[str, str], ...] = ()
    database_name: str = "ruhu"
    postgres_bin: Path | None = None
    postgres_user: str = "nobody"
    postgres_durable: bool = True
    object_store_url: str | None = None
    object_store_access_key: str = field(default="", repr=False)
    object_store_secret_key: str = field(default="", repr=False)
    object_store_ca_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8600
    trusted_proxies: tuple[str, ...] = ()
    gate_body_limit: int = 60 * 1024 * 1024
    gate_read_timeout_s: float = 30.0
    webhook_tolerance_s: int = 300
    access_token_s: int = 900
    refresh_token_s: int = 14 * 24 * 3600
    sign_in: SignInSettings = field(default_factory=SignInSettings)
    operation: OperationSettings = field(default_factory=OperationSettings)
    backup_dir: Path | None = None
    backup_keep: int = 7
    backup_drill: bool = False
    audit_key: Path | None = None
    audit_heads_dir: Path | None = None

    @property
    def demo(self) -> bool:
        """Whether the data directory belongs to the demonstration."""
        return (self.data_dir / "DEMO").exists()

    @property
    def clock_file(self) -> Path:
        """Where the simulated clock keeps its moment."""
        return self.data_dir / "clock.json"

    @property
    def ledger_dir(self) -> Path:
        """Where the erasure ledger lies: beside the master key, outside the data directory and outside backups."""
        return self.ledger or self.master_key_file.parent / f"{self.data_dir.name}.erasures"

    @property
    def audit_key_file(self) -> Path:
        """The key that signs the audit log: beside the master key, outside the database and the data directory."""
        return self.audit_key or self.master_key_file.with_suffix(".audit.key")

    @property
    def objects_dir(self) -> Path:
        """The filesystem object store."""
        return self.data_dir / "objects"

    @property
    def models_dir(self) -> Path:
        """Prepared recognition models; can be rebuilt at any time."""
        return self.cache_dir / "models"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Reads `RUHU_*`, `DATABASE_URL` and `OBJECT_STORE_*`.

    Raises `SettingsError` with every fault found.
    """
    env = os.environ if environ is None else environ
    faults: list[str] = []
    data_dir = Path(env.get("RUHU_DATA", "var/ruhu")).absolute()
    key_default = data_dir.parent / "keys" / f"{data_dir.name}.key"
    key_file = Path(env.get("RUHU_MASTER_KEY_FILE", key_default)).absolute()
    if key_file.is_relative_to(data_dir):
        faults.append(
            f"RUHU_MASTER_KEY_FILE={key_file} 位于数据目录内: it must lie outside RUHU_DATA={data_dir}, "
            "or a copy of the data would carry its own key"
        )
    ledger = Path(env["RUHU_LEDGER_DIR"]).absolute() if env.get("RUHU_LEDGER_DIR") else None
    if ledger is not None and ledger.is_relative_to(data_dir):
        faults.append(
            f"RUHU_LEDGER_DIR={ledger} 位于数据目录内: it must lie outside RUHU_DATA={data_dir}, "
            "or a restore would bring back the people it should erase again"
        )
    audit_key, heads_dir = _audit(env, data_dir, faults)
    clock = env.get("RUHU_CLOCK", ClockKind.SYSTEM)
    if clock not in list(ClockKind):
        faults.append(f"RUHU_CLOCK={clock!r} 无效: use 'system' or 'simulated'")
        clock = ClockKind.SYSTEM
    url = env.get("DATABASE_URL") or None
    if url is not None and not url.startswith(("postgresql://", "postgres://")):
        faults.append("DATABASE_URL 无效: it must begin with postgresql://")
    role_urls = tuple(
        (role, env[f"DATABASE_URL_{role.upper()}"])
        for role in ("owner", "app", "intake", "system")
        if env.get(f"DATABASE_URL_{role.upper()}")
    )
    store_url = env.get("OBJECT_STORE_URL") or None
    store_keys, store_ca = _object_store(env, store_url, faults)
    bin_dir = Path(env["RUHU_POSTGRES_BIN"]).absolute() if env.get("RUHU_POSTGRES_BIN") else None
    needed = "postgres" if url is None else "pg_dump"  # beside an external server, backups need its client programs
    if bin_dir is not None and not (bin_dir / needed).exists():
        faults.append(f"RUHU_POSTGRES_BIN={bin_dir} 中没有 {needed}: name the folder that holds PostgreSQL's programs")
    backup_dir = Path(env["RUHU_BACKUP_DIR"]).absolute() if env.get("RUHU_BACKUP_DIR") else None
    if backup_dir is not None and backup_dir.is_relative_to(data_dir):
        faults.append(
            f"RUHU_BACKUP_DIR={backup_dir} 位于数据目录内: backups must lie outside RUHU_DATA, best on another disk"
        )
    if backup_dir is not None and key_file.is_relative_to(backup_dir):
        faults.append(f"RUHU_MASTER_KEY_FILE={key_file} 位于备份目录内: a copy of the backups would carry their key")
    numbers = {
        "RUHU_PORT": 8600,
        "RUHU_GATE_BODY_LIMIT": 60 * 1024 * 1024,
        "RUHU_GATE_READ_TIMEOUT_S": 30,
        "RUHU_WEBHOOK_TOLERANCE_S": 300,
        "RUHU_ACCESS_TOKEN_S": 900,
        "RUHU_REFRESH_TOKEN_S": 14 * 24 * 3600,
        "RUHU_BACKUP_KEEP": 7,
    }
    for name, default in numbers.items():
        text = env.get(name, str(default))
        if not text.isdecimal() or int(text) == 0:
            faults.append(f"{name}={text!r} 无效: it must be a whole number above zero")
            continue
        numbers[name] = int(text)
    if not 1 <= numbers["RUHU_PORT"] <= 65535:
        faults.append(f"RUHU_PORT={numbers['RUHU_PORT']} 无效: a port lies between 1 and 65535")
    sign_in = sign_in_settings.load(env, simulated=clock == ClockKind.SIMULATED, faults=faults)
    operation = operation_settings.load(env, faults=faults)
    if faults:
        raise SettingsError(faults)
    return Settings(
        data_dir=data_dir,
        cache_dir=Path(env.get("RUHU_CACHE", ".cache")).absolute(),
        master_key_file=key_file,
        ledger=ledger,
        clock=ClockKind(clock),
        database_url=url,
        role_urls=role_urls,
        database_name=env.get("RUHU_DATABASE", "ruhu"),
        postgres_bin=bin_dir,
        postgres_user=env.get("RUHU_POSTGRES_USER", "nobody"),
        postgres_durable=env.get("RUHU_POSTGRES_DURABLE", "1") != "0",
        object_store_url=store_url,
        object_store_access_key=store_keys[0],
        object_store_secret_key=store_keys[1],
        object_store_ca_file=store_ca,
        host=env.get("RUHU_HOST", "127.0.0.1"),
        port=numbers["RUHU_PORT"],
        trusted_proxies=tuple(p.strip() for p in env.get("RUHU_TRUSTED_PROXIES", "").split(",") if p.strip()),
        gate_body_limit=numbers["RUHU_GATE_BODY_LIMIT"],
        gate_read_timeout_s=float(numbers["RUHU_GATE_READ_TIMEOUT_S"]),
        webhook_tolerance_s=numbers["RUHU_WEBHOOK_TOLERANCE_S"],
        access_token_s=numbers["RUHU_ACCESS_TOKEN_S"],
        refresh_token_s=numbers["RUHU_REFRESH_TOKEN_S"],
        sign_in=sign_in,
        operation=operation,
        backup_dir=backup_dir,
        backup_keep=numbers["RUHU_BACKUP_KEEP"],
        backup_drill=env.get("RUHU_BACKUP_DRILL", "0") == "1",
        audit_key=audit_key,
        audit_heads_dir=heads_dir,
    )


def _audit(env: Mapping[str, str], data_dir: Path, faults: list[str]) -> tuple[Path | None, Path | None]:
    """The signing key and the second folder for signed heads: a proof that lies beside what it proves is none."""
    found: list[Path | None] = []
    for name in ("RUHU_AUDIT_KEY_FILE", "RUHU_AUDIT_HEADS_DIR"):
        path = Path(env[name]).absolute() if env.get(name) else None
        if path is not None and path.is_relative_to(data_dir):
            faults.append(f"{name}={path} 位于数据目录内: it must lie outside RUHU_DATA={data_dir}")
        found.append(path)
    return found[0], found[1]


def _object_store(env: Mapping[str, str], url: str | None, faults: list[str]) -> tuple[tuple[str, str], Path | None]:
    """Access key, secret key and CA file of the object store; a folder needs none of them."""
    if url is None:
        return ("", ""), None
    try:
        address = parse(url)
    except BadAddress as error:
        faults.extend(f"OBJECT_STORE_URL: {problem}" for problem in error.problems)
        return ("", ""), None
    if not isinstance(address, BucketAddress):
        return ("", ""), None
    keys = tuple(_secret(env, f"OBJECT_STORE_{name}_KEY", faults) for name in ("ACCESS", "SECRET"))
    ca_file = Path(env["OBJECT_STORE_CA_FILE"]).absolute() if env.get("OBJECT_STORE_CA_FILE") else None
    if ca_file is not None and not ca_file.is_file():
        faults.append(f"OBJECT_STORE_CA_FILE={ca_file} 不存在: name a file of CA certificates in PEM form")
    return (keys[0], keys[1]), ca_file


def _secret(env: Mapping[str, str], name: str, faults: list[str]) -> str:
    """A secret from the environment, or from the file that `<name>_FILE` names; never part of a fault's text."""
    text, file = env.get(name, ""), env.get(f"{name}_FILE", "")
    if text and file:
        faults.append(f"{name} 与 {name}_FILE 只能设置一个: set one of them")
    elif file:
        try:
            text = Path(file).read_text().strip()
            if Path(file).stat().st_mode & 0o007:
                faults.append(f"{name}_FILE 的权限过宽: others can read it (chmod 640 or 600)")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{name}_FILE 无法读取: it cannot be read ({type(error).__name__})")
            return ""
    if not text or not text.isprintable() or " " in text:
        faults.append(f"{name} 缺失或无效: set {name} or {name}_FILE for this object store")
    return text
