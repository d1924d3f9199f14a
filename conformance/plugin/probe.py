"""Finds out by smoke calls how a function wants to be called: which arrays, how many axes, tuples or numbers.

Only what raises counts as "does not take that". A wrong shape or a wrong number is never taken as a wish: it is left
for the checks to find. What was found out is noted, and shown with the report.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from conformance.plugin.arrays import arrays_named, loaded_arrays
from conformance.plugin.autograd import differentiable
from conformance.plugin.claims import options_of
from conformance.plugin.functions import RANKS, Form, Function, Rank
from conformance.problem import Family, Operator, Problem, Window
from conformance.problem.validity import is_valid
from conformance.problem.window import AdaptiveWindow, AnyWindow, TransposedWindow

FIRST_CALLS: dict[str, tuple[Problem, dict[str, np.ndarray], tuple[np.ndarray, ...]]] = {}
"""What the first smoke call of each operator gave: no later call can be the first one in its process, so it is judged too."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one smoke call gave: the error that it raised, or the shape, data type and library of what it returned."""

    error: str = ""
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    foreign: bool = False

    def fits(self, problem: Problem) -> bool:
        return self.shape == problem.result_shape and not self.foreign


def smoke_problem(operator: Operator, rank: Rank, pointwise: bool) -> Problem:
    """A small problem that a function of this rank can be asked for, with sizes that differ by axis."""
    lost = RANKS[rank][1]
    sizes = (6, 5, 4)[: operator.ndim]
    channels = 1 if "channels" in lost else 2
    windows: dict[str, Callable[[int], AnyWindow]] = {
        "sliding": lambda size: Window(size, 1 if pointwise else 2, 2 if operator.family is Family.MAX_UNPOOL else 1),
        "transposed": lambda size: TransposedWindow(size, 2),
        "adaptive": lambda size: AdaptiveWindow(size, 2),
    }
    return Problem(
        operator.name,
        tuple(windows[operator.traits.window](size) for size in sizes),
        batch=1 if "batch" in lost else 2,
        channels=channels,
        out_channels=channels if operator.is_pool else 1 if "out_channels" in lost else 3,
        dtype=operator.traits.dtypes[0],
    )


def settle(function: Function, arrays: str | None, textbook: bool) -> Function:
    """``function`` with the form that its smoke calls showed. ``arrays`` is the user's word for the library, if given.

    ``textbook`` functions have no namesake that says which data types they take, so it is what they keep.
    """
    form = _arrays_and_rank(function, arrays)
    function = dataclasses.replace(function, form=form)
    function = dataclasses.replace(function, form=_spelling(function))
    function = dataclasses.replace(function, form=_dtypes(function)) if textbook else function
    return dataclasses.replace(function, form=_differentiable(function))


def with_accepted(function: Function) -> Function:
    """``function`` with what its namesake's signature does not promise, but smoke calls show that it accepts.

    A data type is accepted where the result has it too; of other shapes, a result of the right shape says so.
    """
    form, accepted, notes = function.form, list[str](), list[str]()
    for dtype in _MORE_TYPES:
        if dtype not in function.operator.traits.dtypes or dtype in function.claims.dtypes:
            continue
        attempt = _attempt(function, form, dtype)
        if attempt.error or not attempt.fits(_problem(function, form)):
            continue
        if attempt.dtype == dtype:
            accepted.append(dtype)
        else:
            notes.append(f"{dtype} is not tried: it returns {attempt.dtype} for it")
    for option, change in _MORE_OPTIONS.items():
        problem = change(_problem(function, form))
        if option not in options_of(function.operator) or not is_valid(problem) or set(RANKS[form.rank][1]) & {"batch"}:
            continue
        if option == "same" and "padding" not in function.signature.names:
            continue
        attempt = _attempt_of(function, form, problem)
        if attempt.fits(problem):
            accepted.append(option)
    return dataclasses.replace(function, form=dataclasses.replace(form, accepted=tuple(accepted), notes=(*form.notes, *notes)))


def _same(problem: Problem) -> Problem:
    windows = tuple(
        dataclasses.replace(w, kernel=3, stride=1, pad_begin=1, pad_end=1) if isinstance(w, Window) else w
        for w in problem.windows
    )
    return problem.replace(windows=windows, auto_pad="same")


_MORE_TYPES = ("float16", "bfloat16", "int64", "int32", "int8", "uint8")
_MORE_OPTIONS: dict[str, Callable[[Problem], Problem]] = {
    "empty_batch": lambda problem: problem.replace(batch=0),
    "unbatched": lambda problem: problem.replace(batch=1, unbatched=True),
    "same": _same,
}
"""What is tried beyond a namesake's float32 and float64: data types, and for each option a problem that asks for it."""


def _differentiable(function: Function) -> Form:
    """Whether autograd can go back through the function."""
    form = function.form
    if not arrays_named(form.arrays).autograd or form.rank != "batched" or not function.operator.forward:
        return form
    problem = _problem(function, form)
    tensors = function.native(ramps(problem))
    try:
        carries = differentiable(form.arrays, tensors, lambda given: function.call_on(problem, given)())
        return dataclasses.replace(form, differentiable=carries)
    except (Exception, SystemExit):
        return form


