"""The order of a summation as a tree: rebuilt from counts, drawn as brackets, and named where its shape is a known one.

The method is FPRev's (arXiv 2411.00442): if all terms are 1 but one huge M and one -M, every term that is added to
either before they cancel is absorbed, so the result counts the leaves outside the smallest subtree that holds both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

Tree = int | tuple["Tree", ...]
"""A leaf is the number of a term. A node is one addition of its children; more than two are added at once (fused)."""
Counts = Mapping[tuple[int, int], int]


@cache
def leaves(tree: Tree) -> tuple[int, ...]:
    """The terms below a node, ascending."""
    return (tree,) if isinstance(tree, int) else tuple(sorted(leaf for child in tree for leaf in leaves(child)))


def rebuild(size: int, counts: Counts) -> Tree | None:
    """The tree over the terms 0 … ``size`` - 1 in which the smallest subtree of i and j has ``counts[i, j]`` leaves, i < j.

    None if there is no such tree. Children are in the order of their first leaves: addition does not tell left from right.
    """
    return _subtree(tuple(range(size)), counts)


def _subtree(within: tuple[int, ...], counts: Counts) -> Tree | None:
    if len(within) == 1:
        return within[0]
    parts: list[tuple[int, ...]] = []
    for leaf in within:  # leaves that meet below this node are in the same child of it
        met = [part for part in parts if any(counts[other, leaf] < len(within) for other in part)]
        rest = [part for part in parts if part not in met]
        parts = [*rest, tuple(sorted([leaf, *(other for part in met for other in part)]))]
    across = {counts[min(i, j), max(i, j)] for one in parts for other in parts if one < other for i in one for j in other}
    if across != {len(within)}:
        return None
    children = [_subtree(part, counts) for part in sorted(parts)]
    known = tuple(child for child in children if child is not None)
    return known if len(known) == len(children) else None


def subtree_sizes(tree: Tree) -> dict[tuple[int, int], int]:
    """For every two terms i < j the number of leaves of the smallest subtree that holds both: inverse of :func:`rebuild`."""
    if isinstance(tree, int):
        return {}
    found = {pair: size for child in tree for pair, size in subtree_sizes(child).items()}
    for number, child in enumerate(tree):
        for other in tree[number + 1 :]:
            for i in leaves(child):
                found |= {(min(i, j), max(i, j)): len(leaves(tree)) for j in leaves(other)}
    return found


def joins_as_term(tree: Tree) -> set[tuple[int, int]]:
    """The pairs i < j of which at least one is added as a single term where the two meet: there a multiply-add can be."""
    if isinstance(tree, int):
        return set()
    found = {pair for child in tree for pair in joins_as_term(child)}
    for leaf in (child for child in tree if isinstance(child, int)):
        found |= {(min(leaf, other), max(leaf, other)) for other in leaves(tree) if other != leaf}
    return found


def brackets(tree: Tree) -> str:
    """``(0+1)+(2+3)``."""
    return str(tree) if isinstance(tree, int) else "+".join(_inner(child) for child in tree)


def _inner(tree: Tree) -> str:
    return str(tree) if isinstance(tree, int) else f"({brackets(tree)})"


def in_words(tree: Tree) -> str:
    """The name of a tree's shape: ``sequential, first to last``, ``8 lanes, …``; ``a shape without a name`` for any other."""
    return _simple(tree) or _grouped(tree) or "a shape without a name"


def _simple(tree: Tree) -> str:
    """A shape that is not made of others, or nothing."""
    size = len(leaves(tree))
    if isinstance(tree, int):
        return "one term"
    if size == len(tree):
        return f"all {size} at once (fused)" if size > 2 else "one addition"
    if tree == _halves(tuple(range(size))):
        return "pairwise"
    if _sorted(tree) == _sorted(_folded(tuple(range(size)))):
        return "halves folded onto each other"
    return _chain(tree)


def _halves(within: tuple[int, ...]) -> Tree:
    half = len(within) // 2
    return (_halves(within[:half]), _halves(within[half:])) if half else within[0]


