"""Argon2id in a bounded pool of threads: a hash takes tens of milliseconds and megabytes, and the event loop has
neither to spare. What the pool cannot take soon is refused at once, before it fills the memory."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from inspection.users.errors import SignInBusy
from storage.sign_in_settings import SignInSettings

T = TypeVar("T")
THREADS = 2
WAITING = 48
"""At two threads and some 50 ms a hash, whoever is last in the queue waits little more than a second."""


class PasswordHashing:
    """Hashes and checks passwords: argon2id, by default with the second choice of parameters in RFC 9106."""

    def __init__(
        self, settings: SignInSettings | None = None, *, threads: int = THREADS, waiting: int = WAITING
    ) -> None:
        chosen = settings or SignInSettings()
        self.hasher = PasswordHasher(
            time_cost=chosen.argon2_time, memory_cost=chosen.argon2_memory_kib, parallelism=chosen.argon2_lanes
        )
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self.room = threads + waiting
        self.inside = 0
        self.nobodys_hash: str | None = None

    async def hash(self, password: str) -> str:
        """The hash of a password; raises `SignInBusy`."""
        return await self._run(lambda: self.hasher.hash(password))

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one that was hashed; raises `SignInBusy`.

        None for a user that does not exist: that takes as long, and never fits.
        """
        return await self._run(lambda: self._fits(stored, password))

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self.hasher.check_needs_rehash(stored)

    def _fits(self, stored: str | None, password: str) -> bool:
        if self.nobodys_hash is None:  # also checked where it is not needed, so that the first try shows nothing
            self.nobodys_hash = self.hasher.hash(secrets.token_hex(16))
        try:
            return self.hasher.verify(stored or self.nobodys_hash, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self.inside >= self.room:
            raise SignInBusy(retry_after=2)
        self.inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, work)
        finally:
            self.inside -= 1
