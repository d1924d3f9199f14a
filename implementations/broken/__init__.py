"""Implementations with a bug each: they measure the harness, and one that it finds conformant is a hole in it.

Each is a few lines over a correct implementation. One module for each theme; :mod:`implementations.broken.base` says what
an entry holds. They are no backends: the registry leaves packages out, and ``module:name`` is the target of each.
"""
