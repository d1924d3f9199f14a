"""Which tensor must lie in memory in which way for a call to fail: found by laying out one tensor at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.checks.exact import Exact
from conformance.checks.layout import Layout
from conformance.diagnosis.explore import with_values
from conformance.diagnosis.nouns import NOUNS, PLURAL
from conformance.diagnosis.samples import Samples
from conformance.plugin.layouts import LAYOUTS

_NAMES = {**NOUNS, "w_zero": "zero points"}
_WORDS = {
    "strided": "strided",
    "reversed": "stored backwards",
    "fortran": "in Fortran order",
    "channels_last": "stored with channels last",
    "sliced": "a slice of a larger tensor",
    "misaligned": "misaligned",
    "broadcast": "broadcast",
    "batch_chunk": "a chunk of the first axis of a larger tensor",
    "batch_stride": "every second item of a larger batch",
    "channel_chunk": "a chunk of the channels of a larger tensor",
    "row_chunk": "a chunk of the rows of a larger tensor",
    "column_chunk": "a chunk of the columns of a larger tensor",
    "channels_last_chunk": "a chunk of the channels of a tensor with channels last",
    "inner_slice": "a slice of a tensor with an axis more",
}
_CONTIGUOUS = {"misaligned", "batch_chunk"}  # layouts that leave a tensor in one piece
_MANY = 4  # layouts that are told one by one
_CASES = 6
_CONFIRMED = 3


@dataclass(frozen=True, slots=True)
class Laid:
    """The tensors of which one laid out so is enough, and the layouts; ``check`` is one that fails, on a case of ``cases``."""

    tensors: tuple[str, ...]
    layouts: tuple[str, ...]
    check: Layout
    cases: tuple[Case, ...]
    others: tuple[Layout, ...] = ()
    """The other ways in which it fails."""

    def __str__(self) -> str:
        plural = len(self.tensors) > 1 or self.tensors[0] in PLURAL
        names = " or ".join(f"the {_NAMES[name]}" if name in _NAMES else name for name in self.tensors)
        ways = [_WORDS[layout] for layout in self.layouts]
        if len(ways) > _MANY and not _CONTIGUOUS & set(self.layouts):
            ways = ["not contiguous"]
        listed = ", ".join(ways[:-1]) + " or " + ways[-1] if len(ways) > 1 else ways[0]
        return f"where {names} {'are' if plural else 'is'} {listed} in memory"


def laid_out(samples: Samples, cases: Sequence[Case]) -> Laid | None:
    """What must lie how; None where that cannot be told, or where contiguous tensors fail as well."""
    cases = list(cases)[:_CASES]
    plain = samples.run(cases, Exact())
    if any(one.failed for one in plain) or len(plain) < _CONFIRMED:
        return None
    fails: dict[tuple[str, str], tuple[Case, ...]] = {}
    passes: dict[tuple[str, str], int] = {}
    for layout in LAYOUTS:
        first = next(iter(cases[0].problem.array_shapes))
        for tensor in cases[0].problem.array_shapes:
            if samples.over or (layout == "broadcast" and tensor != first):
                continue
            seen = samples.run(cases, Layout(layout, [layout], tensor))
            failed = tuple(one.case for one in seen if one.failed and one.kind == samples.kind)
            if failed:
                fails[tensor, layout] = failed
            passes[tensor, layout] = sum(not one.failed for one in seen)
    tensors = tuple(dict.fromkeys(tensor for tensor, _ in fails))
    layouts = tuple(dict.fromkeys(layout for _, layout in fails))
    if not fails or any(
        (tensor, layout) not in fails and passes.get((tensor, layout)) for tensor in tensors for layout in layouts
    ):
        return None  # no one tensor is enough, or each has layouts of its own
    clean = sum(count for pair, count in passes.items() if pair not in fails)
    (tensor, layout), most = max(fails.items(), key=lambda item: len(item[1]))
    if len(most) < min(_CONFIRMED, len(plain)) or clean < _CONFIRMED:
        return None
    others = tuple(Layout(way, [way], name) for name, way in fails if (name, way) != (tensor, layout))
    return Laid(tensors, layouts, Layout(layout, [layout], tensor), most, others)


def varied(cases: Sequence[Case]) -> list[Case]:
    """The cases, smallest and largest first, with values among which little is right by chance."""
    order = sorted(cases, key=lambda case: case.problem.work)
    turns = [one for pair in zip(reversed(order), order, strict=True) for one in pair]
    return list({one.problem: with_values(one, one.seed) for one in turns}.values())
