"""Shared libraries as implementations: functions with the C interface of ``native/conformance.h``, called by ctypes.

The structs are filled, and the result's memory is made, in ``prepare``; the bare call does nothing but call the function.
What it answered, and whether it wrote beside what it was given, is looked at afterwards.
"""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from conformance.errors import UsageError
from conformance.plugin import abi
from conformance.plugin.ask import ask
from conformance.plugin.axes import from_format, to_format
from conformance.plugin.claims import ON_REQUEST, Claims, options_of
from conformance.plugin.guarded import Guarded
from conformance.plugin.implementation import Implementation, NotSupported, WrongResult, WroteBeside
from conformance.plugin.probe import note_first_call, ramps
from conformance.plugin.said import Said, read_said
from conformance.plugin.shared_library import find, open_library, operator_function, operators_in
from conformance.plugin.target import Target
from conformance.problem import OPERATORS, Problem
from conformance.problem.operators import BIAS_GRAD, WEIGHT_GRAD, operator_named, with_passes

_BYTES = np.dtype(np.uint8)
_GUARD_OF_MESSAGE = 64
_MOST_CLAIMS = 2**20  # bytes that are looked at, to say that they are too many
MOST_WORKSPACE = 2**34
"""Bytes of workspace that a library may ask for."""
_CHANNELS_FIRST = ("NCHW", "")


class LibraryError(RuntimeError):
    """A function answered that a problem is invalid, or that it failed; the text is its own."""


