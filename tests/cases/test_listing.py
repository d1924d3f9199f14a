"""Files of layers: what they say is read, and everything else is told with the file and the line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.networks.listing import MOST_LAYERS, OUTSIDE, parse_listing, read_listing
from conformance.errors import UsageError
from conformance.problem import parse_problem

TEXT = """# a note
title = My network
source = where it is from

stem: conv2d c3 i8 o4 k3 p1
wide x3: conv2d c4 i8 o4 k3 p1
side < stem x2: conv2d c4 i8 o8 k1
up < outside: conv2d c9 i8 o8 k1 values=ones:1
mb1ic4ih8oc4oh8kh3ph1n"net:named"
max_pool2d c4 i8 k2 s2
"""


def test_a_file_has_labels_repeats_and_what_each_layer_reads() -> None:
    network = parse_listing(TEXT, "mine.txt", "mine")
    assert (network.name, network.title, network.source, network.whole) == ("mine", "My network", "where it is from", True)
    found = [(layer.label, layer.after, layer.repeats, layer.line) for layer in network.layers]
    assert found == [
        ("stem", OUTSIDE, 1, 5),
        ("wide", "stem", 3, 6),
        ("side", "stem", 2, 7),
        ("up", OUTSIDE, 1, 8),
        ("net:named", OUTSIDE, 1, 9),
        ("line10", OUTSIDE, 1, 10),
    ]
    assert network.layers[0].problem == parse_problem("conv2d c3 i8 o4 k3 p1")
    assert [layer.has_values for layer in network.layers] == [False, False, False, True, False, False]


def test_multiply_adds_count_every_repeat_and_no_pool() -> None:
    network = parse_listing("a x3: conv2d c2 i5 o3 k3\nb x9: max_pool2d c3 i3 k3\n", "mine.txt")
    assert network.multiply_adds == 3 * (3 * 3 * 2 * 3 * 9)


def test_a_list_has_layers_that_do_not_read_one_another() -> None:
    network = parse_listing("kind = list\na: conv2d i5 k3\nb: conv2d i3 k3\n", "mine.txt")
    assert not network.whole
    assert [layer.after for layer in network.layers] == [OUTSIDE, OUTSIDE]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "mine.txt has no layers"),
        ("# nothing\n\n", "mine.txt has no layers"),
        ("a: conv2d i5 k3\n\nb: conv2d i5", "mine.txt:3: the kernel (k…) is missing"),
        ("conv2d i5 k9", "mine.txt:1: the problem is invalid"),
        ("conv2 i5 k3", "mine.txt:1: the operator 'conv2' is not known"),
        ("mb1ic3ih9oc4kh3zz1", "mine.txt:1: 'zz1' in the descriptor"),
        ("mb1ic3ih9kh3", "mine.txt:1: 'mb1ic3ih9kh3' has no oc, so it is a pooling"),
        ("--reset --dt=f32\nmb1ic3ih9oc4kh3\n--dir=BWD_W", "mine.txt:1: options of benchdnn (--…) are not read (also line 3)"),
        ("--dir=FWD_B mb1ic3ih9oc4kh3", "mine.txt:1: options of benchdnn"),
        ("a: conv2d i5 k3\na: conv2d i3 k3", "mine.txt:2: the label 'a' is taken: it is the label of line 1"),
        ("outside: conv2d i5 k3", "mine.txt:1: the label 'outside' is taken"),
        ("first: conv2d i5 k3\nb < frist: conv2d i3 k3", "mine.txt:2: no layer above is called 'frist' (did you mean 'first'?)"),
        ("a x0: conv2d i5 k3", "mine.txt:1: a layer is there x1 to x10000 times, not x0"),
        ("a x10001: conv2d i5 k3", "not x10001"),
        ("titel = x\nconv2d i5 k3", "mine.txt:1: 'titel' is not known (did you mean 'title'?)"),
        ("title = x\ntitle = y\nconv2d i5 k3", "mine.txt:2: title is given twice"),
        ("kind = nets\nconv2d i5 k3", "mine.txt:1: the kind 'nets' is not known"),
        ("conv2d i5 k3" + " " * 3 + "p0" * 300, "mine.txt:1: 615 characters"),
        ("conv2d\x00 i5 k3", "mine.txt:1: characters that cannot be printed"),
        ("a: conv2d i5 k3 values=nothing:1", "mine.txt:1: 'values=nothing:1' is no recipe"),
        ("conv2d i5 k3\n" * (MOST_LAYERS + 1), f"mine.txt:{MOST_LAYERS + 1}: more than 2,000 layers"),
        ("conv2d i99999 c99999 k3", "mine.txt:1: the problem is invalid"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_to_do(text: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_listing(text, "mine.txt")
    assert told in str(raised.value)
    assert raised.value.hint


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    for content, told in ((b"\xff\xfe", "not text in UTF-8"), (b"\n" * (2**20 + 1), "is too large"), (b"", "has no layers")):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=told):
            read_listing(path)
    for missing, told in ((tmp_path / "none.txt", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(UsageError, match=told):
            read_listing(missing)


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(b"\xef\xbb\xbfa: conv2d i5 k3\r\nb: conv2d i3 k3\r\n")
    assert [layer.label for layer in read_listing(path).layers] == ["a", "b"]


@given(
    st.lists(
        st.sampled_from([*TEXT.splitlines(), "x: ", "a < : b", "=", "= =", "--", "n", ":", "a x: conv2d", "values="])
        | st.text(max_size=60)
    )
)
def test_any_text_is_read_or_told(lines: list[str]) -> None:
    try:
        read, told = parse_listing("\n".join(lines), "mine.txt").layers, ""
    except UsageError as error:
        read, told = (), str(error)
    assert bool(read) != ("mine.txt" in told)
    assert len({layer.label for layer in read}) == len(read)
