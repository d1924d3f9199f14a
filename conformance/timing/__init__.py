"""How fast it is: implementations measured side by side in one run, and compared as ratios."""
