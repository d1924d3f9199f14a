"""What others publish about these operators, compared with the oracle."""
