"""Metrics in the Prometheus text format: what an operator asks, from the database and from this process."""
