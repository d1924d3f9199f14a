"""How it runs: which trials, in which order, in which process, and what came of them."""
