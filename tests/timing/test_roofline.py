"""What a problem needs at least, what is beyond a machine, and that the machine is measured."""

from __future__ import annotations

import pytest

from conformance.problem import parse_problem
from conformance.timing.conditions import Conditions
from conformance.timing.roofline import Rates, Roof, measure_roof, need, own_session

ROOF = Roof(
    Conditions(1),
    {"float32": Rates(100e9, 0.1), "float64": Rates(50e9, 0.0)},
    {2**16: Rates(80e9, 0.0), 2**26: Rates(10e9, 0.2)},
    {2**16: Rates(90e9, 0.0), 2**26: Rates(12e9, 0.0)},
)
DENSE = parse_problem("conv2d i32x32 c16 o16 k3x3")


@pytest.mark.parametrize(
    ("text", "moved", "flops"),
    [
        ("conv2d f32 c2 i4x4 o3 k1x1", 4 * (2 * 16 + 3 * 2 + 3 * 16), 2 * 16 * 6),
        ("conv2d f64 c2 i4x4 o3 k1x1", 8 * (2 * 16 + 3 * 2 + 3 * 16), 2 * 16 * 6),
        ("conv1d f32 c1 i4 o1 k1 s2", 4 * (2 + 1 + 2), 2 * 2),  # half of the input is never read
        ("conv1d f32 c1 i3 o1 k3 p1", 4 * (3 + 3 + 3), 2 * 7),  # two of nine products are with padding
        ("max_pool1d f32 c1 i4 k2 s2", 4 * (4 + 2), 0),
        ("conv1d_input_grad f32 c1 i4 o1 k1 s2", 4 * (2 + 1 + 4), 2 * 2),
    ],
)
def test_a_problem_needs_each_element_that_it_reads_once_and_no_products_with_padding(text: str, moved: int, flops: int) -> None:
    found = need(parse_problem(text))
    assert found.bytes == moved
    assert found.flops == pytest.approx(flops)


def test_what_computes_more_than_products_of_matrices_their_spread_and_what_they_leave_unused_is_refused() -> None:
    needed = need(DENSE)
    assert ROOF.excess(needed, needed.flops / 137e9, fewer=False) == ""
    assert "139 GFLOP/s, and this machine at most 138" in ROOF.excess(needed, needed.flops / 139e9, fewer=False)


def test_a_method_with_fewer_multiplications_may_be_faster_but_not_move_more() -> None:
    needed = need(DENSE)
    assert ROOF.excess(needed, needed.flops / 200e9, fewer=True) == ""
    assert "GB/s" in ROOF.excess(needed, needed.bytes / 91e9, fewer=True)


def test_what_fits_into_a_cache_may_move_as_fast_as_the_cache_unless_it_is_cold() -> None:
    small = need(parse_problem("max_pool2d i128x128 c1 k2x2 s2x2"))
    assert ROOF.bandwidth(small.bytes) == 80e9
    assert Roof(Conditions(1, cold=True), ROOF.products, ROOF.copies, ROOF.reads).bandwidth(small.bytes) == 10e9
    assert ROOF.excess(small, small.bytes / 85e9, fewer=False) == ""  # reading may be quicker than copying
    large = need(parse_problem("max_pool2d i8192x8192 c1 k2x2 s2x2"))
    assert "this machine at most 12" in ROOF.excess(large, large.bytes / 20e9, fewer=False)


def test_a_type_that_no_product_was_measured_for_has_no_roofline() -> None:
    needed = need(parse_problem("conv2d bf16 i32x32 c16 o16 k3x3"))
    assert ROOF.seconds(needed) is None
    assert ROOF.excess(needed, needed.flops / 1e12, fewer=True) == ""
    assert ROOF.seconds(need(DENSE)) == pytest.approx(need(DENSE).flops / 100e9)


def test_two_measurements_joined_have_the_better_rates() -> None:
    other = Roof(Conditions(1), {"float32": Rates(90e9, 0.0), "float64": Rates(60e9, 0.3)}, ROOF.copies, ROOF.reads)
    assert ROOF.joined(other).products == {"float32": Rates(100e9, 0.1), "float64": Rates(60e9, 0.3)}


def test_this_machine_is_measured_in_a_worker_of_the_harness_s_own() -> None:
    with own_session() as session:
        roof = measure_roof(session, Conditions(1), 0.1)
    assert roof.products.keys() == {"float32", "float64"}
    assert all(one.best > 0 and 0 <= one.spread < 1 for one in (*roof.products.values(), *roof.copies.values()))
    smallest, *_, largest = sorted(roof.copies)
    assert roof.copies[smallest].best >= roof.copies[largest].best
