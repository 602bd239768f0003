"""What the intake counts, for metrics and for people: nothing here names a device or a person."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class IntakeCounters:
    """Requests by how they ended, since the process began.

    `unknown_token`: answered 404. `cut_off`: the device hung up within its own request. `failed`: could not be stored,
    closed without a reply. `uncleared`: accepted, but the body could not be cleared and was sealed.
    """

    accepted: int = 0
    unknown_token: int = 0
    wrong_method: int = 0
    too_large: int = 0
    timed_out: int = 0
    cut_off: int = 0
    failed: int = 0
    uncleared: int = 0
    pictures: int = 0

    def as_dict(self) -> dict[str, int]:
        """Names and counts."""
        return asdict(self)
