"""Telling those who watch what changes, over server-sent events."""
