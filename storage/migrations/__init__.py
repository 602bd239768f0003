"""Migrations: the only way a database is made."""
