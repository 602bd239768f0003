"""Visits (入户走访): check-in, photos, occupants met, finding."""
