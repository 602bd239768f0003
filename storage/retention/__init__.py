"""Retention: what is kept how long, deleted when its time is over, and proven to be gone."""
