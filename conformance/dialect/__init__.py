"""Which options of the dialect an implementation follows, found out by probes."""
