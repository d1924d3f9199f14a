"""Sentences on state: what was remembered, and by what, from the calls whose results are those of others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.diagnosis.history import Difference, Link, difference
from conformance.diagnosis.nouns import NOUNS, PLURAL


@dataclass(frozen=True, slots=True)
class Said:
    """A key, and what it means here in a sentence."""

    key: str
    words: str


_MOST_NAMES = 3
_TENSORS = ("x", "w", "b", "dy", "indices")  # what is called by its noun; others by their name
_KEYS = {"w": "weights-remembered", "b": "bias-remembered"}


def remembered(found: Sequence[Sequence[Link]]) -> Said:
    """What links of one kind, some for each wrong result, come to."""
    what = found[0][0].what
    nearest = [min(links, key=lambda link: difference(link.of, link.step).amount) for links in found]
    apart = [difference(link.of, link.step) for link in nearest]
    if what == "sum":
        return Said("not-cleared", "The result is added to what an earlier call left there: memory is not cleared")
    if what == "parameters":
        names = _listed(set().union(*(one.parameters for one in apart)))
        words = "What was made ready for other parameters is used again: it is remembered without regard to "
        return Said("parameters-remembered", words + names)
    if what == "result":
        return _result(found, nearest, apart)
    many = what in _TENSORS and what in PLURAL
    are, they, their = ("are", "they are", "their") if many else ("is", "it is", "its")
    by = f"{their} address" if all(not one.memory for one in apart) else "too little"
    words = f"{_named(what).capitalize()} of an earlier call {are} used: {they} remembered by {by}"
    return Said(_KEYS.get(what, "input-remembered"), words)


def differing(apart: Difference) -> str:
    """What two calls differ in, in a phrase: parameters, or else numbers."""
    if len(apart.parameters) > _MOST_NAMES:
        return "its shape"
    return _listed(apart.parameters or [_named(name) for name, _ in apart.tensors])


def _result(found: Sequence[Sequence[Link]], nearest: Sequence[Link], apart: Sequence[Difference]) -> Said:
    returned = "The result of an earlier call is returned: it is remembered"
    if len(found) > 1 and all(any(link.back == 1 for link in links) for links in found) and not _in_common(found):
        return Said("previous-result", "The result of the call before is returned")
    if all(link.step.seen.problem.batch == 0 for link in nearest):
        return Said("remembered", "An empty batch returns the result of an earlier call")
    names = set().union(*(one.parameters for one in apart))
    besides = f", without regard to {_listed(names)}" if names else ""
    if any(one.memory and _all_numbers(one, link) for one, link in zip(apart, nearest, strict=True)):
        return Said("remembered-by-shape", f"{returned} by the shapes of the tensors{besides}")
    with_tensors = [one for one in apart if one.tensors]
    whole = any(how == "all" for one in with_tensors for _, how in one.tensors)
    if whole and not any(one.memory for one in with_tensors):
        return Said("remembered-by-address", f"{returned} by the address of the tensors{besides}")
    names |= {_named(name) for one in apart for name, how in one.tensors if how == "all"}
    parts = {_named(name) for one in apart for name, how in one.tensors if how != "all"}
    phrases = [f"without regard to {_listed(names)}"] if names else []
    phrases += [f"by no more than a part or a sum of {_listed(parts - names)}"] if parts - names else []
    return Said("remembered", " ".join([returned, " and ".join(phrases)]).rstrip())


def _all_numbers(apart: Difference, link: Link) -> bool:
    if link.of.seen.problem.array_shapes != link.step.seen.problem.array_shapes:
        return False
    sized = [name for name, array in link.step.seen.arrays.items() if array.size]
    return bool(sized) and sorted(name for name, how in apart.tensors if how == "all") == sorted(sized)


def _in_common(found: Sequence[Sequence[Link]]) -> bool:
    """Whether one call's result is that of all wrong ones."""
    return bool(set.intersection(*({id(link.of) for link in links} for links in found)))


def _named(tensor: str) -> str:
    return f"the {NOUNS[tensor] if tensor in _TENSORS else f'tensor {tensor}'}"


def _listed(names: Iterable[str]) -> str:
    *most, last = sorted(names) or [""]
    return f"{', '.join(most)} and {last}" if most else last
