"""Stand-ins for what is not under test: an engine that finds nothing, for tests that have no pictures."""

from gate_integration.faces.records import Face


class StillEngine:
    """Finds no face in any picture."""

    engine_id = "still"
    model_hash = "0" * 16

    def analyse(self, data: bytes) -> list[Face]:
        """Nothing."""
        del data
        return []
