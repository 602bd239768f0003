"""The parts into which a person's data falls when it is decided what goes and what has to stay for a while."""

from enum import StrEnum


class Part(StrEnum):
    """Biometrics are no part that can be kept: they rest on consent alone, and go at once."""

    REGISTER = "register"  # name, ID number, telephone, membership, stays, work
    TRAIL = "trail"  # sightings, and whose entry a passage used
    CASE_RECORDS = "case_records"  # what was copied into or recorded for a case
