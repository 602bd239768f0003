"""Identifiers: UUIDv7, made in the application, ordered by time of creation."""

import uuid

import uuid_utils


def new_id() -> uuid.UUID:
    """A new UUIDv7 (RFC 9562, section 5.7)."""
    return uuid.UUID(int=uuid_utils.uuid7().int)
