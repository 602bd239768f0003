"""What is told to those who watch: short rows of what changed, in the order in which changes became final."""
