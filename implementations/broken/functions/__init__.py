"""Functions with a bug each, as their authors would hand them in: with the signature of their namesake in PyTorch.

Each is a few lines over :mod:`implementations.broken.functions.reference`. What is wrong must show within what such a
function claims: it is the bug of somebody who meant to write the namesake.
"""
