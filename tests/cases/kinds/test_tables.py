"""Kinds of layers are those of published networks, of every field and dimension, and of drawn windows beyond the tables."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from conformance.cases.kinds import Kind, drawn, kinds_of, networks, parse_kind, sized, table
from conformance.errors import UsageError
from conformance.problem import OPERATORS, Family, reasons_invalid
from conformance.problem.text import TextError
from conformance.problem.window import Window

FIELDS = {
    "classification", "detection", "segmentation", "super_resolution", "generation", "speech", "music", "video", "medical",
    "reinforcement_learning", "genomics",
}  # fmt: skip
FORWARD = [name for name, operator in OPERATORS.items() if operator.forward]


def test_the_tables_have_networks_of_every_field() -> None:
    assert len(networks()) >= 60
    assert {network.field for network in networks()} >= FIELDS


def test_no_network_is_there_twice_and_each_has_kinds_of_its_own_once() -> None:
    assert [name for name, count in Counter(network.name for network in networks()).items() if count > 1] == []
    for network in networks():
        assert network.lines, network.name
        assert len(set(map(parse_kind, network.lines))) == len(network.lines), network.name


def test_every_network_says_where_it_was_published() -> None:
    for network in networks():
        assert re.search(r"\d{4}|github|arXiv|Proceedings|Nature|NeurIPS|ICLR", network.published), (
            network.name,
            network.published,
        )
        assert len(network.published) > 15, network.name


@pytest.mark.parametrize("kind", table(), ids=str)
def test_every_kind_is_of_some_valid_problem_and_reads_back(kind: Kind) -> None:
    assert reasons_invalid(sized(kind)) == []
    assert parse_kind(str(kind)) == Kind(kind.problem, kind.grouping, kind.groups)
    assert kind.networks


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("family", [Family.CONV, Family.CONV_TRANSPOSE, Family.MAX_POOL, Family.AVG_POOL])
def test_there_are_kinds_of_every_family_that_networks_have_and_of_every_number_of_axes(family: Family, ndim: int) -> None:
    assert [kind for kind in table() if (kind.operator.family, kind.operator.ndim) == (family, ndim)]


@pytest.mark.parametrize("operator", FORWARD)
def test_every_operator_is_tried_on_kinds(operator: str) -> None:
    op = OPERATORS[operator]
    kinds = kinds_of(op.family, op.ndim)
    assert kinds
    assert {kind.operator for kind in kinds} == {op}
    assert all(reasons_invalid(sized(kind)) == [] for kind in kinds)


@pytest.mark.parametrize(
    "line",
    ["conv2d k3x3 p1x1", "conv2d k3x3 p1x1 depthwise", "conv2d k3x3 s2x2 p1x1 depthwise", "conv2d k7x7 s2x2 p3x3", "conv2d k1x1",
     "conv2d k16x16 s16x16", "conv2d k4x4 s4x4", "conv2d k3x3 p12x12 d12x12", "conv_transpose2d k2x2 s2x2",
     "max_pool2d k2x2 s2x2", "max_pool2d k3x3 s2x2 p1x1", "conv3d k3x3x3 p1x1x1", "adaptive_avg_pool2d to1x1"],
)  # fmt: skip
def test_what_most_networks_have_is_in_the_tables(line: str) -> None:
    assert line in map(str, table())


@pytest.mark.parametrize("operator", [name for name in FORWARD if OPERATORS[name].traits.window != "adaptive"])
def test_windows_alike_in_every_axis_are_drawn_anew_with_every_seed(operator: str) -> None:
    op = OPERATORS[operator]
    first, again, other = (list(drawn(op, seed, 2)) for seed in (0, 0, 1))
    assert first == again
    assert set(map(str, first)) != set(map(str, other))
    for kind in first:
        assert len(set(kind.problem.windows)) == 1
        assert reasons_invalid(sized(kind)) == []
    kernels = {kind.problem.kernel[0] for kind in first}
    assert len(kernels) >= 12
    assert max(kernels) == 16


def test_what_is_drawn_has_all_strides_up_to_the_kernel_half_full_and_no_padding_and_dilations() -> None:
    windows = [kind.problem.windows[0] for seed in range(200) for kind in drawn(OPERATORS["conv2d"], seed, 1)]
    of_five = {window.stride for window in windows if isinstance(window, Window) and window.kernel == 5}
    assert of_five == {1, 2, 3, 4, 5}
    padding = {
        window.pad_begin for window in windows if isinstance(window, Window) and window.kernel == 5 and window.dilation == 1
    }
    assert padding == {0, 2, 4}
    assert {window.dilation for window in windows if isinstance(window, Window)} == {1, 2, 3, 4}
    assert {kind.grouping for seed in range(5) for kind in drawn(OPERATORS["conv2d"], seed, 1)} == {
        "dense",
        "depthwise",
        "groups",
    }


def test_a_network_more_is_a_section_more(tmp_path: Path) -> None:
    from conformance.cases import kinds

    (tmp_path / "own.txt").write_text("# mine\n[Mine] a paper, 2026\nconv2d k3 p1\nconv2d k5 p2 depthwise x2\n", encoding="utf-8")
    [source] = kinds._read(tmp_path / "own.txt")
    assert (source.name, source.field, source.published) == ("Mine", "own", "a paper, 2026")
    assert [str(parse_kind(line)) for line in source.lines] == ["conv2d k3x3 p1x1", "conv2d k5x5 p2x2 depthwise x2"]
    (tmp_path / "own.txt").write_text("conv2d k3\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"own\.txt:1: .* stands before the first network"):
        list(kinds._read(tmp_path / "own.txt"))


@pytest.mark.parametrize("line", ["conv2d", "nonsense k3", "conv2d k3 sideways"])
def test_a_line_that_is_no_kind_is_told(line: str) -> None:
    with pytest.raises((UsageError, TextError)):
        parse_kind(line)
