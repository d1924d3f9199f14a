"""The other windows: padding that holds elements, cropping, transposed and adaptive ones, and padding by rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conformance.problem import Window
from conformance.problem.window import OUTSIDE, PAD_MODES, AdaptiveWindow, PadMode, TransposedWindow, auto_padding

NUMPY_PADS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@pytest.mark.parametrize(
    ("mode", "elements"),
    [
        ("zeros", [-1, -1, 0, 1, 2, -1, -1]),
        ("reflect", [2, 1, 0, 1, 2, 1, 0]),  # the border itself is not repeated
        ("replicate", [0, 0, 0, 1, 2, 2, 2]),
        ("circular", [1, 2, 0, 1, 2, 0, 1]),
    ],
)
def test_what_padding_holds(mode: PadMode, elements: list[int]) -> None:
    assert Window(3, 1, pad_begin=2, pad_end=2, mode=mode).table()[:, 0].tolist() == elements


@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9), st.sampled_from(list(NUMPY_PADS)))
def test_padding_holds_what_numpy_pads_with(size: int, begin: int, end: int, mode: PadMode) -> None:
    assume(max(begin, end) <= {"reflect": size - 1, "circular": size}.get(mode, 9))
    padded = np.pad(np.arange(size), (begin, end), mode=NUMPY_PADS[mode])
    assert Window(size, 1, pad_begin=begin, pad_end=end, mode=mode).table()[:, 0].tolist() == padded.tolist()


@given(st.integers(1, 9), st.integers(0, 30), st.integers(0, 30), st.sampled_from(list(NUMPY_PADS)))
def test_elements_are_elements_however_long_the_padding_is(size: int, begin: int, end: int, mode: PadMode) -> None:
    table = Window(size, 2, pad_begin=begin, pad_end=end + 1, mode=mode).table()
    assert ((table >= 0) & (table < size)).all()


def test_negative_padding_crops() -> None:
    window = Window(5, 2, pad_begin=-1, pad_end=-2)
    assert (window.padded, window.output) == (2, 1)
    assert window.table().tolist() == [[1, 2]]


@given(
    st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(-3, 4), st.integers(-3, 4),
    st.sampled_from(PAD_MODES),
)  # fmt: skip
def test_the_table_is_that_of_the_padded_input(
    size: int, kernel: int, stride: int, dilation: int, begin: int, end: int, mode: PadMode
) -> None:
    """Padding first and sliding then is the same, cropping too."""
    window = Window(size, kernel, stride, dilation, begin, end, mode=mode)
    assume(window.output >= 1)
    axis = replace(window, kernel=1, stride=1, dilation=1).table()[:, 0]
    slid = Window(window.padded, kernel, stride, dilation).table()
    assert window.table().tolist() == axis[slid].tolist()


# ---------------------------------------------------------------- transposed


def transposed() -> st.SearchStrategy[TransposedWindow]:
    numbers = [st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), *[st.integers(0, 3)] * 3]
    return st.builds(TransposedWindow, *numbers)


@pytest.mark.parametrize(
    ("window", "output", "table"),
    [
        (TransposedWindow(2, 2), 3, [[0, 1], [1, 2]]),
        (TransposedWindow(2, 2, 2), 4, [[0, 1], [2, 3]]),
        (TransposedWindow(2, 2, 3), 5, [[0, 1], [3, 4]]),
        (TransposedWindow(2, 2, 1, 2), 4, [[0, 2], [1, 3]]),
        (TransposedWindow(2, 2, 2, 1, 1, 0), 3, [[OUTSIDE, 0], [1, 2]]),
        (TransposedWindow(2, 2, 2, 1, 0, 1), 3, [[0, 1], [2, OUTSIDE]]),
        (TransposedWindow(2, 2, 2, 1, 1, 1, 1), 3, [[OUTSIDE, 0], [1, 2]]),
    ],
)
def test_a_transposed_window_puts_its_kernel_at_each_input(window: TransposedWindow, output: int, table: list[list[int]]) -> None:
    assert window.output == window.elements == output
    assert window.table().tolist() == table
    assert window.inside().tolist() == [[entry != OUTSIDE for entry in row] for row in table]


@given(transposed())
def test_a_transposed_window_is_a_window_over_its_output(window: TransposedWindow) -> None:
    """Its table is that of the convolution whose input gradient it is, for as many places as it has inputs."""
    assume(window.output >= 1)
    assume(window.output_padding < max(window.stride, window.dilation))
    forward = Window(window.output, window.kernel, window.stride, window.dilation, window.pad_begin, window.pad_end)
    assert window.padded == forward.padded
    assert window.size <= forward.output
    assert window.table().tolist() == forward.table()[: window.size].tolist()
    assert (window.size == forward.output) == (window.output_padding < window.stride)


@settings(max_examples=100, deadline=None)
@given(transposed())
def test_pytorch_transposes_to_the_same_size(window: TransposedWindow) -> None:
    torch = pytest.importorskip("torch")
    window = replace(window, pad_end=window.pad_begin)
    assume(window.output >= 1)
    assume(window.output_padding < max(window.stride, window.dilation))
    x, w = torch.zeros(1, 1, window.size), torch.zeros(1, 1, window.kernel)
    more = {"output_padding": window.output_padding, "dilation": window.dilation}
    y = torch.nn.functional.conv_transpose1d(x, w, None, window.stride, window.pad_begin, **more)
    assert y.shape == (1, 1, window.output)


# ---------------------------------------------------------------- adaptive


@pytest.mark.parametrize(
    ("window", "bounds"),
    [
        (AdaptiveWindow(6, 3), [(0, 2), (2, 4), (4, 6)]),
        (AdaptiveWindow(5, 3), [(0, 2), (1, 4), (3, 5)]),
        (AdaptiveWindow(2, 3), [(0, 1), (0, 2), (1, 2)]),
        (AdaptiveWindow(1, 4), [(0, 1)] * 4),
        (AdaptiveWindow(7, 1), [(0, 7)]),
    ],
)
def test_adaptive_windows_share_the_elements(window: AdaptiveWindow, bounds: list[tuple[int, int]]) -> None:
    assert window.bounds == bounds
    rows = [[i for i in row if i != OUTSIDE] for row in window.table().tolist()]
    assert rows == [list(range(*pair)) for pair in bounds]


@given(st.integers(1, 60), st.integers(1, 60))
def test_the_kernel_of_an_adaptive_window_is_its_longest(size: int, output: int) -> None:
    window = AdaptiveWindow(size, output)
    assert window.kernel == max(end - start for start, end in window.bounds)
    assert window.table().shape == (output, window.kernel)
    assert window.inside().any(axis=0).all()  # no tap reads nothing from everywhere
    assert window.padded == window.elements == size


@given(st.integers(1, 60), st.integers(1, 60))
def test_every_element_is_in_an_adaptive_window_and_every_window_has_one(size: int, output: int) -> None:
    table = AdaptiveWindow(size, output).table()
    assert set(table[table != OUTSIDE].tolist()) == set(range(size))
    assert (table != OUTSIDE).any(axis=1).all()


def test_an_adaptive_window_of_nothing_can_be_asked() -> None:
    assert AdaptiveWindow(0, 3).kernel == AdaptiveWindow(3, 0).kernel == 1


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20))
def test_pytorch_shares_elements_alike(size: int, output: int) -> None:
    torch = pytest.importorskip("torch")
    x = torch.eye(size, dtype=torch.float64)[None]  # channel i holds element i alone
    y = torch.nn.functional.adaptive_avg_pool1d(x, output)[0].numpy()
    rows = AdaptiveWindow(size, output).table()
    for place, row in enumerate(rows.tolist()):
        assert np.flatnonzero(y[:, place]).tolist() == [i for i in row if i != OUTSIDE]


# ---------------------------------------------------------------- padding by rule


@pytest.mark.parametrize(
    ("rule", "window", "padding"),
    [
        ("valid", Window(5, 3), (0, 0)),
        ("same", Window(5, 3), (1, 1)),
        ("same", Window(5, 4), (1, 2)),  # the odd one behind, as PyTorch has it
        ("same", Window(5, 3, dilation=2), (2, 2)),
        ("same_upper", Window(5, 4), (1, 2)),
        ("same_lower", Window(5, 4), (2, 1)),
        ("same_upper", Window(5, 3, 2), (1, 1)),  # 3 outputs reach over 7
        ("same_upper", Window(6, 3, 2), (0, 1)),  # 3 outputs reach over 7
        ("same_lower", Window(6, 3, 2), (1, 0)),
        ("same_upper", Window(9, 2, 3), (0, 0)),  # 3 outputs reach over 8: nothing is missing
    ],
)
def test_a_rule_asks_for_padding(rule: str, window: Window, padding: tuple[int, int]) -> None:
    assert auto_padding(rule, window) == padding


@given(st.integers(1, 20), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.sampled_from(["upper", "lower"]))
def test_same_padding_gives_an_output_for_every_stride(size: int, kernel: int, stride: int, dilation: int, side: str) -> None:
    window = Window(size, kernel, stride, dilation)
    begin, end = auto_padding(f"same_{side}", window)
    assert replace(window, pad_begin=begin, pad_end=end).output == -(-size // stride)
    assert abs(begin - end) <= 1
    if begin + end:  # and no more than that needs
        shorter = replace(window, pad_begin=begin, pad_end=end - 1)
        assert shorter.output < -(-size // stride)