def _folded(within: tuple[int, ...]) -> Tree:
    """What horizontal additions of vector registers do: (0+4)+(2+6), and the odd ones."""
    return (_folded(within[::2]), _folded(within[1::2])) if len(within) > 1 else within[0]


def _sorted(tree: Tree) -> Tree:
    """Children in the order of their first leaves."""
    return tree if isinstance(tree, int) else tuple(sorted(map(_sorted, tree), key=leaves))


def _chain(tree: Tree) -> str:
    """One sum to which terms are added one after the other, or several at once."""
    added: list[list[int]] = []
    while not isinstance(tree, int):
        inner = [child for child in tree if not isinstance(child, int)]
        if len(inner) > 1:
            return ""
        added.append([child for child in tree if isinstance(child, int)])
        if not inner:
            break
        tree = inner[0]
    steps, most = added[::-1], max(map(len, added))
    order = [leaf for step in steps for leaf in step]
    at_once = f", {most} at once (fused)" if len(steps[0]) > 2 or max(map(len, steps[1:])) > 1 else ""
    if order == sorted(order):
        return f"sequential, first to last{at_once}"
    if order[2:] == [leaf ^ 1 if leaf ^ 1 < len(order) else leaf for leaf in range(2, len(order))]:
        return f"sequential, of each pair the second first{at_once}"  # as instructions do that add two products to a sum
    backward = [leaf for step in steps for leaf in reversed(step)]
    if backward == sorted(backward, reverse=True):
        return f"sequential, last to first{at_once}"
    return f"sequential, in the order {' '.join(map(str, order))}{at_once}"


def _grouped(tree: Tree) -> str:
    """Lanes (every k-th term) or blocks (k neighbours), each summed alike, and how their sums are added up."""
    size = len(leaves(tree))
    for k in range(2, size):
        lanes = [tuple(range(lane, size, k)) for lane in range(k)]
        blocks = [tuple(range(start, min(start + k, size))) for start in range(0, size, k)]
        for words, groups in ((f"{k} lanes of every {_nth(k)} term", lanes), (f"blocks of {k}", blocks)):
            if described := _as_groups(tree, words, groups):
                return described
    return ""


def _as_groups(tree: Tree, words: str, groups: Sequence[tuple[int, ...]]) -> str:
    number = {group: at for at, group in enumerate(groups)}
    top = _contracted(tree, number)
    if top is None:
        return ""
    inside = [_simple(_renumbered(_node(tree, group), group)) for group in groups]
    whole = {words for words, group in zip(inside, groups, strict=True) if len(group) == len(groups[0])}
    above = _simple(top)
    if not above or not all(inside) or len(whole) > 1:
        return ""
    each = f", each {min(whole)}" if len(groups[0]) > 2 else ""
    words = f"{len(groups)} {words}" if len(groups) == 2 and "blocks" in words else words
    then = "" if len(groups) == 2 else f"; their sums {'likewise' if {above} == whole else above}"
    return f"{words}{each}{then}"


def _nth(k: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(k, f"{k}th")


def _contracted(tree: Tree, number: Mapping[tuple[int, ...], int]) -> Tree | None:
    """The tree with every group's node replaced by the group's number, None if a group is no node of it."""
    if leaves(tree) in number:
        return number[leaves(tree)]
    if isinstance(tree, int):
        return None
    children = [_contracted(child, number) for child in tree]
    known = tuple(child for child in children if child is not None)
    return known if len(known) == len(children) else None


def _node(tree: Tree, group: tuple[int, ...]) -> Tree:
    """The node whose leaves are ``group``; there must be one."""
    while leaves(tree) != group:
        assert not isinstance(tree, int)
        tree = next(child for child in tree if set(group) <= set(leaves(child)))
    return tree


def _renumbered(tree: Tree, group: tuple[int, ...]) -> Tree:
    return group.index(tree) if isinstance(tree, int) else tuple(_renumbered(child, group) for child in tree)
