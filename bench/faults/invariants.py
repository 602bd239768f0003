"""What must be true after any fault, as functions of what was acknowledged and what is stored."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Findings:
    """What is wrong, one sentence or key for each. Nothing is: every list is empty."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.unreadable or self.other)

    def add(self, more: "Findings") -> None:
        """Takes over what another look found."""
        self.lost += more.lost
        self.doubled += more.doubled
        self.unreadable += more.unreadable
        self.other += more.other


def exactly_once(kind: str, acknowledged: Collection[str], stored: Iterable[str]) -> Findings:
    """Everything acknowledged is stored, and nothing twice. What nobody acknowledged may be stored, once."""
    counts = Counter(stored)
    return Findings(
        lost=[f"{kind} {key}" for key in sorted(set(acknowledged) - counts.keys())],
        doubled=[f"{kind} {key} ({count} times)" for key, count in sorted(counts.items()) if count > 1],
    )


def same_bytes(acknowledged: Mapping[str, str], read: Mapping[str, str | None]) -> Findings:
    """Each photo that was read gave the bytes that were sent. `read`: digest by id, None where it was not given."""
    return Findings(
        unreadable=[f"photo {key}" for key in sorted(read) if read[key] is None or read[key] != acknowledged[key]]
    )


def steps_in_order(histories: Mapping[str, Iterable[int]]) -> Findings:
    """The steps of each case are numbered 1, 2, 3 …"""
    found = Findings()
    for case, told in sorted(histories.items()):
        positions = list(told)
        if positions != list(range(1, len(positions) + 1)):
            found.other.append(f"case {case}: positions {positions}")
    return found


def nothing_left(counts: Mapping[str, int]) -> Findings:
    """Nothing of what is counted is there: queue rows, failed jobs, unsealed audit rows, processes, sockets."""
    return Findings(other=[f"{what}: {count}" for what, count in counts.items() if count])
