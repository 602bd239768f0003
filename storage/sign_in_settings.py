"""Settings of sign-in: how long log-ins last, what passwords cost, who needs a second factor, under which names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

SECOND_FACTOR_ROLES = ("administrator", "auditor", "manager")
ROLES = (*SECOND_FACTOR_ROLES, "inspector", "operator_staff", "liaison")


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """`idle_s`: seconds after which an unused log-in ends. `argon2_*`: see RFC 9106; a hash made with other values is
    renewed at the next log-in. `second_factor_roles`: whoever holds one of them can do nothing without a second
    factor. `public_hosts`: names under which the server is reached, all when empty."""

    idle_s: int = 7 * 24 * 3600
    argon2_time: int = 3
    argon2_memory_kib: int = 65536
    argon2_lanes: int = 4
    second_factor_roles: tuple[str, ...] = ()
    public_hosts: tuple[str, ...] = ()


def load(env: Mapping[str, str], *, simulated: bool, faults: list[str]) -> SignInSettings:
    """Reads `RUHU_IDLE_SESSION_S`, `RUHU_ARGON2_*`, `RUHU_SECOND_FACTOR_ROLES` and `RUHU_PUBLIC_HOSTS`.

    Faults are added to `faults`. Under a simulated clock, which real data never has, no role needs a second factor
    unless the setting says so.
    """

    def number(name: str, default: int, lowest: int) -> int:
        text = env.get(name, str(default))
        if not text.isdecimal() or int(text) < lowest:
            faults.append(f"{name}={text!r} 无效: it must be a whole number from {lowest} up")
            return default
        return int(text)

    roles = words(env.get("RUHU_SECOND_FACTOR_ROLES", "" if simulated else ",".join(SECOND_FACTOR_ROLES)))
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        faults.append(f"RUHU_SECOND_FACTOR_ROLES: {unknown[0]!r} 不是角色: use {', '.join(ROLES)}, or leave it empty")
    hosts = words(env.get("RUHU_PUBLIC_HOSTS", ""), str.lower)
    if any("/" in host or " " in host for host in hosts):
        faults.append("RUHU_PUBLIC_HOSTS 无效: give host names without scheme or path, separated by commas")
    default = SignInSettings()
    return SignInSettings(
        idle_s=number("RUHU_IDLE_SESSION_S", default.idle_s, 60),
        argon2_time=number("RUHU_ARGON2_TIME", default.argon2_time, 1),
        argon2_memory_kib=number("RUHU_ARGON2_MEMORY_KIB", default.argon2_memory_kib, 1024),
        argon2_lanes=number("RUHU_ARGON2_LANES", default.argon2_lanes, 1),
        second_factor_roles=roles,
        public_hosts=hosts,
    )


def words(text: str, change: Callable[[str], str] = str) -> tuple[str, ...]:
    """The words of a list with commas."""
    return tuple(change(word.strip()) for word in text.split(",") if word.strip())
