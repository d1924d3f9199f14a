"""Implementations that cheat: each tries to be found right, or fast, without doing the work.

They measure the harness's defences as :mod:`implementations.broken` measures its checks: one that gets through is a hole.
One module for each theme; :mod:`implementations.adversaries.base` says what an entry holds. They are no backends: the
registry leaves packages out, and ``module:name`` is the target of each. `docs/isolation.md` lists what stops them.
"""
