"""The vault: envelope encryption of everything about a person's body and papers."""
