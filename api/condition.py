"""Whether the object store works, asked at most every so often however many want to know."""

import asyncio
from dataclasses import dataclass

from storage.objects.service import Objects
from storage.objects.store import StoreFailed

EVERY_S = 30.0
LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class StoreState:
    """`reason` is a code such as "down" or "full"; None when the store works."""

    reason: str | None
    seconds: float

    @property
    def works(self) -> bool:
        """Whether a small object was stored, read and removed."""
        return self.reason is None


class StoreWatch:
    """Tries the store and remembers how that went."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.turn = asyncio.Lock()
        self.known: StoreState | None = None
        self.until = 0.0

    async def state(self) -> StoreState:
        """The state, at most `EVERY_S` old."""
        loop = asyncio.get_running_loop()
        async with self.turn:
            if self.known is None or loop.time() >= self.until:
                began = loop.time()
                reason: str | None = None
                try:
                    async with asyncio.timeout(LIMIT_S):
                        await asyncio.to_thread(self.objects.store.check)
                except StoreFailed as error:
                    reason = error.reason.value
                except TimeoutError:
                    reason = "slow"
                self.known = StoreState(reason, loop.time() - began)
                self.until = loop.time() + EVERY_S
            return self.known
