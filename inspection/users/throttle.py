"""How long somebody waits before the next try to sign in: values in, seconds out.

What is counted, each under a keyed hash:

- the *pair* of account and client address, or of account and known device;
- the *account*, over all addresses;
- the *address*, over all accounts.

A wait follows from the pair and from the address, never from the account alone: whoever knows a log-in name could
otherwise lock its owner out. An account under attack makes pairs dearer instead: every address has one try, and then
waits. So its owner gets in from anywhere with the first right password, and an attacker pays with a new address for
each guess. A device that has signed in before proves it by a token and has a pair of its own, that no neighbour
behind the same address can use up.

Counts halve with time, and no wait is longer than `LONGEST`: nothing here lasts until somebody undoes it.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

HALF_LIFE = timedelta(minutes=15)
LONGEST = timedelta(minutes=15)
FREE_TRIES = 4
ATTACKED_FROM = 20
"""Failures of one account, over all addresses, from which it counts as attacked."""
FREE_TRIES_ATTACKED = 1
FREE_TRIES_OF_ADDRESS = 100
"""An office behind one address has many who mistype."""
FREE_CODES = 4
FIRST_WAIT = timedelta(seconds=15)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Count:
    """Failed tries, and when the last one was."""

    failures: int
    last_at: datetime


def standing(count: Count | None, now: datetime) -> int:
    """The failures that still count."""
    if count is None:
        return 0
    halvings = max(now - count.last_at, timedelta(0)) // HALF_LIFE
    return count.failures >> min(halvings, 63)


def wait_after(failures: int, free: int) -> timedelta:
    """The wait that follows the last of `failures`: none for the first `free`, then doubling up to `LONGEST`."""
    if failures <= free:
        return timedelta(0)
    doubled: int = 2 ** min(failures - free - 1, 10)
    return min(FIRST_WAIT * doubled, LONGEST)


def seconds_left(count: Count | None, free: int, now: datetime) -> int:
    """Whole seconds until the next try is heard; 0 = now."""
    if count is None:
        return 0
    left = count.last_at + wait_after(standing(count, now), free) - now
    return max(0, -(-left // timedelta(seconds=1)))


def seconds_to_wait(
    *, pair: Count | None, account: Count | None, address: Count | None, known_device: bool, now: datetime
) -> int:
    """Whole seconds until the next try is heard; 0 = now. A known device does not answer for its address."""
    attacked = standing(account, now) >= ATTACKED_FROM and not known_device
    of_pair = seconds_left(pair, FREE_TRIES_ATTACKED if attacked else FREE_TRIES, now)
    return of_pair if known_device else max(of_pair, seconds_left(address, FREE_TRIES_OF_ADDRESS, now))


def place_of(address: str) -> str:
    """What of a client address is counted: an IPv6 host commands a whole /64. Anything else counts as it is."""
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
