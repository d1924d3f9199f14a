"""What is timed: layers of real networks, problems and files that a user names, as cases of real values.

A word of ``--workload`` is a network (``resnet-50``), layers of it (``resnet-50:conv1``, ``mobilenet-v2:*depthwise``),
``representative``, the text of a problem or a descriptor of benchdnn, or a file of these (``mine.txt``, ``mine.txt:conv*``)
in the form of :mod:`conformance.cases.networks.listing`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from conformance.cases.case import Case, parse_case
from conformance.cases.networks import NETWORKS, Network, like, network_named, plain
from conformance.cases.networks.listing import read_listing
from conformance.cases.values import KINDS
from conformance.errors import UsageError, did_you_mean
from conformance.problem import OPERATORS, Problem, reasons_invalid
from conformance.problem.benchdnn import looks_like_benchdnn, name_of_descriptor
from conformance.problem.formats import format_named
from conformance.problem.operators import FORWARD, PASSES
from conformance.timing.compare import Workload

REPRESENTATIVE = (
    ("resnet-50", "conv1"),
    ("resnet-50", "layer1.0.conv2"),
    ("resnet-50", "layer1.0.conv3"),
    ("resnet-50", "layer4.0.conv2"),
    ("mobilenet-v2", "block2.depthwise"),
    ("vit", "base16"),
    ("wavenet", "dilated16"),
    ("wavenet", "residual"),
    ("c3d", "conv5a"),
    ("resnet-50", "maxpool"),
    ("resnet-50", "avgpool"),
)
"""One layer of each kind: a large and a small image, 1x1, depthwise, patches, 1-D, 3-D, and two poolings."""
DEFAULT = "representative"
_SHOWN = 12  # names in a hint
_MOST_CHARACTERS = 1000  # of a word: a longer one is neither a problem nor a path
_EXAMPLES = "resnet-50, resnet-50:conv1, 'conv2d c64 i56 o64 k3 p1', mb1ic3ih227oc96oh55kh11sh4ph0, or a file of these"


@dataclass(frozen=True, slots=True)
class _Given:
    """A case as it was found. ``name`` is what people know it by (empty: its text); ``valued``: it says its own values."""

    name: str
    case: Case
    valued: bool = False


def representative() -> list[Workload]:
    """The layers of :data:`REPRESENTATIVE`."""
    return workloads([DEFAULT])


def of_network(name: str) -> list[Workload]:
    """Every distinct layer of one network."""
    return workloads([network_named(name).name])


def passes_named(text: str) -> tuple[str, ...]:
    """The passes of ``forward,weight_grad``, each once."""
    names = [word.strip() for word in text.split(",")]
    for name in names:
        if name not in PASSES:
            raise UsageError(
                f"the pass {name!r} is not known", hint=did_you_mean(name, PASSES) or f"known are {', '.join(PASSES)}"
            )
    return tuple(dict.fromkeys(names))


def workloads(
    words: Sequence[str] = (DEFAULT,), passes: Sequence[str] = (FORWARD,), batch: int | None = None, dtype: str | None = None
) -> list[Workload]:
    """What the ``words`` of ``--workload`` mean (none: the representative layers), in their order, each case once; its
    origin says where it is from.

    A problem that is a gradient already stays in its pass, and what has no such pass or data type is left out. Raises
    :class:`UsageError` for a word that means nothing, a file that cannot be read, a change that makes a problem invalid,
    or if nothing is left.
    """
    if batch is not None and batch < 1:
        raise UsageError(f"with a batch of {batch} there is nothing to time", hint="write for example --batch 8")
    asked, wanted = passes_named(",".join(passes)), format_named(dtype).name if dtype else None
    given = [one for word in words or (DEFAULT,) for one in _meant(word)]
    found: dict[tuple[Problem, str, str], Workload] = {}
    for one in _changed(given, asked, batch, wanted):
        found.setdefault((one.case.problem, one.case.kind, one.case.seed), one)
    if not found:
        told = f"{', '.join(asked)}{f' in {wanted}' if wanted else ''}"
        raise UsageError(f"nothing of {', '.join(words)} has {told}", hint=_what_there_is(given))
    return _told_apart(found.values())


def _told_apart(given: Iterable[Workload]) -> list[Workload]:
    """Two descriptors may have one name: the problem is added to that of the second."""
    found: dict[str, Workload] = {}
    for one in given:
        name = one.name if one.name not in found else f"{one.name} {one.case}"
        found[name] = Workload(name, one.case)
    return list(found.values())


def _what_there_is(given: Sequence[_Given]) -> str:
    traits = {one.case.problem.op.base: one.case.problem.op.traits for one in given}
    return "; ".join(f"{name} has {', '.join(one.passes)} in {', '.join(one.dtypes)}" for name, one in traits.items())


def _meant(word: str) -> list[_Given]:
    """What one word means, as it is given."""
    if not word.strip() or not word.isprintable() or len(word) > _MOST_CHARACTERS:
        raise UsageError(f"the workload {word[:80]!r} is no name, problem or file", hint=f"give {_EXAMPLES}")
    if word == DEFAULT:
        return [one for name, label in REPRESENTATIVE for one in _layers(NETWORKS[name], label)]
    head, _, pattern = word.partition(":")
    if networks := _networks(head):
        found = [one for network in networks for one in _layers(network, pattern or "*", optional=len(networks) > 1)]
        if not found:
            names = ", ".join(network.name for network in networks)
            raise UsageError(f"no layer of {names} is called {pattern!r}", hint=f"write {names.partition(',')[0]} for all of one")
        return found
    before, _, behind = word.rpartition(":")
    for path, chosen in ((word, "*"), (before, behind)):
        if path and _exists(path):
            return _layers(read_listing(Path(path), path), chosen)
    if looks_like_benchdnn(word) or word.split()[0] in OPERATORS or len(word.split()) > 1:
        case = parse_case(word)
        return [_given(name_of_descriptor(word), case, "values=" in word)]
    if "/" in word or Path(word).suffix in (".txt", ".text", ".list"):
        return _layers(read_listing(Path(word), word), "*")  # which tells why it cannot be read
    hint = like(head) or did_you_mean(word, [DEFAULT]) or f"give {_EXAMPLES}; the networks are {', '.join(NETWORKS)}"
    raise UsageError(f"the workload {word!r} is not known", hint=hint)


def _networks(head: str) -> list[Network]:
    """The networks that ``head`` names, in any of the ways to write it, or as a pattern. What has a path is a file."""
    if "/" in head or "." in head:
        return []
    if "*" in head:
        return [NETWORKS[name] for name in NETWORKS if fnmatchcase(name, head.lower())]
    return [NETWORKS[name] for name in NETWORKS if plain(name) == plain(head)]


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # the text of a problem may be too long for a name
        return False


def _layers(network: Network, pattern: str, optional: bool = False) -> list[_Given]:
    """The layers whose label is ``pattern`` or matches it; of several networks not each must have one."""
    chosen = [layer for layer in network.layers if layer.label == pattern or fnmatchcase(layer.label, pattern)]
    if not chosen and not optional:
        labels = [layer.label for layer in network.layers]
        more = ", …" if len(labels) > _SHOWN else ""
        hint = did_you_mean(pattern, labels) or f"it has {', '.join(labels[:_SHOWN])}{more}"
        raise UsageError(f"{network.name} has no layer {pattern!r}", hint=hint)
    return [_given(f"{network.name} {layer.label}", layer.case, layer.has_values) for layer in chosen]


def _given(name: str, case: Case, valued: bool) -> _Given:
    if case.kind not in KINDS:
        hint = f"leave it out, or write values=KIND:SEED with KIND one of {', '.join(KINDS)}"
        raise UsageError(f"{name or case}: {case.kind} values are for checks, not for timing", hint=hint)
    return _Given(name, dataclasses.replace(case, origin=name or "given"), valued)


def _changed(given: Sequence[_Given], passes: Sequence[str], batch: int | None, dtype: str | None) -> list[Workload]:
    """Everything in the passes, the batch and the data type that are asked for, where it has them."""
    return [
        _workload(one, problem)
        for one in given
        for pass_name in (passes if one.case.problem.op.forward else (one.case.problem.op.pass_name,))
        if (problem := _problem(one, pass_name, batch, dtype)) is not None
    ]


def _problem(one: _Given, pass_name: str, batch: int | None, dtype: str | None) -> Problem | None:
    """The problem with everything changed; None if its operator has no such pass or data type."""
    problem = one.case.problem
    traits = problem.op.traits
    if pass_name not in traits.passes or (dtype and dtype not in traits.dtypes):
        return None
    if pass_name != problem.op.pass_name:
        problem = problem.as_pass(pass_name).replace(bias=False, indices=False)  # no gradient depends on these
    if batch is not None and batch != problem.batch:
        problem = problem.replace(batch=batch, unbatched=False)
    if dtype and dtype != problem.dtype:
        problem = problem.replace(dtype=dtype, result="")
    reasons = reasons_invalid(problem)
    if reasons:
        what = f"{one.name or one.case.problem}: " + ", ".join([pass_name, f"batch {problem.batch}", problem.dtype])
        raise UsageError(f"{what}: {'; '.join(reasons)}", hint="choose other passes, another batch or data type, or leave it out")
    return problem


def _workload(one: _Given, problem: Problem) -> Workload:
    """Real values unless the text says others; formats without fractions have integers."""
    kind, seed = (one.case.kind, one.case.seed) if one.valued else ("integers" if problem.format.kind == "int" else "wide", "0")
    case = Case(problem, kind, seed, one.case.origin)
    gradient = f" {problem.op.pass_name}" if problem.operator != one.case.problem.operator else ""
    return Workload(f"{one.name}{gradient}" if one.name else str(case if one.valued else problem), case)
