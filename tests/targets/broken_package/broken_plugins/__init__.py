"""Each thing here, and each module beside it, is registered in a way that cannot work."""

from conformance import Implementation

CONSTANT = 7


class Backend(Implementation):
    """A right one, which is registered under the name of a built-in one, and under a misspelt name."""

    summary = "does nothing"

    @property
    def claims(self):
        return {}

    def prepare(self, problem, arrays):
        raise NotImplementedError


class Abstract(Implementation):
    """Lacks what an implementation must have."""


class Dictionary(dict):
    """No implementation."""


def convolve(x=None, w=None):
    return x
