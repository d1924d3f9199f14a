"""What is asked of a device while calls are timed. Without one nothing is; what needs one is marked ``gpu``.

A thread that works behind calls stands for a device in what is about order: what is waited for, and which clock runs when.
"""

from __future__ import annotations

import inspect
import io
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from conformance.cases.case import parse_case
from conformance.plugin.registry import registered
from conformance.plugin.target import Target
from conformance.report.bench_terminal import bench_table, conditions
from conformance.report.environment import environment
from conformance.report.html import render_bench
from conformance.report.schema import Report
from conformance.report.times import Timing
from conformance.timing import block
from conformance.timing.bench import Bench, Entry, on_processor
from conformance.timing.block import Ran
from conformance.timing.compare import Workload, timing
from conformance.timing.conditions import AS_IT_COMES, Conditions
from conformance.timing.device import Device, TorchDevice, in_use
from conformance.timing.measure import Aim, Measurement, Series, measure, open_contestant
from conformance.timing.roofline import Rates, Roof
from conformance.timing.rows import timings
from tests.conftest import TARGETS

CASE = parse_case("conv2d n1 c2 i8x8 o2 k3x3 values=wide:0")
AIM = Aim(half_width=1e9, least=3, most=3)
QUEUED = TARGETS / "queued.py"
WORK = 1e-3
"""Seconds for which the thread works at least."""


def measured(target: str, conditions: Conditions = AS_IT_COMES, case: Any = CASE) -> Series:
    with ExitStack() as stack:
        contestant = open_contestant(stack, Target(target), 1)
        return measure(case, {"it": contestant}, "it", AIM, random.Random(0), conditions).series["it"]


def test_a_processor_has_no_device_whatever_was_imported() -> None:
    torch = pytest.importorskip("torch")
    torch.nn.functional.conv2d(torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 2, 2))
    assert (in_use() is not None) is torch.cuda.is_initialized()


