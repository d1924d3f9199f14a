"""What an implementation says that it does, one :class:`Claims` for each operator.

An unclaimed problem is skipped and counted; a claimed one that fails is a finding. Every option that a problem can
require is one line of :data:`OPTIONS`, so that cases, command line and reports speak of the same things.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from conformance.errors import UsageError
from conformance.plugin.axes import check_formats
from conformance.problem import FORMATS, Family, Operator, Problem, format_named
from conformance.problem.accuracy import accuracy_named
from conformance.problem.dialect import DIALECT, check_declared
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a problem may require of an implementation, in the families of operators that know it."""

    words: str
    required: Callable[[Problem], bool]
    families: frozenset[Family] = frozenset(Family)


_CONV = frozenset({Family.CONV})
_WEIGHTS = frozenset({Family.CONV, Family.CONV_TRANSPOSE, Family.CONV_INTEGER})
_SLIDING = frozenset(Family) - {Family.ADAPTIVE_MAX_POOL, Family.ADAPTIVE_AVG_POOL}
_AVG = frozenset({Family.AVG_POOL})
_LP = frozenset({Family.LP_POOL})
_PADDED = frozenset({Family.CONV, Family.MAX_POOL, Family.AVG_POOL})


def _differ(values: Iterable[object]) -> bool:
    return len(set(values)) > 1


def _per_axis(problem: Problem) -> bool:
    lists: list[Iterable[object]] = [problem.stride, problem.dilation, problem.padding, problem.output_padding]
    if problem.auto_pad:
        del lists[2]
    if problem.op.traits.window == "adaptive":
        return _differ(window.output for window in problem.windows)
    return any(map(_differ, [*lists, problem.kernel] if problem.op.is_pool else lists))


OPTIONS: dict[str, Option] = {
    "batch": Option("several items in a batch", lambda p: p.batch > 1),
    "empty_batch": Option("a batch without items", lambda p: p.batch == 0),
    "unbatched": Option("tensors without a batch axis", lambda p: p.unbatched),
    "channels": Option("several channels", lambda p: p.channels > 1),
    "out_channels": Option("several output channels", lambda p: p.out_channels > 1, _WEIGHTS),
    "kernel": Option("kernels larger than 1", lambda p: max(p.kernel) > 1, _SLIDING),
    "stride": Option("strides other than 1", lambda p: max(p.stride) > 1, _SLIDING),
    "padding": Option("padding", lambda p: any(map(any, p.padding)) and not p.auto_pad, _SLIDING),
    "asymmetric_padding": Option(
        "padding that differs before and behind", lambda p: any(map(_differ, p.padding)) and not p.auto_pad, _SLIDING
    ),
    "crop": Option("negative padding", lambda p: min(min(pair) for pair in p.padding) < 0, _CONV),
    "reflect": Option("reflected padding", lambda p: p.pad_mode == "reflect", _CONV),
    "replicate": Option("replicated padding", lambda p: p.pad_mode == "replicate", _CONV),
    "circular": Option("circular padding", lambda p: p.pad_mode == "circular", _CONV),
    "same": Option("padding by the rules same and valid", lambda p: p.auto_pad in ("same", "valid"), _CONV),
    "same_upper": Option("ONNX's SAME_UPPER and SAME_LOWER", lambda p: p.auto_pad.startswith("same_"), _PADDED),
    "output_padding": Option("output padding", lambda p: any(p.output_padding), frozenset({Family.CONV_TRANSPOSE})),
    "dilation": Option("dilation", lambda p: max(p.dilation) > 1, _WEIGHTS | {Family.MAX_POOL, Family.LP_POOL}),
    "per_axis": Option("parameters that differ by axis", _per_axis),
    "groups": Option("groups", lambda p: p.groups > 1, _WEIGHTS),
    "bias": Option("a bias", lambda p: p.bias, _WEIGHTS),
    "wide_result": Option("a result of a wider type", lambda p: bool(p.result) and p.op.family is Family.CONV, _CONV),
    "requantised": Option("results scaled to 8 bits again", lambda p: p.requantised, frozenset({Family.CONV_INTEGER})),
    "ceil": Option("ceil mode", lambda p: p.ceil, frozenset({Family.MAX_POOL, Family.AVG_POOL, Family.LP_POOL})),
    "indices": Option("indices of the maxima", lambda p: p.indices, frozenset({Family.MAX_POOL, Family.ADAPTIVE_MAX_POOL})),
    "exclude_pad": Option("averages without the padding", lambda p: not p.count_include_pad, _AVG),
    "divisor": Option("a divisor of its own", lambda p: p.divisor is not None, _AVG),
    "norm": Option("norms other than 2", lambda p: p.norm != 2 and not math.isinf(p.norm), _LP),
    "rejects": Option("errors for invalid problems", lambda p: False),
    "strict_types": Option("an error for tensors of different types", lambda p: False),
    "norm_inf": Option("the infinite norm", lambda p: math.isinf(p.norm), _LP),
}
ON_REQUEST = frozenset(
    (
        "asymmetric_padding", "crop", "reflect", "replicate", "circular", "same", "same_upper", "unbatched", "empty_batch",
        "wide_result", "strict_types", "rejects",
    )
)  # fmt: skip
"""What a function is not asked for unless its author claims it: its namesake's signature says nothing of it."""
_FORWARD_ONLY = frozenset({"bias", "indices", "wide_result", "norm_inf"})
_NOT_OF_PASS = {
    BIAS_GRAD: frozenset({"reflect", "replicate", "circular", "same", "same_upper"}),  # it sees the output's size alone
    DOUBLE_GRAD: frozenset({"empty_batch"}),  # automatic differentiation has nothing to differentiate there
}


