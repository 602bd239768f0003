"""The audit log: who did or saw what, when, for which purpose and why."""
