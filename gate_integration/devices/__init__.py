"""Gate devices: what they are, how they speak, what they cover, how they are."""