def options_of(operator: Operator) -> frozenset[str]:
    """Every option that problems of this operator can require."""
    return frozenset(
        name
        for name, option in OPTIONS.items()
        if operator.family in option.families
        and not (name == "per_axis" and operator.ndim == 1)
        and (operator.forward or name not in _FORWARD_ONLY)
        and name not in _NOT_OF_PASS.get(operator.pass_name, frozenset())
    )


@dataclass(frozen=True, slots=True)
class Claims:
    """What is claimed for one operator. ``accuracy`` names a class of :mod:`conformance.problem.accuracy`.

    ``deterministic`` claims the same bits when the same call is repeated in one process. ``dialect`` holds what is done
    otherwise than in the definition, as ``option=answer`` of :mod:`conformance.problem.dialect`, or ``option=answer:dtype``.
    ``accepted`` are those of the data types and options that nobody claims, but calls were found to accept: results must be
    right, and an error is no failure.
    """

    dtypes: tuple[str, ...] = ("float32", "float64")
    options: frozenset[str] = frozenset(OPTIONS)
    accuracy: str = "componentwise"
    deterministic: bool = True
    dialect: tuple[str, ...] = ()
    data_format: str = "NCHW"
    kernel_format: str = ""
    """The order of axes of a function's tensors; as PyTorch's, if empty."""
    accepted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = set(self.options) - set(OPTIONS)
        if unknown:
            raise UsageError(f"the option {sorted(unknown)[0]!r} cannot be claimed", hint=f"known are {', '.join(OPTIONS)}")
        accuracy_named(self.accuracy)
        check_declared(self.dialect)
        check_formats(self.data_format, self.kernel_format)
        object.__setattr__(self, "dtypes", tuple(format_named(name).name for name in self.dtypes))

    def refusal(self, problem: Problem) -> str | None:
        """The first reason why ``problem`` is not claimed, or None when it is."""
        if problem.dtype not in self.dtypes:
            return f"{problem.dtype} is not claimed"
        for name, option in _unclaimed(self.options, problem.op.family):
            if option.required(problem):
                return f"{option.words}: not claimed ({name})"
        return None

    def types_of(self, operator: Operator) -> tuple[str, ...]:
        """The claimed data types that an operator is defined for."""
        return tuple(dtype for dtype in self.dtypes if dtype in operator.traits.dtypes)

    def only_accepted(self, problem: Problem) -> str:
        """In words, what ``problem`` asks for that is accepted without being claimed; empty where all of it is claimed."""
        if problem.dtype in self.accepted:
            return problem.dtype
        found = (OPTIONS[name] for name in self.accepted if name in OPTIONS)
        return next((option.words for option in found if option.required(problem)), "")

    def answers(self, dtype: str) -> Mapping[str, str]:
        """The answer to each option of the dialect that is declared for a data type, or for all; of several the last."""
        return _answers(self.dialect, dtype)

    def differs(self, option: str, dtype: str) -> bool:
        """Whether another answer than the definition's is declared for an option of the dialect, for a data type or all."""
        return self.answers(dtype).get(option, DIALECT[option].usual) != DIALECT[option].usual

    def without(self, *names: str) -> Claims:
        """The same claims less some options."""
        return dataclasses.replace(self, options=self.options - frozenset(names))

    def changed(self, claim: Iterable[str] = (), no_claim: Iterable[str] = ()) -> Claims:
        """The same claims changed by words of the command line: ``groups``, ``dtypes=float32``, ``accuracy=fft``."""
        options = set(self.options)
        fields: dict[str, Any] = {}
        for word in claim:
            key, equals, value = word.partition("=")
            if key == "dtypes" and value:
                fields["dtypes"] = tuple(value.split(","))
            elif key == "accuracy" and value:
                fields["accuracy"] = value
            elif key == "deterministic" and not equals:
                fields["deterministic"] = True
            elif key in ("data_format", "kernel_format"):
                fields[key] = value
            elif word in FORMATS:
                fields["dtypes"] = tuple(dict.fromkeys((*fields.get("dtypes", self.dtypes), word)))
            elif key in DIALECT:
                fields["dialect"] = (*fields.get("dialect", self.dialect), word)
            else:
                options.add(_known_option(word))
        for word in no_claim:
            if word == "deterministic":
                fields["deterministic"] = False
            elif word == "accepted":
                fields["dtypes"] = tuple(name for name in fields.get("dtypes", self.dtypes) if name not in self.accepted)
                options -= self.accepted - set(claim)
            elif word in FORMATS:
                fields["dtypes"] = tuple(name for name in fields.get("dtypes", self.dtypes) if name != word)
            else:
                options.discard(_known_option(word))
        accepted = frozenset() if "accepted" in no_claim else self.accepted - set(claim)
        accepted &= options | set(fields.get("dtypes", self.dtypes))
        return dataclasses.replace(self, options=frozenset(options), accepted=frozenset(accepted), **fields)


