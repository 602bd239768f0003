"""Leads (线索): what may be wrong, until a person decides."""
