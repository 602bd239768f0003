"""Where the gate side's implementations meet the ports of the field and office side."""

from api.context import Context, Ports
from api.house import House
from gate_integration.enrolment.counting import StoredFaces
from gate_integration.enrolment.holdings import PersonAtGates
from gate_integration.faces.records import Engine
from gate_integration.occupancy.evidence_copy import OccupancyEvidence
from gate_integration.occupancy.timeline import OccupancyTimeline
from inspection.users.hashing import PasswordHashing


def make_ports() -> Ports:
    """The ports, bound."""
    return Ports(
        evidence=OccupancyEvidence(), timeline=OccupancyTimeline(), holdings=PersonAtGates(), enrolled=StoredFaces()
    )


def make_engine(house: House) -> Engine:
    """The configured recognition engine; its models are checked and prepared in the cache folder."""
    from gate_integration.faces.engine import SFaceEngine

    return SFaceEngine.from_cache(house.settings.models_dir)


def make_context(house: House) -> Context:
    """The context of the app over a house."""
    return Context(
        settings=house.settings,
        clock=house.clock,
        database=house.database,
        vault=house.vault,
        objects=house.objects,
        ports=make_ports(),
        engine=make_engine(house),
        hashing=PasswordHashing(house.settings.sign_in),
    )
