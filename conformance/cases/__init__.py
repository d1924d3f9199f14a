"""What is tried: cases from known answers, covering sets, random search and the layers of real networks."""
