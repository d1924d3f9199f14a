"""The one-line text form of a problem, which parses back to the same problem.

    conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias
    max_pool2d f32 n1 c3 i8x8 k3x3 s2x2 p1:0x1 ceil indices
    avg_pool1d f64 n1 c1 i9 k2 exclude_pad

n batch, c channels, i input sizes, o output channels, k kernel, s stride, p padding (``1:0`` is one before and none
behind), d dilation, g groups. Sizes of several axes are joined by ``x``; one number serves all axes. What is left out
has its default: n1 c1 o1 s1 p0 d1 g1 f32, no bias.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from conformance.errors import UsageError
from conformance.problem.formats import FORMATS, format_named
from conformance.problem.operators import Operator, operator_named
from conformance.problem.problem import Problem
from conformance.problem.window import Window

_T = TypeVar("_T")
_TOKEN = re.compile(r"(?P<key>divisor|[a-z])(?P<value>\d[\d:x]*)")
_EXAMPLE = "conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias"
_WORDS = ("bias", "ceil", "indices", "exclude_pad")
_SCALARS = {"n": "batch", "c": "channels", "o": "out_channels", "g": "groups", "divisor": "divisor"}
_AXES = {"i": "size", "k": "kernel", "s": "stride", "d": "dilation"}
_MAX_DIGITS = 10  # beyond the largest tensor; longer numbers would only cost time


class TextError(UsageError):
    """A text that is not a problem's."""

    def __init__(self, message: str, *, hint: str = f"write for example: {_EXAMPLE}") -> None:
        super().__init__(message, hint=hint)


def format_problem(problem: Problem) -> str:
    """The canonical text of ``problem``; :func:`parse_problem` is its inverse."""
    joined = _joined(problem.windows)
    words = [problem.operator, FORMATS[problem.dtype].short, f"n{problem.batch}", f"c{problem.channels}"]
    words.append("i" + joined(lambda w: w.size))
    if not problem.op.is_pool:
        words.append(f"o{problem.out_channels}")
    words.append("k" + joined(lambda w: w.kernel))
    if any(w.stride != 1 for w in problem.windows):
        words.append("s" + joined(lambda w: w.stride))
    if any(w.pad_begin or w.pad_end for w in problem.windows):
        words.append("p" + joined(_format_padding))
    if any(w.dilation != 1 for w in problem.windows):
        words.append("d" + joined(lambda w: w.dilation))
    if problem.groups != 1:
        words.append(f"g{problem.groups}")
    if problem.divisor is not None:
        words.append(f"divisor{problem.divisor}")
    given = (problem.bias, problem.ceil, problem.indices, not problem.count_include_pad)
    words += [word for word, present in zip(_WORDS, given, strict=True) if present]
    return " ".join(words)


def _joined(windows: Sequence[Window]) -> Callable[[Callable[[Window], object]], str]:
    return lambda field: "x".join(str(field(window)) for window in windows)


def _format_padding(window: Window) -> str:
    begin, end = window.pad_begin, window.pad_end
    return str(begin) if begin == end else f"{begin}:{end}"


def parse_problem(text: str) -> Problem:
    """The problem that ``text`` describes. It may be invalid in the sense of :func:`reasons_invalid`.

    Raises :class:`TextError` with the word that is not understood.
    """
    words = text.split()
    if not words:
        raise TextError("the text of a problem is empty")
    op = operator_named(words[0])
    dtype, flags, values = _read_words(words[1:])
    axes = {field: _axes(values, key, op) for key, field in _AXES.items()}
    for key in ("i", "k"):
        if key not in values:
            raise TextError(f"the {_AXES[key]} ({key}…) is missing in {text!r}")
    scalars = {field: int(values[key]) for key, field in _SCALARS.items() if key in values}
    padding = _padding(values.get("p"), op)
    windows = tuple(
        Window(**{field: sizes[axis] for field, sizes in axes.items()},
               pad_begin=padding[axis][0], pad_end=padding[axis][1], ceil="ceil" in flags)
        for axis in range(op.ndim)
    )  # fmt: skip
    if op.is_pool:
        if "o" in values:
            raise TextError(f"'o{values['o']}': pooling has as many output channels as channels")
        scalars["out_channels"] = scalars.get("channels", 1)
    return Problem(
        op.name,
        windows,
        dtype=dtype,
        bias="bias" in flags,
        indices="indices" in flags,
        count_include_pad="exclude_pad" not in flags,
        **scalars,
    )


def _read_words(words: Sequence[str]) -> tuple[str, set[str], dict[str, str]]:
    dtype, flags = None, set()
    values: dict[str, str] = {}
    for word in words:
        if word in _WORDS:
            flags.add(word)
        elif dtype is None and re.fullmatch(r"b?f(loat)?\d+", word):
            dtype = format_named(word).name
        elif token := _TOKEN.fullmatch(word):
            key = token["key"]
            if key in values:
                raise TextError(f"{key!r} is given twice: '{key}{values[key]}' and {word!r}")
            if key not in (*_SCALARS, *_AXES, "p"):
                raise TextError(f"the word {word!r} is not understood")
            if any(len(number) > _MAX_DIGITS for number in re.findall(r"\d+", word)):
                raise TextError(f"a number in {word[:40]!r} is too large")
            if key in _SCALARS and not token["value"].isdigit():
                raise TextError(f"{word!r}: {_SCALARS[key]} is a single number")
            values[key] = token["value"]
        else:
            raise TextError(f"the word {word!r} is not understood")
    return dtype or "float32", flags, values


def _axes(values: dict[str, str], key: str, op: Operator) -> list[int]:
    parts = values.get(key, "1").split("x")
    if not all(part.isdigit() for part in parts):
        raise TextError(f"'{key}{values[key]}': the {_AXES[key]} is numbers joined by x")
    return _per_axis([int(part) for part in parts], f"{key}{values.get(key)}", op)


def _padding(value: str | None, op: Operator) -> list[tuple[int, int]]:
    pairs = []
    for part in (value or "0").split("x"):
        numbers = part.split(":")
        if len(numbers) > 2 or not all(number.isdigit() for number in numbers):
            raise TextError(f"'p{value}': padding is p1x2, or p1:0x2:1 for begin and end")
        pairs.append((int(numbers[0]), int(numbers[-1])))
    return _per_axis(pairs, f"p{value}", op)


def _per_axis(numbers: list[_T], word: str, op: Operator) -> list[_T]:
    if len(numbers) == 1:
        return numbers * op.ndim
    if len(numbers) != op.ndim:
        raise TextError(f"{word!r} has {len(numbers)} axes, but {op.name} has {op.ndim}")
    return numbers
