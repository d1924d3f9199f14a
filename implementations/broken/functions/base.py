"""What a broken function is: a body that changes the arguments or the result of a correct one, with the namesake's signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.plugin.decorate import claims
from conformance.plugin.mutants import MARK, Broken
from implementations.broken.base import register
from implementations.broken.functions.reference import Array, Conv, function_for

Body = Callable[[Any], Any]
kept: dict[Any, Any] = {}
"""What the broken ones remember from call to call."""


def broken(
    operator: str,
    category: str,
    bug: str,
    shows: str,
    *,
    source: str = "",
    checks: str = "",
    kinds: str = "",
    arrays: str = "",
    causes: Sequence[str] = (),
    **claimed: Any,
) -> Callable[[Body], Body]:
    """Make a function ``operator_body`` of a body, beside it; ``claimed`` is what it claims beyond its namesake."""

    def add(body: Body) -> Body:
        function = function_for(operator, body, f"{operator}_{body.__name__}")
        function.__module__ = body.__module__
        body.__globals__[function.__name__] = mark(
            claims(**claimed)(function) if claimed else function,
            operator, category, bug, shows, source=source, checks=checks, kinds=kinds, arrays=arrays, causes=causes,
        )  # fmt: skip
        return body

    return add


def mark(
    function: Callable[..., Any], operator: str, category: str, bug: str, shows: str, *, source: str = "", checks: str = "",
    kinds: str = "", arrays: str = "", causes: Sequence[str] = (),
) -> Callable[..., Any]:  # fmt: skip
    """Register a function that is written out. ``checks`` and ``kinds`` are words of one text; ``causes`` as in Broken."""
    entry = Broken(
        function.__name__, function.__module__, (operator,), category, bug, shows, source, arrays=arrays,
        checks=tuple(checks.split()), kinds=tuple(kind.replace("_", " ") for kind in kinds.split()), causes=tuple(causes),
    )  # fmt: skip
    setattr(function, MARK, entry)
    register(entry)
    return function


def rounded(a: Array, bits: int) -> Array:
    """``a`` with its significand rounded to ``bits`` bits."""
    significand, exponent = np.frexp(a)
    return np.ldexp(np.round(np.ldexp(significand, bits)), exponent - bits).astype(a.dtype)


def geometry(c: Conv) -> tuple[Any, ...]:
    """Everything of a call but the numbers in its arrays, and the bias."""
    return (c.x.shape, c.w.shape, c.x.dtype.str, c.stride, c.pads, c.dilation, c.groups)


def remembered(key: Any, make: Callable[[], Any]) -> Any:
    """What was made for this key the first time."""
    if key not in kept:
        kept[key] = make()
    return kept[key]
