"""Targets whose names, words and messages would like to be more than text: markup, escape sequences, megabytes."""

import sys

import numpy as np

from conformance import Claims, Implementation

HTML = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
RICH = "[red]red[/red] [/] [link=https://example.org]x[/link] :warning:"
ANSI = "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]8;;https://example.org\x07\x9b1m\x08\x00\x7f\r"
BIDI = "\u202egnp.exe\u2066\u200f\u200b\ufeff"
MARKDOWN = "a|b\\|c `x` ``y`` **bold** ![i](https://example.org/i.png) @someone #1 &lt;b&gt; $x$ ~~gone~~"
LINES = "one\ntwo\r\nthree\x0bfour\x85five\u2028six\n# seven\n| a | b |\n|---|---|\n```\n<!--"
HALF = "\ud800\udfff"
"""Half characters, which no encoding can hold."""
ALL = " ".join((HTML, RICH, ANSI, BIDI, MARKDOWN, LINES, HALF, "]]>", "\ufffe", "{{ 7 * 7 }}", "%s %(x)s {0}"))
LONG = ALL * (10_000_000 // len(ALL))


class HostileError(Exception):
    """An error with a message of ten megabytes."""


HostileError.__name__ = HostileError.__qualname__ = "Error" + "".join(
    c for c in ALL if c != "\0" and not "\ud800" <= c <= "\udfff"
)


class Hostile(Implementation):
    """A conv2d that is wrong for several channels, raises for several items, and says all of this of itself."""

    name = LONG
    summary = LONG

    @property
    def claims(self):
        return {"conv2d": Claims(("float32",), frozenset({"batch", "channels", "out_channels", "kernel"}))}

    def notes(self):
        return tuple(ALL for _ in range(10_000))

    def versions(self):
        return {f"{ALL}{number}": LONG if number < 2 else ALL for number in range(1000)}

    def supports(self, problem):
        return ALL if problem.kernel == (3, 3) else None

    def prepare(self, problem, arrays):
        if problem.batch > 1:
            raise HostileError(LONG)
        x, w = arrays["x"], arrays["w"]

        def call():
            print((LONG if problem.channels == 3 else ALL).encode("utf-8", "replace").decode())
            sys.stderr.write(ALL.encode("utf-8", "replace").decode())
            y = np.zeros(problem.result_shape, np.float32)
            for i in range(w.shape[2]):
                for j in range(w.shape[3]):
                    y += np.einsum("nchw,oc->nohw", x[:, :, i : i + y.shape[2], j : j + y.shape[3]], w[:, :, i, j])
            return y if problem.channels == 1 else y + 1

        return call


class Unavailable(Hostile):
    """Not here, for a reason of ten megabytes."""

    def unavailable(self):
        return LONG


class FailsToLoad(Hostile):
    """Raises when it is made."""

    def __init__(self):
        raise HostileError(LONG)


class ClaimsWhatThereIsNot(Hostile):
    """Claims an operator that nobody knows."""

    @property
    def claims(self):
        return {"conv2d": Claims(("float32",)), ALL: Claims(("float32",))}


class NamedByANumber(Hostile):
    """A name that is no text."""

    name = 7

    def notes(self):
        return (7, None)

    def versions(self):
        return {1: 2}


class ReturnsTooMuch(Hostile):
    """Returns gigabytes for a problem of bytes."""

    name = "too-much"

    def prepare(self, problem, arrays):
        return lambda: np.broadcast_to(np.float32(0), (2**16, 2**15))
