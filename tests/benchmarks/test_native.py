"""What a small call of a shared library costs: the function alone, with what ctypes adds, and with all of the harness's.

The library does one multiplication, so what is measured is overhead. Run by ``tox run -e bench``, never asserted.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest

from conformance.cases.case import Case
from conformance.plugin.job import Call, Job
from conformance.plugin.library import Library
from conformance.plugin.target import Target
from conformance.problem import parse_problem
from conformance.running.session import Session
from tests.targets.native import HERE, build

SMALL = parse_problem("conv2d f32 n1 c1 i1x1 o1 k1x1")
LOOP = """
#include <conformance.h>
CONFORMANCE_EXPORT void many(int32_t (*function)(const conformance_call *), const conformance_call *call, int64_t times) {
  while (times--) function(call);
}
"""
TIMES = 1000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return build(HERE / "plain.c", tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="module")
def library(path: str) -> Library:
    return Library(path, path, "", Target(path))


def test_a_thousand_calls_from_c(benchmark: Any, library: Library, path: str, tmp_path: Path) -> None:
    """Without the harness: a loop in C over the same function and the same struct."""
    source = tmp_path / "loop.c"
    source.write_text(LOOP)
    many = ctypes.CDLL(build(source, tmp_path)).many
    many.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    function = ctypes.cast(ctypes.CDLL(path).conformance_conv2d, ctypes.c_void_p)
    answer = library.prepare(SMALL, Case(SMALL).arrays())()
    benchmark(many, function, answer.block.address, TIMES)


def test_the_bare_call_that_is_timed(benchmark: Any, library: Library) -> None:
    benchmark(library.prepare(SMALL, Case(SMALL).arrays()))


def test_preparing_a_call(benchmark: Any, library: Library) -> None:
    benchmark(library.prepare, SMALL, Case(SMALL).arrays())


def test_bringing_a_result_back_with_its_guards_looked_at(benchmark: Any, library: Library) -> None:
    benchmark(library.fetch, library.prepare(SMALL, Case(SMALL).arrays())())


def test_one_call_through_a_worker(benchmark: Any, path: str) -> None:
    job = Job((Call(SMALL, Case(SMALL).arrays()),))
    with Session(Target(path)) as session:
        session.describe()
        benchmark(lambda: session.submit(job).result())
