"""The embedded PostgreSQL: found, initialised, started, shared by processes and stopped after the last of them."""