def ramps(problem: Problem) -> dict[str, np.ndarray]:
    """1, 2, 3, ... in every tensor; indices within their plane."""
    plane = int(np.prod([window.elements for window in problem.windows]))
    arrays = {name: np.arange(1, 1 + np.prod(shape)).reshape(shape) for name, shape in problem.array_shapes.items()}
    if "indices" in arrays:
        arrays["indices"] = arrays["indices"] % plane
    return {name: array.astype(problem.dtype_of(name)) for name, array in arrays.items()}


def note_first_call(problem: Problem, outputs: tuple[np.ndarray, ...]) -> None:
    """Remember what a smoke call on :func:`ramps` gave, if it is the first of its operator and can be judged later."""
    if problem.op.forward and problem.op.family not in (Family.MAX_UNPOOL, Family.CONV_INTEGER):
        given = ramps(problem)  # made again: the call may have written into what it got
        FIRST_CALLS.setdefault(problem.operator, (problem, given, tuple(output.copy() for output in outputs)))


def _arrays_and_rank(function: Function, arrays: str | None) -> Form:
    kinds = [arrays] if arrays else loaded_arrays()
    first = function.form.rank
    forms = [dataclasses.replace(function.form, arrays=kind) for kind in kinds]
    attempts = [(form, _attempt(function, form)) for form in forms]
    for form, attempt in attempts:
        if attempt.fits(_problem(function, form)):
            return _noted(form, kinds, first)
    returned = [form for form, attempt in attempts if not attempt.error and not attempt.foreign]
    if returned:  # it takes them, and returns something wrong: that is for the checks to say
        return _noted(returned[0], kinds, first)
    for form in (*_other_ranks(function, kinds), *_spelled_out(function, kinds)):
        if _attempt(function, form).fits(_problem(function, form)):
            return _noted(form, kinds, first)
    used = {getattr(value, "__name__", "").split(".")[0] for value in getattr(function.call, "__globals__", {}).values()}
    return _noted(next((form for form in forms[1:] if form.arrays in used), forms[0]), kinds, first)


def _other_ranks(function: Function, kinds: list[str]) -> Iterator[Form]:
    for rank in RANKS:
        if not function.operator.forward or rank == function.form.rank or (function.operator.is_pool and rank == "single_output"):
            continue
        for kind in kinds:
            yield dataclasses.replace(function.form, arrays=kind, rank=rank)


def _spelled_out(function: Function, kinds: list[str]) -> Iterator[Form]:
    """All forms again with tuples: a function may take nothing else, and so no rank seemed to fit."""
    for form in (*(dataclasses.replace(function.form, arrays=kind) for kind in kinds), *_other_ranks(function, kinds)):
        if function.spells:
            yield dataclasses.replace(form, spelling="tuple")


def _noted(form: Form, kinds: list[str], expected: Rank) -> Form:
    notes = []
    if len(kinds) > 1 and form.arrays != "numpy":
        notes.append(f"called with {form.arrays} arrays (--arrays says otherwise)")
    if form.rank != expected:
        notes.append(f"takes {form.rank.replace('_', '-')} arrays: {', '.join(RANKS[form.rank][1])} not claimed")
    return dataclasses.replace(form, notes=(*form.notes, *notes))


def _spelling(function: Function) -> Form:
    """Whether parameters that exist per axis may be tuples, numbers, or either."""
    form = function.form
    if not function.spells:
        return form
    tuples = _attempt(function, dataclasses.replace(form, spelling="tuple"))
    numbers = _attempt(function, dataclasses.replace(form, spelling="number"))
    if bool(tuples.error) == bool(numbers.error):
        return form
    if numbers.error:
        return dataclasses.replace(form, spelling="tuple")
    note = f"takes one number for all axes, not one for each (a tuple raised {tuples.error})"
    return dataclasses.replace(form, spelling="number", notes=(*form.notes, note))


def _dtypes(function: Function) -> Form:
    """The data types that a function gives back as it got them."""
    form, kept, notes = function.form, [], []
    for dtype in form.dtypes:
        attempt = _attempt(function, form, dtype)
        if attempt.error or attempt.dtype in (dtype, ""):
            kept.append(dtype)
        else:
            notes.append(f"{dtype} not claimed: returns {attempt.dtype} for it")
    if not kept:
        return form
    return dataclasses.replace(form, dtypes=tuple(kept), notes=(*form.notes, *notes))


def _problem(function: Function, form: Form) -> Problem:
    return smoke_problem(function.operator, form.rank, function.pointwise)


def _attempt(function: Function, form: Form, dtype: str = "float32") -> Attempt:
    problem = _problem(function, form)
    return _attempt_of(function, form, problem.replace(dtype=dtype) if dtype in problem.op.traits.dtypes else problem)


def _attempt_of(function: Function, form: Form, problem: Problem) -> Attempt:
    function = dataclasses.replace(function, form=form)
    arrays = ramps(problem)
    try:
        result = function.bind(problem, arrays)()
        outputs = function.unsqueeze(arrays_named(form.arrays).fetch(result))
    except (Exception, SystemExit) as error:
        return Attempt(error=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200])
    if outputs and outputs[0].shape == problem.result_shape:
        note_first_call(problem, outputs)
    returned = result[0] if isinstance(result, tuple) and result else result
    foreign = not arrays_named(form.arrays).owns(returned)
    return Attempt("", outputs[0].shape if outputs else None, outputs[0].dtype.name if outputs else "", foreign)
