from pathlib import Path

import pytest

from gate_integration.faces.engine import SFaceEngine
from gate_integration.faces.sample_pictures import fetch

CACHE = Path(__file__).parents[2] / ".cache"


@pytest.fixture(scope="session")
def pictures() -> dict[str, bytes]:
    """The sample pictures by role; a machine that cannot fetch them fails here, with the reason."""
    return {role: path.read_bytes() for role, path in fetch(CACHE / "pictures").items()}


@pytest.fixture(scope="session")
def engine() -> SFaceEngine:
    return SFaceEngine.from_cache(CACHE / "models")
