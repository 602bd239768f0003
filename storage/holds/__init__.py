"""Legal hold: what must not be deleted while somebody needs it as evidence, by whose word and until when."""
