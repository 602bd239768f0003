"""Rule sets: every threshold, day count and fine, versioned by jurisdiction and effective date."""
