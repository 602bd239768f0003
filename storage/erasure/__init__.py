"""Erasure of a person: what every floor takes part in, the tombstone, and the ledger that a restore replays."""
