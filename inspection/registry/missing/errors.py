"""What keeps a missing record from being ended."""

from storage.problems import Conflict


class AlreadyDecided(Conflict):
    """Somebody has decided about the record, or a later file names it again."""

    code = "already-decided"
    title_zh = "该记录已处理，或后来的名册中又有此记录"
    title_en = "It has been decided about, or a later file names it again"


class UnitStillLet(Conflict):
    """A unit whose lease runs stays in the stock."""

    code = "unit-still-let"
    title_zh = "该房源在此日之后仍有租赁合同，请先终止合同"
    title_en = "The unit is let after that day: end the lease first"
