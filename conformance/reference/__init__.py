"""What is true: the definition in loops, a fast oracle shown equal to it, and the error bounds that judge a result."""
