"""Why it failed and what it is like inside, in words: named hypotheses, the failing region, the effective receptive field, and
the numerical fingerprint.

Nothing here decides whether an implementation is right: it explains what the checks have found, or says nothing.
"""
