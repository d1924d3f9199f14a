"""The backends that are compared, one module each, named as users name them.

They know :mod:`conformance.plugin` and :mod:`conformance.problem`, never what is true. Adding one is adding a module
here: every class in it that derives from ``Implementation`` and has a name is found.
"""
