"""What became of the register: who added, corrected or ended which record, and from which file."""
