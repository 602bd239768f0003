"""Intake: a delivery is redacted, stored, acknowledged, and only then read."""
