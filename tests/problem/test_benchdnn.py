"""Descriptors of benchdnn: their own rules for dilation, missing sizes, and the padding behind."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.problem import Problem, Window, parse_problem, reasons_invalid
from conformance.problem.benchdnn import looks_like_benchdnn, parse_benchdnn

SAME = {
    # the first layer of AlexNet, oneDNN's own example; 227 = 54 * 4 + 11
    "mb1ic3ih227oc96oh55kh11sh4ph0": "conv2d n1 c3 i227 o96 k11 s4",
    "mb1ic3ih227oc96oh55kh11sh4ph0dh0": "conv2d n1 c3 i227 o96 k11 s4",
    "g1_mb1_ic3ih227_oc96oh55_kh11sh4ph0_nalexnet:conv1": "conv2d n1 c3 i227 o96 k11 s4",
    'mb1ic3ih227oc96oh55kh11sh4ph0n"alexnet:conv1"': "conv2d n1 c3 i227 o96 k11 s4",
    "ic64ih56oc64oh56kh3ph1": "conv2d n2 c64 i56 o64 k3 p1",
    # dh1 is one element between taps
    "mb1ic2ih9oc3oh5kh3dh1": "conv2d n1 c2 i9 o3 k3 d2",
    "mb1ic2ih9iw7oc3oh7ow5kh3kw3ph0pw0": "conv2d n1 c2 i9x7 o3 k3",
    "mb1ic2ih9iw7oc3oh4ow7kh3kw1sh2sw1ph0pw0": "conv2d n1 c2 i9x7 o3 k3x1 s2x1",
    "g32mb1ic32ih112oc32oh56kh3sh2ph1": "conv2d n1 c32 i112 o32 k3 s2 p1:0 g32",
    "mb1g4ic8iw9oc12ow9kw3pw1": "conv1d n1 c8 i9 o12 k3 p1 g4",
    "mb3ic4iw100oc5kw3sw2dw3": "conv1d n3 c4 i100 o5 k3 s2 d4",
    "mb1ic3id16ih112iw112oc64od16oh112ow112kd3kh3kw3pd1ph1pw1": "conv3d n1 c3 i16x112x112 o64 k3 p1",
    "mb1ic2id8oc3od8kd3pd1": "conv3d n1 c2 i8 o3 k3 p1",
    # the stem of ResNet-50: 112 outputs need 3 in front and 2 behind
    "mb1ic3ih224oc64oh112kh7sh2ph3": "conv2d n1 c3 i224 o64 k7 s2 p3:2",
    # padding that is left out centres the window
    "mb1ic1ih8oc1oh8kh4": "conv2d n1 c1 i8 o1 k4 p1:2",
    # output that is left out follows from the padding on both sides
    "mb1ic1ih8oc1kh3ph1": "conv2d n1 c1 i8 o1 k3 p1",
    "mb1ic1ih8oc1kh3": "conv2d n1 c1 i8 o1 k3",
    "max_pool2d mb1ic64ih112oh56kh3sh2ph0": "max_pool2d n1 c64 i112 k3 s2 p0:1",
    "avg_pool2d ic2048ih7oh1kh7": "avg_pool2d n2 c2048 i7 k7",
    "max_pool3d mb1ic4id4ih6iw8kd1kh2kw2sd1sh2sw2": "max_pool3d n1 c4 i4x6x8 k1x2x2 s1x2x2",
    "conv2d mb1ic3ih227oc96oh55kh11sh4ph0": "conv2d n1 c3 i227 o96 k11 s4",
}


@pytest.mark.parametrize(("descriptor", "text"), SAME.items(), ids=list(SAME))
def test_a_descriptor_means_the_problem_that_our_text_says(descriptor: str, text: str) -> None:
    problem = parse_benchdnn(descriptor)
    assert problem == parse_problem(text)
    assert reasons_invalid(problem) == []
    assert looks_like_benchdnn(descriptor)


@pytest.mark.parametrize(
    ("descriptor", "told"),
    [
        ("", "is no descriptor"),
        ("conv2d here mb1ic3ih9oc4kh3", "is no descriptor"),
        ("mb1ih9oc4kh3", "has no ic"),
        ("mb1ic3oc4kh3", "has no iw or no kw"),
        ("mb1ic3ih9oc4", "has no ih or no kh"),
        ("mb1ic3ih0oc4kh3", "has no ih or no kh"),
        ("mb1ic3ih9oc4kh3sh0", "the stride sh is 0"),
        ("mb1ic3ih9oc4oh7kh3sh0", "the stride sh is 0"),
        ("mb1ic3ih9oc4kh3zz1", "'zz1' in the descriptor"),
        ("mb1ic3ih9oc4kh", "'kh' in the descriptor"),
        ("mb1ic3ih9oc4kh-3", "'kh-3' in the descriptor"),
        ("mb1ic3ih9oc4kh12345678901", "in the descriptor"),
        ("mb1ic3ih9kh3", "has no oc, so it is a pooling"),
        ("max_pool2d mb1ic3ih9oc4kh3", "is no max_pool2d"),
        ("max_pool1d mb1ic3ih9kh3", "has 2 axes and is no max_pool1d"),
        ("pool mb1ic3ih9kh3", "the operator 'pool' is not known"),
        ("mb1ic3ih9oc4oh3kh3ph1", "oh3 does not follow from the input: it would be 8"),
    ],
)
def test_a_wrong_descriptor_is_told_what_is_wrong(descriptor: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_benchdnn(descriptor)
    assert told in str(raised.value)
    assert raised.value.hint


@pytest.mark.parametrize("text", ["", "conv2d i9 k3", "icy", "mb1ic3", "conv2d f32 n1 c3 i9x9 o1 k3x3", "a b ic3ih9oc4kh3"])
def test_other_texts_do_not_look_like_a_descriptor(text: str) -> None:
    assert not looks_like_benchdnn(text)


def test_the_data_type_is_given_beside_the_descriptor() -> None:
    assert parse_benchdnn("ic3ih9oc4kh3", dtype="bfloat16").dtype == "bfloat16"


@given(
    windows=st.lists(
        st.builds(
            Window, st.integers(1, 30), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3),
            st.integers(0, 4), st.integers(0, 4),
        ),
        min_size=1, max_size=3,
    ),
    batch=st.integers(1, 9), channels=st.integers(1, 9), out_channels=st.integers(1, 9), groups=st.integers(1, 3),
)  # fmt: skip
def test_a_problem_written_as_a_descriptor_reads_back_with_the_same_outputs(
    windows: list[Window], batch: int, channels: int, out_channels: int, groups: int
) -> None:
    """The descriptor has no padding behind: read back it is the least that gives the same output."""
    problem = Problem(f"conv{len(windows)}d", tuple(windows), batch, channels * groups, out_channels * groups, groups)
    assume(not reasons_invalid(problem))
    words = [f"g{groups}mb{batch}ic{problem.channels}oc{problem.out_channels}"]
    for axis, w in zip("dhw"[-len(windows) :], windows, strict=True):
        words.append(f"i{axis}{w.size}o{axis}{w.output}k{axis}{w.kernel}s{axis}{w.stride}")
        words.append(f"p{axis}{w.pad_begin}d{axis}{w.dilation - 1}")
    read = parse_benchdnn("_".join(words))
    assert read.output_shape == problem.output_shape
    assert read.with_windows(pad_end=0) == problem.with_windows(pad_end=0)
    assert all(got.pad_end <= w.pad_end for got, w in zip(read.windows, windows, strict=True))


@given(
    st.text(),
    st.lists(st.sampled_from([*SAME, "mb1", "ic3", "ih9", "oc4", "oh0", "kh3", "sh0", "ph9", "dh2", "g0", "_"])),
)
def test_no_descriptor_raises_anything_but_a_usage_error(text: str, parts: list[str]) -> None:
    for tried in (text, "".join(parts), "".join(parts) + text, f"{text} {''.join(parts)}"):
        try:
            problem = parse_benchdnn(tried)
        except UsageError as error:
            assert error.hint
        else:
            assert parse_problem(str(problem)) == problem
