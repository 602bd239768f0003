"""Places: estates, buildings, entrances, housing units."""