def only_accepted(claims: Mapping[str, Claims], problem: Problem) -> str:
    """:meth:`Claims.only_accepted` of the problem's operator; nothing of one that is not claimed at all."""
    return claims[problem.operator].only_accepted(problem) if problem.operator in claims else ""


@lru_cache(maxsize=256)
def _answers(dialect: tuple[str, ...], dtype: str) -> Mapping[str, str]:
    declared = (word.partition(":") for word in dialect)
    said = (word.partition("=") for word, _, only in declared if only in ("", dtype))
    return {option: answer for option, _, answer in said}


@lru_cache(maxsize=256)
def _unclaimed(options: frozenset[str], family: Family) -> tuple[tuple[str, Option], ...]:
    """What problems of a family can require beyond ``options``."""
    return tuple((name, option) for name, option in OPTIONS.items() if name not in options and family in option.families)


def _known_option(word: str) -> str:
    if word not in OPTIONS:
        allowed = ", ".join(
            [
                *OPTIONS,
                *FORMATS,
                "dtypes=float32,float64",
                "accuracy=NAME",
                "deterministic",
                "data_format=NHWC",
                "kernel_format=HWIO",
            ]
        )
        raise UsageError(f"{word!r} cannot be claimed", hint=f"known are {allowed}")
    return word
