"""Moves objects from one store to another, as they are: encrypted. Neither database nor keys are needed.

It can be run again at any time: what the other store has with the same digest is passed over, what is missing is
copied, what differs is named and left alone. Every copy is read back and compared.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain

from storage.objects.store import ObjectExists, ObjectMissing, ObjectStore, StoreFailed

NAMESPACES = ("", "audit-heads")
AT_ONCE = 4
AHEAD = 32  # keys taken from the list before their turn; objects in memory are AT_ONCE


class Outcome(Enum):
    """What became of one object."""

    COPIED = "copied"
    SAME = "same"
    DIFFERENT = "different"
    VANISHED = "vanished"
    FAILED = "failed"


@dataclass(slots=True)
class Copied:
    """What was done. `bytes_copied` counts sealed bytes; `different` and `failed` are keys.

    `vanished`: deleted at the source between the listing and the reading, as retention does.
    """

    copied: int = 0
    same: int = 0
    vanished: int = 0
    bytes_copied: int = 0
    different: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    last_failure: StoreFailed | None = None

    @property
    def complete(self) -> bool:
        """Whether the other store has everything now."""
        return not (self.different or self.failed)

    @property
    def seen(self) -> int:
        """Objects looked at."""
        return self.copied + self.same + self.vanished + len(self.different) + len(self.failed)


def copy_objects(
    source: ObjectStore,
    target: ObjectStore,
    *,
    namespaces: tuple[str, ...] = NAMESPACES,
    at_once: int = AT_ONCE,
    say: Callable[[Copied], None] = lambda _: None,
) -> Copied:
    """Copies every key of the namespaces; `say` hears the state after each object.

    One object that fails is noted and the others go on. Raises `StoreFailed` when the source cannot be listed, or
    when `at_once * 4` objects in a row failed: then a store is down, and the run is to be repeated later.
    """
    done = Copied()
    in_a_row = 0
    keys = chain.from_iterable(source.keys(namespace) for namespace in namespaces)
    with ThreadPoolExecutor(at_once, thread_name_prefix="copy") as pool:
        running: dict[Future[tuple[Outcome, int, StoreFailed | None]], str] = {}
        try:
            for key in _then_nothing(keys):
                if key is not None:
                    running[pool.submit(_copy, source, target, key)] = key
                    if len(running) < AHEAD:
                        continue
                finished, _ = wait(running, return_when=FIRST_COMPLETED if key is not None else "ALL_COMPLETED")
                for one in finished:
                    outcome, size, failure = one.result()
                    _note(done, running.pop(one), outcome, size, failure)
                    in_a_row = in_a_row + 1 if failure is not None else 0
                    say(done)
                if in_a_row >= at_once * 4 and done.last_failure is not None:
                    raise done.last_failure
        finally:
            for one in running:
                one.cancel()
    return done


def _then_nothing(keys: Iterator[str]) -> Iterator[str | None]:
    """The keys, and None behind the last one."""
    yield from keys
    yield None


def _note(done: Copied, key: str, outcome: Outcome, size: int, failure: StoreFailed | None) -> None:
    match outcome:
        case Outcome.COPIED:
            done.copied += 1
            done.bytes_copied += size
        case Outcome.SAME:
            done.same += 1
        case Outcome.VANISHED:
            done.vanished += 1
        case Outcome.DIFFERENT:
            done.different.append(key)
        case Outcome.FAILED:
            done.failed.append(key)
            done.last_failure = failure


def _copy(source: ObjectStore, target: ObjectStore, key: str) -> tuple[Outcome, int, StoreFailed | None]:
    """One object: put, then read back and compared."""
    try:
        data = source.get(key)
        try:
            target.put(key, data)
            outcome = Outcome.COPIED
        except ObjectExists:
            outcome = Outcome.SAME
        same = hashlib.sha256(target.get(key)).digest() == hashlib.sha256(data).digest()
    except ObjectMissing:
        return Outcome.VANISHED, 0, None
    except StoreFailed as failure:
        return Outcome.FAILED, 0, failure
    return (outcome if same else Outcome.DIFFERENT), len(data), None
