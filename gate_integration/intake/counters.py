"""What the intake counts, for metrics and for people: nothing here names a device or a person."""

NAMES = (
    "accepted",
    "duplicates",  # signed messages that were taken before: acknowledged, not stored again
    "unknown_token",  # answered 404; a webhook's unknown device too
    "refused",  # a webhook without a good signature: answered 401
    "wrong_method",
    "too_large",
    "timed_out",
    "cut_off",  # the device hung up within its own request
    "failed",  # could not be stored: closed without a reply, or 503 to a webhook
    "uncleared",  # accepted, but the body could not be cleared of pictures and was sealed
    "pictures",  # snapshots stored
)


def fresh_counters() -> dict[str, int]:
    """Requests by how they ended, since the process began."""
    return dict.fromkeys(NAMES, 0)
