"""Why it failed, in words: named hypotheses, the failing region, and the effective receptive field.

Nothing here decides whether an implementation is right; it explains what the checks have found, or says nothing.
"""
