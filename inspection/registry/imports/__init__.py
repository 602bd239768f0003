"""Import of the register from CSV: read, checked and planned as values, applied in one transaction."""
