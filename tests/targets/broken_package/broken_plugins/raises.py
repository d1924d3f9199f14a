raise RuntimeError("no licence was found")
