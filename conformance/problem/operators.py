"""The operators that the harness knows, by the names that users know them by, and the passes of each.

A family is one formula for any number of axes. What tells families apart is one row of :data:`TRAITS`; their formulas
are in :mod:`conformance.reference`, one module each. A gradient is an operator of its own with the pass in its name
(``conv2d_weight_grad``), so that everything that goes through operators goes through gradients.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from conformance.errors import UsageError
from conformance.problem.derived import derived
from conformance.problem.formats import COMPLEX, FLOATS, INTEGERS

FORWARD, INPUT_GRAD, WEIGHT_GRAD, BIAS_GRAD, DOUBLE_GRAD = "forward", "input_grad", "weight_grad", "bias_grad", "double_grad"
PASSES = (FORWARD, INPUT_GRAD, WEIGHT_GRAD, BIAS_GRAD, DOUBLE_GRAD)


class Family(StrEnum):
    """Operators of one family share their formula; they differ in the number of axes."""

    CONV = "conv"
    CONV_TRANSPOSE = "conv_transpose"
    CONV_INTEGER = "conv_integer"
    MAX_POOL = "max_pool"
    AVG_POOL = "avg_pool"
    LP_POOL = "lp_pool"
    ADAPTIVE_MAX_POOL = "adaptive_max_pool"
    ADAPTIVE_AVG_POOL = "adaptive_avg_pool"
    MAX_UNPOOL = "max_unpool"


@dataclass(frozen=True, slots=True)
class Traits:
    """What a family is. ``weights``: it has a kernel of numbers, channels mix and there may be a bias. ``selects``: its
    results are elements of its input, so nothing is rounded. ``dtypes``: the data types that it is defined for."""

    about: str
    passes: tuple[str, ...] = (FORWARD, INPUT_GRAD, DOUBLE_GRAD)
    window: Literal["sliding", "transposed", "adaptive"] = "sliding"
    weights: bool = False
    selects: bool = False
    dtypes: tuple[str, ...] = FLOATS


_ALL = (FORWARD, INPUT_GRAD, WEIGHT_GRAD, BIAS_GRAD, DOUBLE_GRAD)
TRAITS: dict[Family, Traits] = {
    Family.CONV: Traits("convolution (cross-correlation)", _ALL, weights=True, dtypes=FLOATS + COMPLEX + INTEGERS),
    Family.CONV_TRANSPOSE: Traits("transposed convolution", _ALL, "transposed", weights=True, dtypes=FLOATS + COMPLEX),
    Family.CONV_INTEGER: Traits("quantised convolution", (FORWARD,), weights=True, dtypes=("int8", "uint8")),
    Family.MAX_POOL: Traits("maximum of a window", selects=True, dtypes=FLOATS + INTEGERS),
    Family.AVG_POOL: Traits("average of a window"),
    # Not float16, which cannot hold the powers of its own numbers.
    Family.LP_POOL: Traits("p-norm of a window", (FORWARD, INPUT_GRAD), dtypes=("float64", "float32", "bfloat16")),
    Family.ADAPTIVE_MAX_POOL: Traits("maximum, for an output size", window="adaptive", selects=True),
    Family.ADAPTIVE_AVG_POOL: Traits("average, for an output size", window="adaptive"),
    Family.MAX_UNPOOL: Traits("maxima put back to where they were", selects=True),
}


@dataclass(frozen=True)
class Operator:
    """One pass of one family for one number of axes. ``base`` is the name of its forward pass."""

    name: str
    family: Family
    ndim: int
    pass_name: str = FORWARD

    @derived
    def base(self) -> str:
        return f"{self.family}{self.ndim}d"

    @derived
    def traits(self) -> Traits:
        return TRAITS[self.family]

    @derived
    def is_pool(self) -> bool:
        """Without weights: channels stay apart."""
        return not self.traits.weights

    @derived
    def forward(self) -> bool:
        return self.pass_name == FORWARD

    @derived
    def rounds(self) -> bool:
        """Whether its results are rounded: not those that are selected from the input, whose gradients are sums."""
        return not self.traits.selects or (self.pass_name == INPUT_GRAD and self.family is not Family.MAX_UNPOOL)


def name_of(family: Family, ndim: int, pass_name: str = FORWARD) -> str:
    """``conv2d``, ``conv2d_input_grad``."""
    return f"{family}{ndim}d" if pass_name == FORWARD else f"{family}{ndim}d_{pass_name}"


OPERATORS: dict[str, Operator] = {
    name_of(family, ndim, pass_name): Operator(name_of(family, ndim, pass_name), family, ndim, pass_name)
    for pass_name in PASSES
    for family in Family
    if pass_name in TRAITS[family].passes
    for ndim in (1, 2, 3)
}


def operator_named(name: str) -> Operator:
    """The operator called ``name``, for example ``conv2d`` or ``conv2d_input_grad``."""
    try:
        return OPERATORS[name]
    except KeyError:
        forward = [operator.name for operator in OPERATORS.values() if operator.forward]
        hint = f"known are {', '.join(forward)}, and with _{', _'.join(PASSES[1:])} behind them their gradients"
        raise UsageError(f"the operator {name!r} is not known", hint=hint) from None


def in_short(names: Iterable[str]) -> str:
    """Names of operators for people: ``conv1/2/3d and gradients, max_pool2d, max_pool2d_input_grad``."""
    given, words = set(names), []
    for family in Family:
        by_pass = {p: [n for n in (1, 2, 3) if name_of(family, n, p) in given] for p in TRAITS[family].passes}
        by_pass = {pass_name: axes for pass_name, axes in by_pass.items() if axes}
        whole = len(by_pass) == len(TRAITS[family].passes) > 1 and len(set(map(tuple, by_pass.values()))) == 1
        for pass_name, axes in by_pass.items():
            behind = "" if pass_name == FORWARD else f"_{pass_name}"
            words.append(f"{family}{'/'.join(map(str, axes))}d{' and gradients' if whole else behind}")
            if whole:
                break
    return ", ".join(words)


def with_passes(names: tuple[str, ...]) -> tuple[str, ...]:
    """``names`` with the gradients of every forward operator among them: ``conv2d`` means all its passes."""
    return tuple(name for name, operator in OPERATORS.items() if name in names or operator.base in names)
