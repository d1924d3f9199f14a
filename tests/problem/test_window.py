"""One axis of a window: its output size against counting, and which elements its taps read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.problem import Window
from conformance.problem.window import OUTSIDE


@st.composite
def windows(draw: st.DrawFn, ceil: bool | None = None) -> Window:
    """Any window, fitting or not; in ceil mode with the padding that pooling allows."""
    kernel = draw(st.integers(1, 6))
    ceil = draw(st.booleans()) if ceil is None else ceil
    most = kernel // 2 if ceil else 7
    return Window(
        size=draw(st.integers(1, 20)),
        kernel=kernel,
        stride=draw(st.integers(1, 8)),
        dilation=draw(st.integers(1, 5)),
        pad_begin=draw(st.integers(0, most)),
        pad_end=draw(st.integers(0, most)),
        ceil=ceil,
    )


def count_positions(window: Window) -> int:
    """How many starts of the window are allowed, counted one by one on the padded axis."""
    count = 0
    for start in range(0, window.padded + window.stride, window.stride):
        fits = start + window.extent <= window.padded
        if not window.ceil:
            count += fits
        else:  # one more where the one before leaves elements over, but none that starts behind the input
            leaves_some = start - window.stride + window.extent < window.padded
            count += leaves_some and start < window.pad_begin + window.size
    return count


@given(windows())
def test_the_output_is_the_number_of_positions(window: Window) -> None:
    assert max(0, window.output) == count_positions(window)


@pytest.mark.parametrize(
    ("kernel", "pad", "stride", "output"),
    [
        ((3, 3), (1, 1), (1, 1), (8, 8)),
        ((5, 3), (2, 1), (1, 1), (8, 8)),
        ((3, 3), (1, 1), (2, 2), (4, 4)),
        ((3, 5), (0, 1), (3, 4), (2, 2)),
    ],
)
def test_eight_elements_give_the_outputs_that_the_chapter_prints(
    kernel: tuple[int, int], pad: tuple[int, int], stride: tuple[int, int], output: tuple[int, int]
) -> None:
    """Dive into Deep Learning, sections 7.3.1 and 7.3.2."""
    found = tuple(Window(8, k, s, 1, p, p).output for k, s, p in zip(kernel, stride, pad, strict=True))
    assert found == output


@pytest.mark.parametrize(
    ("window", "floor", "ceil"),
    [
        (Window(6, 3, 2), 2, 3),  # the last window hangs over the end by one
        (Window(7, 3, 2), 3, 3),  # nothing is left over
        (Window(1, 3, 2, pad_begin=1), 0, 1),  # too short by one for floor
        (Window(1, 3, 2, pad_begin=1, pad_end=1), 1, 1),
        (Window(5, 2, 3), 2, 2),
        (Window(3, 2, 2, pad_begin=1, pad_end=1), 2, 2),  # a third would start at 4, behind the input's end
        (Window(4, 2, 2, pad_end=1), 2, 2),  # a third would start in the end padding
    ],
)
def test_ceil_mode_adds_a_window_only_for_what_is_left_over(window: Window, floor: int, ceil: int) -> None:
    assert (window.output, replace(window, ceil=True).output) == (floor, ceil)


@given(windows(ceil=True))
def test_a_window_may_not_start_in_the_end_padding(window: Window) -> None:
    starts = window.positions()[:, :1]
    assert (starts < window.size).all()


@given(windows(ceil=True))
def test_ceil_mode_has_the_windows_of_floor_mode_and_at_most_one_more(window: Window) -> None:
    floor = replace(window, ceil=False).output
    assert floor <= window.output <= floor + 1


@given(windows(ceil=False))
def test_without_ceil_no_window_leaves_the_padded_input(window: Window) -> None:
    assert window.inside_padded().all()


@given(windows())
def test_a_position_is_start_plus_tap_and_inside_where_it_is_an_index(window: Window) -> None:
    at, inside, padded, table = window.positions(), window.inside(), window.inside_padded(), window.table()
    assert at.shape == inside.shape == padded.shape == (max(0, window.output), window.kernel)
    elements = set(range(window.size))
    explicit = set(range(-window.pad_begin, window.size + window.pad_end))
    for p, t in np.ndindex(*at.shape):
        place = p * window.stride + t * window.dilation - window.pad_begin
        assert (at[p, t], inside[p, t], padded[p, t]) == (place, place in elements, place in explicit)
        assert table[p, t] == (place if place in elements else OUTSIDE)


def test_the_taps_of_a_dilated_window_lie_apart() -> None:
    window = Window(size=7, kernel=3, stride=2, dilation=2, pad_begin=1)
    assert window.extent == 5
    assert window.padded == 8
    assert window.positions().tolist() == [[-1, 1, 3], [1, 3, 5]]
    assert window.inside().tolist() == [[False, True, True], [True, True, True]]


def test_the_overhang_of_ceil_mode_is_no_padding() -> None:
    window = Window(size=4, kernel=3, stride=3, pad_begin=1, pad_end=0, ceil=True)
    assert window.positions().tolist() == [[-1, 0, 1], [2, 3, 4]]
    assert window.inside_padded().tolist() == [[True, True, True], [True, True, False]]


@settings(max_examples=300, deadline=None)
@given(window=windows(), family=st.sampled_from(["max_pool1d", "avg_pool1d"]))
def test_pytorch_pools_to_the_same_size(window: Window, family: str) -> None:
    torch = pytest.importorskip("torch")
    pad = min(window.pad_begin, window.kernel // 2)
    dilation = 1 if family == "avg_pool1d" else window.dilation
    window = replace(window, pad_begin=pad, pad_end=pad, dilation=dilation)
    options = {"dilation": dilation} if family == "max_pool1d" else {}
    pool = getattr(torch.nn.functional, family)
    x = torch.zeros(1, 1, window.size)
    if window.output < 1:
        with pytest.raises(RuntimeError):
            pool(x, window.kernel, window.stride, pad, ceil_mode=window.ceil, **options)
    else:
        y = pool(x, window.kernel, window.stride, pad, ceil_mode=window.ceil, **options)
        assert y.shape == (1, 1, window.output)
