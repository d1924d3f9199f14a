"""What a case would cost is known from its text, and told before anything is made."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from conformance.cases.case import Case, parse_case
from conformance.cases.cost import TooLarge, memory, reads, require_affordable
from conformance.cases.networks import NETWORKS, layers
from conformance.checks import CHECKS
from conformance.problem import OPERATORS, parse_problem
from conformance.problem.benchdnn import looks_like_benchdnn, parse_benchdnn
from conformance.problem.text import MOST_TEXT, TextError
from conformance.reference.oracle import solve


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("avg_pool1d i200000 k100000", "10,000,100,000 elements read through windows"),
        ("conv2d c4000 i200x200 o4000 k7x7 p3x3", "elements read"),
        ("conv2d c4000 i200x200 o4000 k1x1", "multiply-adds"),
        ("conv1d i2147483647 k1000000000 values=periodic:0", "elements read by one window"),
    ],
)
def test_what_would_take_hours_is_told_with_what_is_allowed(text: str, words: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match=f"too large: .*{words}.*more than the"):
            require_affordable(parse_case(text))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2**20


@pytest.mark.parametrize("text", ["conv2d n99999999999 i1x1 k1", "conv2d i3x3 k" + "9" * 1500, "conv1d i1 k1 g99999999999"])
def test_a_number_beyond_all_tensors_is_no_number(text: str) -> None:
    with pytest.raises(TextError, match="too large"):
        parse_case(text)


@pytest.mark.parametrize("read", [parse_problem, parse_case, parse_benchdnn])
@pytest.mark.parametrize("part", ["n", "1", "x", " ", "values=", "mb1", "n\"", "²", "ic3ih5"])  # fmt: skip
def test_a_text_is_no_longer_than_any_that_says_something(read: object, part: str) -> None:
    """So no expression that is matched with it has much to go back over."""
    with pytest.raises(TextError, match=f"characters, more than {MOST_TEXT:,}") as error:
        read("mb1ic3ih5oc2oh3kh3" + part * 10**6)  # type: ignore[operator]
    assert len(str(error.value)) < 1000


def test_the_longest_text_of_a_problem_is_shorter_than_the_bound() -> None:
    numbers = "x".join(["9999999999"] * 3)
    pads = "x".join(["-9999999999:-9999999998"] * 3)
    text = (f"conv_transpose3d_weight_grad complex128>complex128 n9999999999 c9999999999 i{numbers} o9999999999 k{numbers} "
            f"s{numbers} p{pads} d{numbers} op{numbers} g9999999999 divisor9999999999 norm{'9' * 400} bias indices "
            "exclude_pad unbatched")  # fmt: skip
    assert parse_problem(text)
    assert len(text) * 2 < MOST_TEXT


def test_a_text_is_looked_at_once_however_long_it_is() -> None:
    assert not looks_like_benchdnn("g1" * 10**6)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_layers_of_all_networks_can_be_afforded(network: str) -> None:
    for layer in layers(network):
        require_affordable(Case(layer.problem))


@pytest.mark.parametrize(
    "text",
    ["conv2d c8 i60x60 o8 k3x3", "max_pool2d c16 i90x90 k2x2 s2x2", "conv2d n20000 i1x1 k1x1", "conv1d f64 i30000 k9",
     "avg_pool1d f16 i900 k500", "conv_transpose2d bf16 c4 i60x60 o4 k3x3 s2x2", "conv2d_weight_grad f32 c2 i120x120 o2 k3x3",
     "avg_pool2d f32 i300x300 k9x9", "lp_pool2d f32 c2 i300x300 k3x3", "max_pool2d_input_grad f32 i400x400 k3x3",
     "max_unpool2d f32 i400x400 k2x2 s2x2", "adaptive_max_pool2d f32 i400x400 to7x7", "conv_integer2d c4 i90x90 o4 k3x3"],
)  # fmt: skip
def test_no_more_memory_is_needed_than_is_said(text: str) -> None:
    case = parse_case(text)
    small = parse_case(f"{case.problem.operator} i1 {'to1' if 'adaptive' in text else 'k1'}")
    solve(small.problem, small.arrays())  # what is made once does not count
    tracemalloc.start()
    try:
        solve(case.problem, case.arrays())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    gathered = 2 * 32 * 2**20  # blocks of windows, whose size is bounded
    assert most < memory(case) + gathered, most / memory(case)


def test_the_memory_of_a_huge_case_is_more_than_there_is() -> None:
    assert memory(parse_case("conv2d f32 n2147483647 i1x1 k1")) > 2**37
    assert memory(parse_case("conv1d uint8 i2147483715 k2 s64 values=periodic:0")) == 0


@pytest.mark.parametrize("name", [name for name, op in OPERATORS.items() if op.ndim == 2])
def test_reads_and_products_are_counted_without_making_anything(name: str) -> None:
    size = "to1000x1000" if OPERATORS[name].traits.window == "adaptive" else "k2x2 s2x2"
    problem = parse_problem(f"{name} n8 c64 i3000x3000 {size}")
    assert reads(problem) >= np.prod([float(size) for size in problem.result_shape])


TYPED = [
    "conv2d n0 i5x5 k3",
    "conv2d_input_grad n0 i5x5 k3",
    "max_unpool1d n0 i8 k2 s2 values=invalid:indices_shape",
    "conv2d n0 i5x5 k3 values=invalid:input_rank_low",
    "conv2d i1x99 k1x2 values=periodic:0",
    "conv2d i5x5 k3 values=invalid:bias_long",
    "conv_integer2d i5x5 k3 values=ones:0",
]


@pytest.mark.parametrize("text", TYPED)
def test_every_check_has_calls_or_none_for_what_can_be_typed(text: str) -> None:
    case = parse_case(text)
    made = [check.calls(case) for check in CHECKS.values() if (check.name == "huge") == (case.kind == "periodic")]
    assert any(made)


@pytest.mark.parametrize(
    "problem",
    ["conv2d i5x5 k3", "conv2d n2 i1x9 k1x3", "conv2d_weight_grad i1x9 k1x3", "conv1d i9 k3 p1", "conv1d i9 k3 bias",
     "conv_transpose1d i9 k3", "max_unpool1d i8 k2 s2", "conv_integer1d i9 k3", "adaptive_avg_pool1d i9 to2",
     "conv1d c2 o2 i9 k3 g2"],
)  # fmt: skip
def test_values_that_are_judged_in_parts_are_refused_where_no_part_is_a_whole(problem: str) -> None:
    with pytest.raises(TextError, match="tensors of one row"):
        parse_case(f"{problem} values=periodic:0")
