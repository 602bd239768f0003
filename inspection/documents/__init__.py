"""Documents: composed from values, set by typst, numbered without a gap, frozen when issued."""
