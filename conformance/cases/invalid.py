"""Problems that have no meaning: what an implementation must refuse with an error, whatever it computes otherwise.

Each is a small change of a valid problem or of its tensors, with a name; ``values=invalid:NAME`` in a case's text asks for
it. What the definition accepts but a dialect does not (or the other way round) is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from conformance.cases.values import make_values
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS, Problem, parse_problem
from conformance.problem.operators import BIAS_GRAD, FORWARD, WEIGHT_GRAD
from conformance.problem.validity import is_valid
from conformance.problem.window import PadMode

Arrays = dict[str, np.ndarray]
_WIDE = 2**32
"""What is lost of a number in 32 bits."""
Change = Callable[[Problem, Arrays], tuple[Problem, Arrays]]


@dataclass(frozen=True, slots=True)
class Invalid:
    """One way to be invalid. ``needs`` are options that must be claimed for it to be asked for.

    ``valid``: it has a meaning, but asks for so much that it may be refused; a result must then be the right one.
    """

    name: str
    about: str
    change: Change
    applies: Callable[[Problem], bool] = lambda problem: True
    needs: tuple[str, ...] = ()
    valid: bool = False
    asks_for_much: bool = False
    """Whether it may end in a want of memory, which is an error too."""


def _windows(**fields: int | str) -> Change:
    return lambda problem, arrays: (problem.with_windows(**fields), arrays)


def _fields(**fields: int | float) -> Change:
    return lambda problem, arrays: (problem.replace(**fields), arrays)


def _tensor(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda problem, arrays: (problem, {**arrays, name: np.ascontiguousarray(change(arrays[name]))})


def _has(name: str) -> Callable[[Problem], bool]:
    return lambda problem: name in problem.array_shapes


def _longer(axis: int) -> Callable[[np.ndarray], np.ndarray]:
    """One element more in an axis."""
    return lambda array: np.concatenate([array, array.take([0], axis=axis)], axis=axis)


def _other_type(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64 if array.dtype == np.float32 else np.float32)


def _sliding(problem: Problem) -> bool:
    return problem.op.traits.window != "adaptive" and problem.op.pass_name not in (BIAS_GRAD,)


def _slides_on_input(problem: Problem) -> bool:
    return problem.op.traits.window == "sliding" and problem.op.forward and problem.op.family != "max_unpool"


def _weights(problem: Problem) -> bool:
    return problem.op.traits.weights and problem.op.pass_name != BIAS_GRAD


def _forward_weights(problem: Problem) -> bool:
    return problem.op.traits.weights and problem.op.forward


def _family(*names: str) -> Callable[[Problem], bool]:
    return lambda problem: problem.op.family in names and problem.op.forward


def _pool(problem: Problem) -> bool:
    return problem.op.is_pool and _slides_on_input(problem)


def _strided_behind(problem: Problem, arrays: Arrays) -> tuple[Problem, Arrays]:
    """As before, with a stride that a quotient rounded to zero instead of down makes an output of."""
    return _taps_behind(problem.with_windows(stride=problem.kernel[0]), arrays)


def _no_taps(problem: Problem, arrays: Arrays) -> tuple[Problem, Arrays]:
    w = {"w": np.ascontiguousarray(arrays["w"][..., :0])} if "w" in arrays else {}
    return (problem.with_axis(problem.op.ndim - 1, kernel=0) if w else problem.with_windows(kernel=0)), arrays | w


def _around(mode: PadMode, width: int) -> Change:
    return _windows(pad_begin=width, pad_end=width, mode=mode)


def _same_strided(problem: Problem, arrays: Arrays) -> tuple[Problem, Arrays]:
    return problem.with_windows(stride=2).replace(auto_pad="same"), arrays


def _no_elements(problem: Problem, arrays: Arrays) -> tuple[Problem, Arrays]:
    empty = np.zeros((*arrays["x"].shape[:2], *(0,) * problem.op.ndim), arrays["x"].dtype)
    return problem.with_windows(size=0), {**arrays, "x": empty}


def _three_outputs(problem: Problem, arrays: Arrays) -> tuple[Problem, Arrays]:
    return problem.replace(groups=2, out_channels=3), {**arrays, "w": np.ascontiguousarray(arrays["w"][:3, :2])}


def _far_larger(problem: Problem, arrays: Arrays) -> tuple[Problem, Arrays]:
    """Sizes that 32 bits hold, whose product they do not."""
    if problem.op.traits.window == "adaptive":
        for axis in range(problem.op.ndim):
            problem = problem.with_axis(axis, output=(2**16, 2**16 + 1)[axis] if axis < 2 else 1)
        return problem, arrays
    for axis in range(2):
        problem = problem.with_axis(axis, pad_begin=2**15, pad_end=2**15)
    return problem, arrays


def _several_axes(*names: str) -> Callable[[Problem], bool]:
    return lambda problem: problem.op.family in names and problem.op.forward and problem.op.ndim > 1


def _taps_behind(problem: Problem, arrays: Arrays) -> tuple[Problem, Arrays]:
    """The input becomes smaller than the kernel, by as many elements as it has to."""
    short = tuple(slice(0, max(1, w.extent - w.pad_begin - w.pad_end - 1)) for w in problem.windows)
    x = np.ascontiguousarray(arrays["x"][(slice(None), slice(None), *short)])
    sizes = x.shape[2:]
    for axis, size in enumerate(sizes):
        problem = problem.with_axis(axis, size=size)
    return problem, {**arrays, "x": x}


INVALID: dict[str, Invalid] = {
    invalid.name: invalid
    for invalid in (
        Invalid("stride_zero", "the stride is 0", _windows(stride=0), _sliding, ("stride",)),
        Invalid("stride_negative", "the stride is -1", _windows(stride=-1), _sliding, ("stride",)),
        Invalid("dilation_zero", "the dilation is 0", _windows(dilation=0), _sliding, ("dilation",)),
        Invalid("dilation_negative", "the dilation is -1", _windows(dilation=-1), _sliding, ("dilation",)),
        Invalid("padding_negative", "the padding is -1", _windows(pad_begin=-1, pad_end=-1), _pool, ("padding",)),
        Invalid(
            "padding_over_half", "the padding is larger than half of the kernel", _windows(pad_begin=2, pad_end=2), _pool,
            ("padding",),
        ),
        Invalid("kernel_zero", "the kernel is 0", _no_taps, lambda p: _pool(p) or _forward_weights(p), ("kernel",)),
        Invalid("kernel_negative", "the kernel is -1", _windows(kernel=-1), _pool, ("kernel",)),
        Invalid("kernel_too_large", "the kernel is larger than the input", _taps_behind, _slides_on_input, ("kernel",)),
        Invalid(
            "kernel_too_large_strided", "the kernel is larger than the input, and the stride as large", _strided_behind,
            _slides_on_input, ("kernel", "stride"),
        ),
        Invalid("dilation_too_large", "the dilated kernel is larger than the input", _windows(dilation=9), _slides_on_input,
                ("kernel", "dilation")),
        Invalid("crop_all", "the negative padding takes all of the input", _windows(pad_begin=-3, pad_end=-3), _family("conv"),
                ("crop",)),
        Invalid("reflect_too_wide", "the reflected padding is as wide as the input", _around("reflect", 6), _family("conv"),
                ("reflect", "padding")),
        Invalid("circular_too_wide", "the circular padding is wider than the input", _around("circular", 7), _family("conv"),
                ("circular", "padding")),
        Invalid("same_strided", "padding by the rule same has a stride of 2", _same_strided, _family("conv"), ("same", "stride")),
        Invalid("input_empty", "the input has no element", _no_elements, _family("adaptive_max_pool", "adaptive_avg_pool")),
        Invalid("groups_zero", "there are 0 groups", _fields(groups=0), _weights, ("groups",)),
        Invalid("groups_negative", "there are -1 groups", _fields(groups=-1), _weights, ("groups",)),
        Invalid("groups_of_channels", "3 groups do not divide 4 channels", _fields(groups=3), _weights, ("groups", "channels")),
        Invalid("channels", "the input has a channel more than the weights", _tensor("x", _longer(1)), _forward_weights,
                ("channels",)),
        Invalid("weight_channels", "the weights have a channel less than the input", _tensor("w", lambda w: w[:, :-1]),
                _family("conv", "conv_integer"), ("channels",)),
        Invalid("groups_of_outputs", "2 groups do not divide 3 output channels", _three_outputs, _family("conv"),
                ("groups", "channels", "out_channels")),
        Invalid("bias_long", "the bias has an element more than output channels", _tensor("b", _longer(0)), _has("b")),
        Invalid("bias_short", "the bias has an element less than output channels", _tensor("b", lambda b: b[:-1]), _has("b")),
        Invalid("bias_rank", "the bias is a matrix", _tensor("b", lambda b: np.stack([b, b])), _has("b")),
        Invalid("input_rank_low", "the input has two axes less", _tensor("x", lambda x: x[0, 0]), _has("x")),
        Invalid("input_rank_high", "the input has an axis more", _tensor("x", lambda x: x[None]), _has("x")),
        Invalid("weight_rank_low", "the weights have an axis less", _tensor("w", lambda w: w[0]), _has("w")),
        Invalid("weight_rank_high", "the weights have an axis more", _tensor("w", lambda w: w[None]), _has("w")),
        Invalid("gradient_rank_low", "the gradient has two axes less", _tensor("dy", lambda dy: dy[0, 0]), _has("dy")),
        Invalid("gradient_long", "the gradient has a position more than the output", _tensor("dy", _longer(-1)),
                lambda p: "dy" in p.array_shapes and p.op.pass_name not in (WEIGHT_GRAD, BIAS_GRAD)),
        Invalid("gradient_channels", "the gradient has a channel more than the output", _tensor("dy", _longer(1)),
                lambda p: "dy" in p.array_shapes and p.op.pass_name != BIAS_GRAD),
        Invalid("gradient_batch", "the gradient has an item more than the input", _tensor("dy", _longer(0)),
                lambda p: {"x", "dy"} <= set(p.array_shapes), ("batch",)),
        Invalid("input_type", "the input is of another type", _tensor("x", _other_type),
                lambda p: _forward_weights(p) and p.op.family != "conv_integer", ("strict_types",)),
        Invalid("weight_type", "the weights are of another type", _tensor("w", _other_type), _has("w"), ("strict_types",)),
        Invalid("bias_type", "the bias is of another type", _tensor("b", _other_type), _has("b"), ("strict_types",)),
        Invalid("output_padding", "the output padding is as large as stride and dilation", _windows(output_padding=2),
                _family("conv_transpose"), ("output_padding",)),
        Invalid("output_padding_negative", "the output padding is -1", _windows(output_padding=-1),
                _family("conv_transpose"), ("output_padding",)),
        Invalid("nothing_left", "the padding cuts off all of the output", _windows(pad_begin=9, pad_end=9),
                _family("conv_transpose"), ("padding",)),
        Invalid("divisor_zero", "the divisor is 0", _fields(divisor=0), _family("avg_pool"), ("divisor",)),
        Invalid("norm_zero", "the norm is 0", _fields(norm=0.0), _family("lp_pool"), ("norm",)),
        Invalid("output_negative", "the output size is -1", _windows(output=-1),
                _family("adaptive_max_pool", "adaptive_avg_pool")),
        Invalid("index_behind", "an index lies behind its plane", _tensor("indices", lambda at: at + 10_000),
                _family("max_unpool")),
        Invalid("index_negative", "an index is negative", _tensor("indices", lambda at: at - 10_000), _family("max_unpool")),
        Invalid("indices_type", "the indices are floating-point numbers", _tensor("indices", lambda at: at.astype(np.float32)),
                _family("max_unpool")),
        Invalid("indices_shape", "there are more indices than values", _tensor("indices", _longer(0)), _family("max_unpool")),
        Invalid("stride_wide", "the stride is 2^32 + 1, which 32 bits take for 1", _windows(stride=_WIDE + 1),
                _slides_on_input, ("stride",), valid=True),
        Invalid("dilation_wide", "the dilation is 2^32 + 1, which 32 bits take for 1", _windows(dilation=_WIDE + 1),
                _slides_on_input, ("dilation", "kernel")),
        Invalid("padding_wide", "the padding is 2^32 + 1, which 32 bits take for 1",
                _windows(pad_begin=_WIDE + 1, pad_end=_WIDE + 1),
                lambda p: _slides_on_input(p) or _family("conv_transpose")(p), ("padding",), asks_for_much=True),
        Invalid("kernel_wide", "the kernel is 2^32 + 2, which 32 bits take for 2", _windows(kernel=_WIDE + 2), _pool,
                ("kernel",)),
        Invalid("groups_wide", "there are 2^32 + 1 groups, which 32 bits take for 1", _fields(groups=_WIDE + 1), _weights,
                ("groups",)),
        Invalid("divisor_wide", "the divisor is 2^32 + 2, which 32 bits take for 2", _fields(divisor=_WIDE + 2),
                _family("avg_pool"), ("divisor",), valid=True),
        Invalid("output_wide", "the output size is 2^32 + 2, which 32 bits take for 2", _windows(output=_WIDE + 2),
                _family("adaptive_max_pool", "adaptive_avg_pool"), asks_for_much=True),
        Invalid("output_padding_wide", "the output padding is 2^32, which 32 bits take for 0", _windows(output_padding=_WIDE),
                _family("conv_transpose"), ("output_padding",)),
        Invalid("index_wide", "an index is larger by 2^32, which 32 bits do not see", _tensor("indices", lambda at: at + _WIDE),
                _family("max_unpool")),
        Invalid("product_wide", "the result has more than 2^32 elements, though each of its sizes is small", _far_larger,
                _several_axes("adaptive_max_pool", "adaptive_avg_pool"), asks_for_much=True),
        Invalid("product_of_padding", "the result has more than 2^32 elements, though each of its sizes is small", _far_larger,
                _several_axes("conv"), ("padding",), asks_for_much=True),
        Invalid("zero_points", "there are more zero points than output channels", _tensor("w_zero", _longer(0)),
                _has("w_zero")),
    )
}  # fmt: skip


def invalid_cases(operator: str, claims: Claims) -> Iterator[tuple[Problem, str]]:
    """For every way to be invalid that one can ask for, a valid problem that it changes, and its name."""
    if "rejects" not in claims.options:
        return
    for invalid in INVALID.values():
        base = _base(operator, claims, biased=invalid.name.startswith("bias"))
        if base is not None and set(invalid.needs) <= claims.options and invalid.applies(base):
            yield base, invalid.name


def make_invalid(problem: Problem, name: str) -> tuple[Problem, Arrays] | None:
    """The invalid problem and its tensors that ``name`` makes of a valid one; None where it makes none.

    A kernel of one element is not too large for any input, and has no dilation: what is left is valid, and must not raise.
    """
    invalid = INVALID[name]
    if not invalid.applies(problem):
        return None
    arrays = make_values(problem, "digits", name)
    changed, given = invalid.change(problem, dict(arrays))
    if changed == problem:
        unchanged = all(given[each].dtype == array.dtype and np.array_equal(given[each], array) for each, array in arrays.items())
        return None if unchanged else (changed, given)
    return (changed, given) if invalid.valid or not is_valid(changed) else None


def _base(operator: str, claims: Claims, biased: bool) -> Problem | None:
    """A small valid problem with as many channels as the claims allow; a kernel of 3 leaves padding room to be too much."""
    op = OPERATORS[operator]
    able = claims.options
    kernel = 3 if "kernel" in able else 1
    window = "to2" if op.traits.window == "adaptive" else f"k{kernel}" + (f" s{kernel}" if op.family == "max_unpool" else "")
    channels = 4 if "channels" in able else 1
    out = f"o{4 if 'out_channels' in able else 1}" if op.traits.weights else ""
    kept = "bias" in able and op.pass_name == FORWARD and op.traits.weights and biased
    dtype = next(iter(claims.types_of(op)), "")
    if not dtype or (biased and not kept):
        return None
    batch = 2 if "batch" in able else 1
    text = f"{operator} {dtype} n{batch} c{channels} i{'x'.join('6' * op.ndim)} {out} {window}{' bias' if kept else ''}"
    problem = parse_problem(text)
    return None if claims.refusal(problem) else problem
