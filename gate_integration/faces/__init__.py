"""Recognition: bytes of a picture to a decision about one face. No database, no storage, no clock."""
