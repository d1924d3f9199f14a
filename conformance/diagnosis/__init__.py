"""What an implementation is like inside, told from its results alone: facts that explain, never verdicts."""