@pytest.mark.parametrize("name", ["torch", "cupy"])
def test_what_only_has_the_name_of_a_library_is_no_device(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for other in ("torch", "cupy"):
        monkeypatch.delitem(sys.modules, other, raising=False)
    monkeypatch.setitem(sys.modules, name, SimpleNamespace())  # type: ignore[arg-type]
    assert in_use() is None


@pytest.mark.parametrize("cold", [False, True])
def test_on_a_processor_a_measurement_has_nothing_of_a_device_and_its_report_no_word_of_one(cold: bool) -> None:
    one = measured("torch-cpu", Conditions(cold=cold))
    assert one.seconds
    assert one.device is None
    row = timing("it", "a problem", Measurement(CASE, "it", {"it": one}, "rounds", 3, 1.0))
    assert row.device_seconds is None
    assert "device" not in shown(a_row(device_seconds=row.device_seconds))


@pytest.mark.parametrize("function", ["conv2d", "side_conv2d"])
def test_what_a_call_only_begins_is_inside_its_time_on_whatever_stream_and_its_result_is_right(function: str) -> None:
    one = measured(f"{QUEUED}:{function}")
    assert one.reason == ""
    assert one.first_call >= WORK
    assert min(one.times) >= WORK
    assert one.peak is None  # CuPy does not tell, and what the process takes is another thing


def test_work_that_is_postponed_until_the_device_is_asked_for_an_event_is_inside_the_time() -> None:
    one = measured(f"{QUEUED}:postponed_conv2d")
    assert one.reason == ""
    assert min(one.times) >= WORK


def test_a_device_works_for_a_call_for_less_time_than_passes_while_it_is_launched() -> None:
    one = measured(f"{QUEUED}:launched_conv2d")
    assert one.reason == ""
    assert one.device is not None
    assert WORK <= one.device < min(one.times)


def test_cold_calls_on_a_device_are_timed_too_and_its_cache_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(f"{QUEUED}:conv2d", Conditions(cold=True)).device
    written: list[int] = []
    timed = a_block(monkeypatch, SimpleNamespace(flush=written.append, alone=lambda bare, cold: (bare(), float(cold))), cold=True)
    block.refresh(timed, 7, 1, True)
    assert written == [7]
    assert block._blocks[timed].busy == 1.0


def a_block(monkeypatch: pytest.MonkeyPatch, device: Any, cold: bool = False) -> Target:
    """A problem that is prepared in this process, on ``device``."""
    target, one = Target("numpy-gemm"), block._Block(registered("numpy-gemm"), CASE, CASE.arrays(), cold=cold, device=device)
    monkeypatch.setattr(block, "_blocks", {target: one})
    return target


def test_the_closer_of_two_bounds_is_how_long_a_device_works_for_a_call() -> None:
    assert Ran(1.0, 0.0, 0.0, 0.0).on_device(4) is None
    assert Ran(1.0, 0.0, 0.0, 0.0, span=1.0).on_device(4) == 0.25
    assert Ran(1.0, 0.0, 0.0, 0.0, span=1.0, busy=0.2).on_device(4) == 0.2
    assert Ran(1.0, 0.0, 0.0, 0.0, span=1.0, busy=0.3).on_device(4) == 0.25


def a_row(**changes: object) -> Timing:
    plain = Timing(
        problem=str(CASE.problem), workload="a problem", implementation="it", reference="it", work=1, seconds=60e-6, ratio=1.0,
        verdict="REFERENCE", first_call=1.0, prepare=0.0, fetch=0.0,
    )  # fmt: skip
    return plain.model_copy(update=changes)


def a_report(*rows: Timing) -> Report:
    return Report(
        title="Bench", command="conformance bench", started="2026-01-01T00:00:00+00:00", seconds=1.0, seed=0, profile="",
        environment=environment(), implementations=(), timings=rows, margin=0.05, threads=1,
    )  # fmt: skip


def shown(*rows: Timing) -> str:
    """Table, conditions and page."""
    report, console = a_report(*rows), Console(file=io.StringIO(), width=200)
    console.print(bench_table(report))
    page = render_bench(report)
    return "\n".join([console.file.getvalue(), *conditions(report), page[page.index("<h2>All times") : page.index("<script")]])  # type: ignore[attr-defined]


def test_a_report_says_how_long_a_device_works_where_there_is_one() -> None:
    text = shown(a_row(device_seconds=40e-6), a_row(implementation="other"))
    assert text.count("on device") == 2  # of the table and of the page
    assert text.count("40 µs") == 2
    assert "it works on a device, the roofline of which is not measured" in text
    assert "bound by launches" not in text


def test_where_a_device_works_for_less_than_half_of_the_time_launches_are_said_to_be_what_was_measured() -> None:
    assert "bound by launches" not in shown(a_row(device_seconds=31e-6))
    text = shown(a_row(device_seconds=29e-6), a_row(device_seconds=12e-6, workload="another"), a_row(device_seconds=50e-6))
    assert "it is bound by launches on 2 problems, for example another: the device works for at most 12 µs of 60 µs" in text


@pytest.mark.parametrize("node", ["a device", ""])
def test_a_device_that_is_there_is_held_to_no_roofline_of_the_processor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, node: str
) -> None:
    (tmp_path / "a device").touch()
    monkeypatch.setattr("conformance.timing.device._NODES", (str(tmp_path / node),) if node else ())
    one = Series((1e-12,) * 7, device=1e-12)
    bench = Bench([Entry(Workload("a problem", CASE), AS_IT_COMES, Measurement(CASE, "it", {"it": one}, "rounds", 7, 1.0))])
    bench.roofs[AS_IT_COMES] = ROOF
    (row,) = timings(bench, 0.05)
    assert row.device_seconds == 1e-12
    assert on_processor(replace(one, device=None))
    assert on_processor(one) is not bool(node)
    assert (row.share is None) is bool(node)


