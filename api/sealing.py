"""The sealer of a house, and where copies of its heads go."""

from api.house import House
from storage.audit.sealer import Sealer
from storage.objects.store import FilesystemStore, ObjectStore


def head_stores(house: House) -> list[ObjectStore]:
    """The object store, and the folder that `RUHU_AUDIT_HEADS_DIR` names."""
    outside = house.settings.audit_heads_dir
    return [house.objects.store] + ([FilesystemStore(outside)] if outside is not None else [])


def make_sealer(house: House) -> Sealer:
    """The sealer of a house's audit log."""
    return Sealer(
        database=house.database, clock=house.clock, key_file=house.settings.audit_key_file, stores=head_stores(house)
    )
