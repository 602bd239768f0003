"""Checking a chain row by row, as values: what was altered, deleted, inserted, exchanged or cut, and where first.

Rows come in the order of their sequence, heads in the order of (epoch, sequence). A finding about a link waits for
the next one, whose `previous` tells whether the link or its entry was altered; no more than two rows are kept.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from storage.audit import chain
from storage.audit.chain import GENESIS, Entry, Head, Link, Payload
from storage.audit.faults import Code, Fault
from storage.audit.keys import signed_by


@dataclass(frozen=True, slots=True)
class Row:
    """A link with what it seals: `entry` is None when the row is gone, `payload` when there is none (any more)."""

    link: Link
    entry: Entry | None
    payload: Payload | None


@dataclass(slots=True)
class Tally:
    """What was counted."""

    links: int = 0
    heads: int = 0
    payloads: int = 0
    erased: int = 0

    def count(self, row: Row) -> None:
        """One row more."""
        self.links += 1
        if row.payload is not None:
            self.payloads += 1
        elif row.entry is not None and row.entry.payload_digest is not None:
            self.erased += 1


class Checker:
    """Takes rows one by one and tells what is wrong with each. `keys`: public keys by id.

    `heads`: the heads still to come; whoever feeds rows puts those up to a row's sequence in before the row.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self.keys = keys
        self.heads: deque[Head] = deque()
        self.tally = Tally()
        self.before: Row | None = None
        self.head_before: Head | None = None
        self.follow = GENESIS  # what the next link should name as its predecessor
        self.pending = False  # the digest of the row before is not its own, and it is open which was altered

    def row(self, row: Row) -> Iterator[Fault]:
        """The faults that this row shows, in itself or in what went before."""
        self.tally.count(row)
        if self.before is not None and self.pending:
            yield whose(self.before, row.link.previous)
            self.follow = row.link.previous
        yield from self._place(row)
        yield from _content(row)
        self.follow = row.link.digest
        while self.heads and self.heads[0].sequence <= row.link.sequence:
            yield from self._head(self.heads.popleft(), row)
        self.before = row

    def _place(self, row: Row) -> Iterator[Fault]:
        expected = 1 if self.before is None else self.before.link.sequence + 1
        self.pending = row.entry is not None and computed(row, row.link.previous) != row.link.digest
        if row.link.sequence != expected:
            yield gap(expected, row.link)
        elif row.link.previous != self.follow:
            yield broken(self.before, row, self.follow, consistent=not self.pending)
            self.pending = False

    def _head(self, head: Head, row: Row) -> Iterator[Fault]:
        faults = list(self._check_head(head))
        yield from faults
        if faults:
            return
        if head.sequence < row.link.sequence:
            yield Fault(Code.HEAD_DIFFERS, head.sequence, epoch=head.epoch, detail="no such link")
        elif self.pending:
            yield whose(row, head.digest)
            self.pending, self.follow = False, head.digest
        elif head.digest != self.follow:
            covered = f"{head.sequence - head.count + 1}–{head.sequence}"
            yield Fault(Code.HEAD_DIFFERS, head.sequence, row.link.entry_id, head.epoch, covered)

    def _check_head(self, head: Head) -> Iterator[Fault]:
        before, self.head_before = self.head_before, head
        self.tally.heads += 1
        if head.key_id not in self.keys:
            yield Fault(Code.HEAD_UNSIGNED, head.sequence, epoch=head.epoch, detail=head.key_id)
        elif not signed_by(head, self.keys):
            yield Fault(Code.HEAD_ALTERED, head.sequence, epoch=head.epoch)
        elif (
            head.previous != (GENESIS if before is None else chain.head_digest(before))
            or head.count != head.sequence - (0 if before is None else before.sequence)
            or head.epoch < (0 if before is None else before.epoch)
        ):
            yield Fault(Code.HEAD_MISPLACED, head.sequence, epoch=head.epoch)

    def finish(self) -> Iterator[Fault]:
        """What is wrong with the end, when all rows have gone by and all heads are known."""
        if self.before is not None and self.pending:
            yield Fault(Code.ROW_OR_LINK_ALTERED, self.before.link.sequence, self.before.link.entry_id)
        last = 0 if self.before is None else self.before.link.sequence
        if not self.heads and last > (0 if self.head_before is None else self.head_before.sequence):
            yield Fault(Code.TAIL_WITHOUT_HEAD, last)
        while self.heads:
            head = self.heads.popleft()
            yield from self._check_head(head)
            yield Fault(Code.TAIL_CUT, last + 1, epoch=head.epoch, detail=f"{last + 1}–{head.sequence}")


def check(rows: Iterable[Row], heads: Iterable[Head], keys: Mapping[str, bytes]) -> Iterator[Fault]:
    """Every fault of a chain that is at hand as a whole, in order."""
    checker = Checker(keys)
    checker.heads.extend(heads)
    for row in rows:
        yield from checker.row(row)
    yield from checker.finish()


def check_payload(entry: Entry, payload: Payload | None, sequence: int | None) -> Fault | None:
    """Whether the payload that is there is the one that was hashed; one that is gone is no fault of itself."""
    if payload is None:
        return None
    if entry.payload_digest is None:
        return Fault(Code.PAYLOAD_INSERTED, sequence, entry.id)
    if chain.payload_digest(payload) != entry.payload_digest:
        return Fault(Code.PAYLOAD_ALTERED, sequence, entry.id)
    return None


def _content(row: Row) -> Iterator[Fault]:
    if row.entry is None:
        yield Fault(Code.ENTRY_DELETED, row.link.sequence, row.link.entry_id)
        return
    wrong = check_payload(row.entry, row.payload, row.link.sequence)
    if wrong is not None:
        yield wrong


def computed(row: Row, previous: bytes) -> bytes | None:
    """What the digest of a link should be after `previous`; None when its entry is gone."""
    return None if row.entry is None else chain.link_digest(row.link.sequence, previous, row.entry)


def whose(row: Row, named: bytes) -> Fault:
    """Which was altered, the link or its entry: the next link, or the head, remembers the digest that was."""
    link = row.link
    if named == link.digest:
        return Fault(Code.ENTRY_ALTERED, link.sequence, link.entry_id)
    if named == computed(row, link.previous):
        return Fault(Code.LINK_ALTERED, link.sequence, link.entry_id)
    return Fault(Code.ROW_OR_LINK_ALTERED, link.sequence, link.entry_id)


def gap(expected: int, link: Link) -> Fault:
    """A sequence that is missing, or stands there twice."""
    if link.sequence < expected:
        return Fault(Code.LINK_BROKEN, link.sequence, link.entry_id, detail="twice")
    return Fault(Code.LINK_DELETED, expected, detail=f"{expected}–{link.sequence - 1}")


def broken(before: Row | None, row: Row, follow: bytes, *, consistent: bool) -> Fault:
    """The link names another predecessor than the one that stands there.

    A link that fits what stands there but for the name had its name altered. One that is sound by itself remembers
    the predecessor as it was: that one was written anew, digest and all. Anything else was put here from elsewhere.
    """
    link = row.link
    if computed(row, follow) == link.digest:
        return Fault(Code.LINK_ALTERED, link.sequence, link.entry_id)
    if consistent and before is not None:
        return Fault(Code.LINK_BROKEN, before.link.sequence, before.link.entry_id)
    return Fault(Code.LINK_BROKEN, link.sequence, link.entry_id)
