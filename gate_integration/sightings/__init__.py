"""Sightings: who was seen in a pass, as far as recognition can tell; pseudonyms for the unregistered."""
