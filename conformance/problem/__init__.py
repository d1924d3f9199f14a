"""What is asked: windows, operators, number formats, problems, their validity and their text forms."""

from conformance.problem.formats import FORMATS, Format, format_named
from conformance.problem.operators import OPERATORS, Family, Operator
from conformance.problem.problem import Problem
from conformance.problem.text import parse_problem
from conformance.problem.validity import InvalidProblem, reasons_invalid, require_valid
from conformance.problem.window import Window

__all__ = [
    "FORMATS",
    "OPERATORS",
    "Family",
    "Format",
    "InvalidProblem",
    "Operator",
    "Problem",
    "Window",
    "format_named",
    "parse_problem",
    "reasons_invalid",
    "require_valid",
]
