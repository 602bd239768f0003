"""Cases: from a finding to closing (销号)."""
