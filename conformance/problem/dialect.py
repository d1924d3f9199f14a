"""Where frameworks legitimately differ: the options of a dialect, what each may be, and what the definition takes.

An implementation may declare an option (``@conformance.claims(dialect=["nan_in_max_pool=ignored"])``); what is declared is
no bug. ``conformance dialect`` finds out by probes which options an implementation follows. What depends on the position
in a tensor, or on its size, is no dialect: it is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.errors import UsageError
from conformance.problem.formats import format_named
from conformance.problem.operators import Family


@dataclass(frozen=True, slots=True)
class DialectOption:
    """``answers``: what is possible, in words. ``usual``: what the definition takes, empty where it takes either."""

    about: str
    answers: dict[str, str]
    usual: str
    families: tuple[Family, ...]


_CONV, _TRANSPOSED, _MAX, _AVG = Family.CONV, Family.CONV_TRANSPOSE, Family.MAX_POOL, Family.AVG_POOL
_SUMS = (_CONV, _TRANSPOSED, _AVG)
_MULTIPLIED = {"multiplied": "Inf times 0 is NaN", "skipped": "the product is left out"}

DIALECT: dict[str, DialectOption] = {
    "nan_in_max_pool": DialectOption(
        "a NaN in a window of max pooling",
        {"propagates": "the result is NaN", "ignored": "the others' maximum", "first": "NaN only if it comes first"},
        "propagates", (_MAX,),
    ),
    "minus_infinity": DialectOption(
        "a window of nothing but -Inf in max pooling",
        {"kept": "-Inf", "lowest": "the lowest finite number"},
        "kept", (_MAX,),
    ),
    "infinity": DialectOption("an Inf in a sum", {"kept": "Inf", "clamped": "a finite number"}, "kept", _SUMS),
    "partial_overflow": DialectOption(
        "a sum that overflows on the way to a finite value",
        {"overflows": "Inf", "finite": "the finite value"}, "", (_CONV,),
    ),
    "negative_zero": DialectOption(
        "a sum of nothing but -0.0", {"kept": "-0.0", "lost": "+0.0"}, "", _SUMS,
    ),
    "zeros_in_max_pool": DialectOption(
        "-0.0 and +0.0 in a window of max pooling",
        {"first": "the first of them", "last": "the last of them", "positive": "+0.0", "negative": "-0.0"},
        "", (_MAX,),
    ),
    "subnormals_in_max_pool": DialectOption(
        "a subnormal number as the maximum of a window", {"kept": "it is the result", "flushed": "the result is zero"},
        "kept", (_MAX,),
    ),
    "infinite_weight_over_padding": DialectOption(
        "an infinite weight over zero padding", _MULTIPLIED, "", (_CONV,),
    ),
    "infinite_input_under_zero": DialectOption(
        "an infinite input under a weight of 0", _MULTIPLIED, "multiplied", (_CONV, _TRANSPOSED),
    ),
    "subnormals": DialectOption(
        "a subnormal number in a sum", {"kept": "it counts", "flushed": "it counts as zero"}, "kept", _SUMS,
    ),
    "ceil_window_in_padding": DialectOption(
        "a window of ceil mode that lies wholly in the padding",
        {"dropped": "it gives no output", "kept": "it gives an output"},
        "dropped", (_MAX, _AVG, Family.LP_POOL),
    ),
    "ceil_overhang": DialectOption(
        "what hangs over the padding in an average of ceil mode",
        {"left out": "the divisor counts what is inside", "counted": "the divisor is the whole kernel"},
        "left out", (_AVG,),
    ),
    "integer_overflow": DialectOption(
        "a sum of integers beyond their type",
        {"wraps": "modulo 2^bits", "saturates": "the type's end", "widens": "a wider type"},
        "wraps", (_CONV,),
    ),
    "kernel_too_large": DialectOption(
        "a kernel larger than the padded input", {"error": "an error", "empty": "an empty result"}, "error", (_CONV, _MAX, _AVG),
    ),
    "odd_norm": DialectOption(
        "negative numbers under an odd p-norm",
        {"magnitudes": "their magnitudes count", "signed": "their signed powers are added"},
        "", (Family.LP_POOL,),
    ),
    "complex_gradient": DialectOption(
        "the gradient of a complex convolution",
        {"conjugated": "with conjugated weights, as PyTorch", "plain": "with the weights themselves, as JAX"},
        "conjugated", (_CONV, _TRANSPOSED),
    ),
    "quantised_ties": DialectOption(
        "a requantised result halfway between two integers",
        {"even": "to the even one", "away": "away from zero", "up": "upwards", "down": "towards zero"},
        "even", (Family.CONV_INTEGER,),
    ),
}  # fmt: skip


def check_declared(words: Iterable[str]) -> None:
    """Raise :class:`UsageError` unless every word is ``option=answer`` of :data:`DIALECT`, perhaps with ``:dtype``."""
    for word in words:
        name, _, rest = word.partition("=")
        answer, colon, dtype = rest.partition(":")
        if colon:
            format_named(dtype)
        if name not in DIALECT:
            raise UsageError(
                f"{word!r} is no option of a dialect", hint=f"write OPTION=ANSWER, OPTION one of {', '.join(DIALECT)}"
            )
        if answer not in DIALECT[name].answers:
            known = ", ".join(f"{name}={known}" for known in DIALECT[name].answers)
            raise UsageError(f"{word!r} is no answer that is known", hint=f"write one of {known}")
