"""How near a call comes to branches that were never taken: what a search goes by. Inside a worker.

The distance of a condition is 0 where it holds, else by how much its numbers miss it (Korel 1990; Tracey, Clark, Mander,
McDermid 1998): |a - b| of a == b, a - b of a <= b, a sum over what all must hold, the least of what one must.
"""

from __future__ import annotations

import ast
import math
import operator
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

from conformance.running.visited import Branch, first_lines, statement_at

FAR = 1e9
"""Of a branch that a call did not even come to."""
_UNKNOWN = 1.0  # of a condition that is not met, and has no numbers
_CALLS: dict[str, Callable[..., Any]] = {
    function.__name__: function for function in (len, min, max, abs, sum, int, tuple, set, all, any)
}
"""Built-in functions without an effect."""
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv, ast.Pow: operator.pow, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.USub: operator.neg, ast.UAdd: operator.pos,
    ast.Invert: operator.invert, ast.Not: operator.not_,
}  # fmt: skip


class Watch:
    """Notes how near calls come to some branches, and which of them were taken; ``trace`` is for ``sys.settrace``."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self.branches = tuple(branches)
        self.distances = [FAR] * len(self.branches)
        self.taken = [False] * len(self.branches)
        self._firsts = {branch.file: first_lines(branch.file) for branch in self.branches}
        self._of_line: dict[tuple[str, int], list[int]] = {}
        for number, branch in enumerate(self.branches):
            self._of_line.setdefault((branch.file, branch.line), []).append(number)

    def trace(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        if frame.f_code.co_filename not in self._firsts:
            return None
        return self._of_lines(frame.f_code)

    def _of_lines(self, code: CodeType) -> Callable[..., Any]:
        """What is told of every line of one call of a function."""
        firsts, file, last = self._firsts[code.co_filename], code.co_filename, 0

        def trace(frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
            nonlocal last
            if event == "line":
                line = firsts.get(frame.f_lineno, frame.f_lineno)
                if line != last:
                    self._went(file, last, line)
                    last = line
                    for number in self._of_line.get((file, line), ()):
                        self._measure(number, frame)
            elif event == "return":
                self._went(file, last, 0)
            return trace

        return trace

    def _went(self, file: str, line: int, to: int) -> None:
        for number in self._of_line.get((file, line), ()):
            if self.branches[number].to == to:
                self.taken[number] = True

    def _measure(self, number: int, frame: FrameType) -> None:
        branch = self.branches[number]
        statement = statement_at(branch.file, branch.line)
        near = _UNKNOWN
        if isinstance(statement, ast.If | ast.While):
            near = distance(statement.test, frame.f_globals, frame.f_locals, branch.to == statement.body[0].lineno)
        self.distances[number] = min(self.distances[number], near)


def distance(test: ast.expr, names: dict[str, Any], own: dict[str, Any], wanted: bool) -> float:
    """By how much a condition misses being as ``wanted``: 0 where it is."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return distance(test.operand, names, own, not wanted)
    if isinstance(test, ast.BoolOp):
        parts = [distance(value, names, own, wanted) for value in test.values]
        return sum(parts) if isinstance(test.op, ast.And) == wanted else min(parts)
    if isinstance(test, ast.Compare):
        sides = [test.left, *test.comparators]
        parts = [
            _compared(sign, _value(left, names, own), _value(right, names, own), wanted)
            for sign, left, right in zip(test.ops, sides, sides[1:], strict=False)
        ]
        return sum(parts) if wanted else min(parts)
    value = _value(test, names, own)
    try:
        return 0.0 if value is not _NOTHING and bool(value) == wanted else _UNKNOWN
    except Exception:  # an array of several elements, for one
        return _UNKNOWN


_NOTHING = object()


def _value(node: ast.expr, names: dict[str, Any], own: dict[str, Any]) -> Any:
    """What an expression is worth, if working it out can have no effect; else nothing."""
    try:
        return _worked_out(node, ChainMap(own, names))
    except Exception:
        return _NOTHING


def _worked_out(node: ast.expr | None, names: Mapping[str, Any]) -> Any:
    """Raises whatever it likes where an expression is not one of those that have no effect."""
    match node:
        case None:
            return None
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return names[name]
        case ast.Attribute(of, name):
            return getattr(_worked_out(of, names), name)
        case ast.Subscript(of, at):
            return _worked_out(of, names)[_worked_out(at, names)]
        case ast.Slice(first, end, step):
            return slice(_worked_out(first, names), _worked_out(end, names), _worked_out(step, names))
        case ast.Tuple(parts) | ast.List(parts):
            values = [_worked_out(part, names) for part in parts]
            return values if isinstance(node, ast.List) else tuple(values)
        case ast.BinOp(left, sign, right):
            return _OPERATORS[type(sign)](_worked_out(left, names), _worked_out(right, names))
        case ast.UnaryOp(sign, of):
            return _OPERATORS[type(sign)](_worked_out(of, names))
        case ast.Call(ast.Name(name), arguments, []) if name not in names:  # a target's own function may do anything
            return _CALLS[name](*(_worked_out(argument, names) for argument in arguments))
        case _:
            raise ValueError(ast.dump(node))


def _compared(sign: ast.cmpop, left: Any, right: Any, wanted: bool) -> float:
    if left is _NOTHING or right is _NOTHING:
        return _UNKNOWN
    if isinstance(sign, ast.In | ast.NotIn):
        found = (
            min((_apart(left, each) for each in right), default=_UNKNOWN) if isinstance(right, tuple | list | set) else _UNKNOWN
        )
        return found if isinstance(sign, ast.In) == wanted else float(found == 0)
    apart = _apart(left, right)
    if isinstance(sign, ast.Eq | ast.Is):
        return apart if wanted else float(apart == 0)
    if isinstance(sign, ast.NotEq | ast.IsNot):
        return float(apart == 0) if wanted else apart
    try:
        more = float(left) - float(right)
    except (TypeError, ValueError, OverflowError):
        return _UNKNOWN
    if isinstance(sign, ast.Gt | ast.GtE):
        more = -more
    strict = isinstance(sign, ast.Lt | ast.Gt)
    if not wanted:
        more, strict = -more, not strict
    return max(0.0, more + strict)


def _apart(left: Any, right: Any) -> float:
    """How far two values are apart: numbers by their difference, sequences element by element."""
    if isinstance(left, tuple | list) and isinstance(right, tuple | list):
        if len(left) != len(right):
            return 10.0 * abs(len(left) - len(right))
        return sum(_apart(a, b) for a, b in zip(left, right, strict=True))
    try:
        near = abs(float(left) - float(right))
        return near if math.isfinite(near) else _UNKNOWN
    except (TypeError, ValueError, OverflowError):
        return 0.0 if left is right or (type(left) is type(right) and left == right) else _UNKNOWN