class Library(Implementation):
    """The functions of one shared library, each for the operator in its name."""

    def __init__(self, text: str, place: str, symbol: str, target: Target) -> None:
        """``symbol``: one operator or function of it, all if empty. Raises :class:`UsageError` for what cannot be used."""
        self.name, self._place = text, Path(place)
        self._library = open_library(place)
        self._workspace = _query(self._library)
        said = self._said()
        symbols = _symbols(self._library, text, place, symbol, said, target.operators)
        self._functions = {operator: operator_function(self._library, place, name) for operator, name in symbols.items()}
        self.summary = f"{self._place.name}, a shared library"
        self._strides = {operator: _line_of(operator, said).strides for operator in symbols}
        self._claims: dict[str, Claims] = {}
        self._formats: dict[str, tuple[str, str]] = {}
        for operator in symbols:
            found = self._claims_of(operator, _line_of(operator, said), target)
            if found is not None:
                self._claims[operator] = found
        if not self._claims:
            raise UsageError(
                f"{text} answered NOT_SUPPORTED to all that it was asked of {', '.join(symbols)}",
                hint='say what it does, as in CONFORMANCE_LIBRARY("conv2d; float32; stride padding")',
            )

    @property
    def claims(self) -> Mapping[str, Claims]:
        return self._claims

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Answer]:
        function = self._functions[problem.operator]
        answer = self._answer(problem, arrays)
        pointer = ctypes.c_void_p(answer.block.address)

        def call() -> Answer:
            answer.status = function(pointer)
            return answer

        return call

    def fetch(self, result: Answer) -> tuple[np.ndarray, ...]:
        result.judge()
        outputs = tuple(one.array for one in result.results)
        formats = self._formats.get(result.problem.operator)
        return tuple(from_format(result.problem.op, output, *formats) for output in outputs) if formats else outputs

    def versions(self) -> dict[str, str]:
        return {"library": self._place.name, "interface": f"{abi.MAJOR}.{abi.MINOR}"}

    def _said(self) -> list[Said]:
        claims = find(self._library, "conformance_claims")
        if claims is None:
            return []
        claims.restype, claims.argtypes = ctypes.c_char_p, []
        try:
            return read_said((claims() or b"")[:_MOST_CLAIMS].decode(errors="replace"))
        except UsageError as error:
            raise UsageError(f"{self._place.name}: {error.message}", hint=error.hint) from error

    def _claims_of(self, operator: str, said: Said, target: Target) -> Claims | None:
        """What it says that it claims, and where it says nothing, what it does not refuse; None if it refuses all."""
        op, dtypes, options = OPERATORS[operator], said.dtypes, said.options
        dtypes = tuple(name for name in dtypes if name in op.traits.dtypes) if dtypes else None
        if dtypes == ():
            raise UsageError(
                f"{self._place.name} claims {operator} for {', '.join(said.dtypes or ())} alone",
                hint=f"it is defined for {', '.join(op.traits.dtypes)}",
            )
        base = Claims(op.traits.dtypes).changed((*said.claim, *target.claim), (*said.no_claim, *target.no_claim))
        if (base.data_format, base.kernel_format) != _CHANNELS_FIRST:
            self._formats[operator] = base.data_format, base.kernel_format
        if target.probe and (dtypes is None or options is None):
            dtypes, asked = ask(op, dtypes, self._supported)
            if not dtypes:
                return None
            options = asked if options is None else options
        elif not target.probe:  # it cannot be asked: what its namesake in torch.nn.functional does
            usual = tuple(name for name in ("float32", "float64") if name in op.traits.dtypes)
            dtypes, options = dtypes or usual, options_of(op) - ON_REQUEST if options is None else options
        options = options_of(op) & ((options or frozenset()) - said.away)
        claims = dataclasses.replace(base, dtypes=dtypes or op.traits.dtypes, options=options)
        return claims.changed(target.claim, target.no_claim)

    def _supported(self, problem: Problem) -> bool:
        """Whether a first call is not refused; what it gives otherwise is left for the checks."""
        try:
            outputs = self.fetch(self.prepare(problem, ramps(problem))())
        except NotSupported:
            return False
        except Exception:  # an error is told by the cases, which say for which problem
            return True
        if problem.dtype in ("float32", "float64"):
            note_first_call(problem, outputs)
        return True

    def _answer(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Answer:
        """A call with everything in its place."""
        op, formats, given = problem.op, self._formats.get(problem.operator), arrays
        shape = abi.result_shape(problem)
        if formats:
            given = {name: to_format(op, name, array, *formats) for name, array in given.items()}
            tensor = {WEIGHT_GRAD: "w", BIAS_GRAD: "b"}.get(op.pass_name, "x")
            shape = to_format(op, tensor, np.broadcast_to(np.uint8(0), shape), *formats).shape
        if not self._strides[problem.operator]:
            given = {name: array if array.flags.c_contiguous else array.copy(order="C") for name, array in given.items()}
        results = [Guarded("its output", shape, problem.result_format.numpy)]
        results += [Guarded("its indices", shape, np.dtype(np.int64))] if problem.indices else []
        message = Guarded("its message", (abi.MESSAGE_SIZE,), _BYTES, _GUARD_OF_MESSAGE)
        message.array[:1] = 0
        block = abi.Block(problem, given, [one.array for one in results], message.address)
        workspace = None
        if self._workspace is not None:
            size = self._workspace(block.address)
            if size > MOST_WORKSPACE:
                raise MemoryError(f"asked for {size:,} bytes of workspace, more than {MOST_WORKSPACE:,}")
            if size:
                workspace = Guarded("its workspace", (size,), _BYTES)
                block.set_workspace(workspace.address, size)
        return Answer(problem, block, results, message, workspace)


@dataclasses.dataclass(slots=True, eq=False)
class Answer:
    """One call, and what came of it."""

    problem: Problem
    block: abi.Block
    results: list[Guarded]
    message: Guarded
    workspace: Guarded | None
    status: int = -1

    def judge(self) -> None:
        """Raise what the status says, unless it is that all is well; and what was written where nothing was to be."""
        for memory in (*self.results, self.message, self.workspace):
            harm = memory.harm() if memory is not None else ""
            if harm:
                raise WroteBeside(harm)
        if self.status == abi.OK:
            return
        if not 0 <= self.status < len(abi.STATUSES):
            known = ", ".join(f"{number} {word}" for number, word in enumerate(abi.STATUSES))
            raise WrongResult(f"answered with the status {self.status}, which is none of {known}")
        text = bytes(self.message.array).partition(b"\0")[0].decode(errors="replace").strip()
        words = f"answered {abi.STATUSES[self.status]}" + (f": {text}" if text else "")
        if self.status == abi.NOT_SUPPORTED:
            raise NotSupported(words)
        raise MemoryError(words) if self.status == abi.OUT_OF_MEMORY else LibraryError(words)


def _query(library: ctypes.CDLL) -> Any:
    query = find(library, "conformance_workspace")
    if query is not None:
        query.restype, query.argtypes = ctypes.c_uint64, [ctypes.c_void_p]
    return query


def _line_of(operator: str, said: list[Said]) -> Said:
    return next(
        (line for line in said if operator in line.operators), next((line for line in said if not line.operators), Said())
    )


def _symbols(
    library: ctypes.CDLL, text: str, place: str, symbol: str, said: list[Said], wanted: tuple[str, ...]
) -> dict[str, str]:
    """The function of each operator that is to be checked, by its name."""
    if symbol and symbol not in OPERATORS:  # a function under a name of its own
        if not wanted:
            raise UsageError(f"which operator {symbol} is of is not known", hint=f"say it: {text} --operator conv2d")
        return {operator_named(name).name: symbol for name in wanted}
    claimed = [name for line in said for name in line.operators]
    found = {name: name for name in claimed or operators_in(library, place)}
    names = with_passes(wanted) if wanted else tuple(found)
    names = tuple(name for name in names if not symbol or name in with_passes((symbol,)))
    kept = {name: found[name] for name in names if name in found}
    if not kept:
        raise UsageError(f"{text} has no {' or '.join(wanted or (symbol,))}", hint=f"it has {', '.join(found)}")
    return kept