ROOF = Roof(AS_IT_COMES, {"float32": Rates(1e9, 0.0)}, {2**16: Rates(1e9, 0.0)}, {2**16: Rates(1e9, 0.0)})


def test_what_is_asked_of_pytorch_is_in_the_interface_of_the_version_that_is_here() -> None:
    torch = pytest.importorskip("torch")
    for name in (
        "synchronize", "current_stream", "get_device_properties", "memory_reserved", "memory_allocated", "max_memory_allocated",
        "reset_peak_memory_stats",
    ):  # fmt: skip
        inspect.signature(getattr(torch.cuda, name)).bind(0)
    inspect.signature(torch.cuda.device_count).bind()
    inspect.signature(torch.cuda.is_initialized).bind()
    inspect.signature(torch.cuda.Event.__new__).bind(torch.cuda.Event, enable_timing=True)
    inspect.signature(torch.cuda.Event.record).bind(None, None)
    inspect.signature(torch.cuda.Event.elapsed_time).bind(None, None)


@pytest.fixture
def device() -> Iterator[Device]:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    torch.zeros(1, device="cuda")
    found = in_use()
    assert isinstance(found, TorchDevice)
    yield found
    found.synchronize()


@pytest.mark.gpu
def test_on_cuda_the_work_of_a_side_stream_is_inside_the_time(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    side, events = torch.cuda.Stream(), [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    matrix = torch.ones(4096, 4096, device="cuda")
    device.synchronize()

    def begin_only() -> Any:
        with torch.cuda.stream(side):
            events[0].record()
            for _ in range(20):
                torch.mm(matrix, matrix)
            events[1].record()
        return np.zeros(CASE.problem.result_shape, np.float32)

    timed = a_block(monkeypatch, device)
    begin_only()
    block._blocks[timed].bares = [begin_only]
    ran = block.run(timed, 0)
    assert events[1].query()
    assert ran.seconds >= 0.95 * events[0].elapsed_time(events[1]) / 1e3
    assert ran.span is not None
    assert ran.span >= 0.95 * events[0].elapsed_time(events[1]) / 1e3


@pytest.mark.gpu
def test_on_cuda_twice_the_second_level_cache_is_written(device: Device) -> None:
    import torch

    before = torch.cuda.memory_allocated()
    new = TorchDevice(torch)
    new.flush(258)
    new.synchronize()
    assert torch.cuda.memory_allocated() - before >= 2 * torch.cuda.get_device_properties().L2_cache_size > 0
    assert bool((new._buffer == 2).all())


@pytest.mark.gpu
def test_on_cuda_the_device_is_kept_busy_while_a_call_is_launched(device: Device) -> None:
    device.hold()  # what is loaded with it
    device.synchronize()
    device.hold()
    mark = device.mark()
    assert not mark.query()
    device.synchronize()
    assert mark.query()


@pytest.mark.gpu
def test_on_cuda_the_most_memory_that_a_call_took_is_counted(device: Device) -> None:
    import torch

    start = device.start_peak()
    torch.empty(2**24, dtype=torch.uint8, device="cuda")
    assert device.peak_since(start) == 2**24


@pytest.mark.gpu
@pytest.mark.parametrize("cold", [False, True])
def test_on_cuda_both_clocks_agree_and_the_device_works_no_longer_than_a_call_takes(device: Device, cold: bool) -> None:
    case = parse_case("conv2d n8 c64 i56x56 o64 k3x3 p1x1 values=wide:0")
    one = measured("torch-cuda", Conditions(cold=cold), case)
    assert one.reason == ""  # so that neither the events nor what was left to do were disbelieved
    assert one.seconds is not None
    assert one.device is not None
    assert 0 < one.device <= 1.05 * one.seconds + 50e-6
    assert one.peak is not None
    assert one.peak >= 8 * 64 * 56 * 56 * 4
