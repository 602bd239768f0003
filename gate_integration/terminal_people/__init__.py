"""People already on a terminal: listed, matched to the register, confirmed by a human."""
