"""Which role is told of what: of nothing that it could not list."""

from inspection.users.models import UserRole

FAMILIES: dict[UserRole, frozenset[str]] = {
    UserRole.MANAGER: frozenset({"lead", "discrepancy", "case", "visit", "device", "import"}),
    UserRole.AUDITOR: frozenset({"lead", "discrepancy", "case", "visit", "device", "import"}),
    UserRole.INSPECTOR: frozenset({"case", "visit", "device"}),
    UserRole.OPERATOR_STAFF: frozenset({"case", "visit"}),
    UserRole.ADMINISTRATOR: frozenset({"device", "import"}),
}
"""By role: the first word of the kinds it is told of."""
