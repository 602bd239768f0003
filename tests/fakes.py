"""Stand-ins for what is not under test: an engine that finds nothing, for tests that have no pictures."""

from gate_integration.faces.reasons import Reason
from gate_integration.faces.records import Analysis, Face, PictureStats, Probe


class StillEngine:
    """Finds no face in any picture."""

    engine_id = "still"
    model_hash = "0" * 16

    def analyse(self, data: bytes) -> list[Face]:
        """Nothing."""
        del data
        return []

    def inspect(self, data: bytes) -> Analysis:
        """No face."""
        del data
        return Analysis((), 0, PictureStats(480, 640, 128.0))

    def probe(self, data: bytes) -> Probe:
        """No face, and the reason."""
        del data
        return Probe(None, Reason("no-face", "未检测到人脸", "no face"), 0)
