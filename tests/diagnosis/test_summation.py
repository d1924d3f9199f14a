"""Trees of summation are rebuilt from counts, drawn and named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.diagnosis.summation import Tree, brackets, in_words, joins_as_term, leaves, rebuild, subtree_sizes


def in_order(tree: Tree) -> Tree:
    """Children in the order of their first leaves, as :func:`rebuild` returns them."""
    return tree if isinstance(tree, int) else tuple(sorted(map(in_order, tree), key=leaves))


@st.composite
def trees(draw: st.DrawFn, most_leaves: int = 12, most_children: int = 2) -> Tree:
    """A random order of adding up terms: some of those that are left are added, until one is left."""
    left: list[Tree] = list(draw(st.permutations(range(draw(st.integers(2, most_leaves))))))
    while len(left) > 1:
        several = draw(st.integers(2, min(most_children, len(left))))
        left = [*left[several:], tuple(left[:several])]
        left = draw(st.permutations(left))
    return left[0]


@given(trees())
def test_a_binary_tree_is_rebuilt_from_the_sizes_of_its_subtrees(tree: Tree) -> None:
    assert rebuild(len(leaves(tree)), subtree_sizes(tree)) == in_order(tree)


@given(trees(most_children=5))
def test_a_tree_with_fused_nodes_is_rebuilt(tree: Tree) -> None:
    assert rebuild(len(leaves(tree)), subtree_sizes(tree)) == in_order(tree)


@given(trees(most_children=4).filter(lambda tree: len(leaves(tree)) > 2), st.data())
def test_counts_that_no_order_gives_have_no_tree(tree: Tree, data: st.DataObject) -> None:
    sizes = subtree_sizes(tree)
    pair = data.draw(st.sampled_from(sorted(sizes)))
    changed = sizes | {pair: data.draw(st.integers(2, len(leaves(tree))).filter(lambda size: size != sizes[pair]))}
    found = rebuild(len(leaves(tree)), changed)
    assert found is None or subtree_sizes(found) == changed


def test_three_terms_of_which_every_two_meet_alone_have_no_tree() -> None:
    assert rebuild(3, {(0, 1): 2, (0, 2): 2, (1, 2): 2}) is None
    assert rebuild(3, {(0, 1): 2, (0, 2): 3, (1, 2): 3}) == ((0, 1), 2)


FORWARD: Tree = ((((0, 1), 2), 3), 4)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ((0, 1), "one addition"),
        ((0, 1, 2, 3), "all 4 at once (fused)"),
        (FORWARD, "sequential, first to last"),
        ((0, (1, (2, (3, 4)))), "sequential, last to first"),
        ((((2, 3), 0), 1), "sequential, in the order 2 3 0 1"),
        (((((0, 1), 3), 2), 4), "sequential, of each pair the second first"),
        ((((((0, 1), 3), 2), 5), 4), "sequential, of each pair the second first"),
        (((0, 1, 2, 3), 4, 5, 6, 7), "sequential, first to last, 4 at once (fused)"),
        ((((0, 1), (2, 3)), ((4, 5), (6, 7))), "pairwise"),
        (((0, 1), (2, (3, 4))), "pairwise"),
        ((((0, 4), (2, 6)), ((1, 5), (3, 7))), "halves folded onto each other"),
        (((0, 2), (1, 3)), "halves folded onto each other"),
        ((((0, 3), (1, 4)), (2, 5)), "3 lanes of every 3rd term; their sums sequential, first to last"),
        (((((0, 2), 4), 6), (((1, 3), 5), 7)), "2 lanes of every 2nd term, each sequential, first to last"),
        (((((0, 1), 2), 3), (((4, 5), 6), 7)), "2 blocks of 4, each sequential, first to last"),
        (((((0, 1), 2), ((3, 4), 5)), ((6, 7), 8)), "blocks of 3, each sequential, first to last; their sums likewise"),
        ((((0, 3), (1, 5)), (2, 4)), "a shape without a name"),
    ],
)
def test_a_shape_has_its_name(tree: Tree, words: str) -> None:
    assert in_words(tree) == words


def test_brackets_say_what_is_added_first() -> None:
    assert brackets(((0, 1), (2, 3, 4))) == "(0+1)+(2+3+4)"
    assert brackets(FORWARD) == "(((0+1)+2)+3)+4"


def test_a_product_can_only_be_fused_where_it_is_added_as_one_term() -> None:
    assert joins_as_term(((0, 1), (2, 3))) == {(0, 1), (2, 3)}
    assert joins_as_term(((0, 1), 2)) == {(0, 1), (0, 2), (1, 2)}
