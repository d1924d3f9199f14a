"""Changed rules by theme. Each module's ``HYPOTHESES`` are in the order in which they are told, the most general first."""
