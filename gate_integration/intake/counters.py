"""What the intake counts, for metrics and for people: nothing here names a device or a person."""

NAMES = (
    "accepted",
    "unknown_token",  # answered 404
    "wrong_method",
    "too_large",
    "timed_out",
    "cut_off",  # the device hung up within its own request
    "failed",  # could not be stored: closed without a reply
    "uncleared",  # accepted, but the body could not be cleared of pictures and was sealed
    "pictures",  # snapshots stored
)


def fresh_counters() -> dict[str, int]:
    """Requests by how they ended, since the process began."""
    return dict.fromkeys(NAMES, 0)
