"""Which words tell failing cases from passing ones: the narrowest patterns that cover all of the ones and none of the others.

The words of a case's text are the features: ``f16``, ``s2x1``, ``reflect``, and ``s*`` for a stride of any size. What all
failing cases have in common is a pattern if no passing case has it; else each group of checks gets one, or a few rules.
Where that would take many, a pattern covers passing cases as well, and says so: hundreds of them nobody would read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from conformance.running.xfail import covers_words

_SIZE = re.compile(r"(?P<class>values=[a-z_]+:|[a-z]+)[-\d].*")
_MOST_RULES = 4  # for one group of checks: more, and nobody reads them
_MANY = 5  # cases that prove words


@dataclass(frozen=True, slots=True)
class Example:
    """A trial as an entry sees it."""

    check: str
    case: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """What examples have in common: a glob for the check, and words of the case in their order; ``whole`` if they are all."""

    check: str
    words: tuple[str, ...]
    whole: str = ""

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Pattern:
        """The narrowest that covers them all. An entry names the operator by itself, so the first word is left out."""
        first, *others = examples
        check, words = first.check, first.case.split()[1:]
        for one in others:
            check, have = _both(check, one.check), features(one)
            words = [word if word in have else _class(word) for word in words if {word, _class(word)} & have]
        same = all(one.case == first.case for one in others)
        return cls(check, tuple(dict.fromkeys(words)), first.case if same else "")

    @property
    def case(self) -> str:
        """As a glob; a star alone where no word is left."""
        return self.whole or " ".join(["*", *(part for word in self.words for part in (word, "*"))])

    def covered(self, examples: Iterable[Example]) -> int:
        """How many of ``examples`` it covers."""
        return sum(fnmatchcase(one.check, self.check) and covers_words(self.case, one.case) for one in examples)

    def without_needless(self, passing: Sequence[Example]) -> Pattern:
        """The same without words like ``k*`` that keep no passing case out."""
        pattern, most = self, self.covered(passing)
        for word in self.words if not self.whole else ():
            shorter = Pattern(pattern.check, tuple(other for other in pattern.words if other != word))
            if word.endswith("*") and shorter.covered(passing) <= most:
                pattern = shorter
        return pattern


def features(example: Example) -> set[str]:
    """The words of an example, and those that stand for any size: ``s2x1`` and ``s*``."""
    words = set(example.case.split()[1:])
    return words | {_class(word) for word in words}


def _class(word: str) -> str:
    """``s*`` of ``s2x1``, ``values=integers:*`` of ``values=integers:3``; a word without a size is itself."""
    size = _SIZE.fullmatch(word)
    return f"{size['class']}*" if size else word


def _both(check: str, other: str) -> str:
    if fnmatchcase(other, check):
        return check
    family = f"{check.partition('.')[0]}."
    return f"{family}*" if "." in check and other.startswith(family) else "*"


@dataclass(frozen=True, slots=True)
class Drafted:
    """A pattern, the failing examples that it stands for, and how many passing ones it covers as well."""

    pattern: Pattern
    failing: tuple[Example, ...]
    passing: int = 0


def patterns_of(failing: Sequence[Example], passing: Sequence[Example]) -> list[Drafted]:
    """Patterns that cover every failing example, and no passing one where a few can do that."""
    everything = Pattern.of(failing)
    if not everything.covered(passing):
        return [Drafted(everything.without_needless(passing), tuple(failing))]
    made: list[Drafted] = []
    groups = _apart(failing, lambda one: one.check.partition(".")[0])
    for group in sorted(groups, key=len, reverse=True):  # what many cases say of the words helps where there is but one
        made += _with_words_of(made, group, passing) or _of_group(group, passing)
    return made


def _apart(examples: Sequence[Example], key: Callable[[Example], str]) -> list[list[Example]]:
    groups: dict[str, list[Example]] = {}
    for one in examples:
        groups.setdefault(key(one), []).append(one)
    return list(groups.values())


def _with_words_of(made: Sequence[Drafted], failing: Sequence[Example], passing: Sequence[Example]) -> list[Drafted]:
    """The words of another group, where they hold for this one, and each of its checks if need be; empty where none do."""
    proven = [one.pattern.words for one in made if not one.passing and len(one.failing) >= _MANY]
    for parts in ([list(failing)], _apart(failing, lambda one: one.check)):
        found = []
        for part in parts if len(parts) <= _MOST_RULES else ():
            patterns = (Pattern(Pattern.of(part).check, words) for words in dict.fromkeys(proven))
            fits = (one for one in patterns if one.covered(part) == len(part) and not one.covered(passing))
            found += [Drafted(pattern, tuple(part)) for pattern in [next(fits, None)] if pattern is not None]
        if len(found) == len(parts):
            return found
    return []


def _of_group(failing: Sequence[Example], passing: Sequence[Example]) -> list[Drafted]:
    """Of one group of checks: what all have in common, else a few rules, else what all have in common all the same."""
    common = Pattern.of(failing).without_needless(passing)
    besides = common.covered(passing)
    if not besides:
        return [Drafted(common, tuple(failing))]
    rules = _rules(failing, passing)
    return rules if rules is not None else [Drafted(common, tuple(failing), besides)]


def _rules(failing: Sequence[Example], passing: Sequence[Example]) -> list[Drafted] | None:
    """Rules that cover all that fails, one after the other, each grown by the word that keeps most passing cases out.

    None if they would be too many to read. Sets of examples are the bits of integers.
    """
    left, right = (1 << len(failing)) - 1, (1 << len(passing)) - 1
    bits: dict[str, tuple[int, int]] = {}
    for which, examples in enumerate((failing, passing)):
        for place, one in enumerate(examples):
            for word in {*features(one), one.check}:
                pair = list(bits.get(word, (0, 0)))
                pair[which] |= 1 << place
                bits[word] = (pair[0], pair[1])
    rules: list[Drafted] = []
    while left:
        if len(rules) == _MOST_RULES:
            return None
        inside, outside = left, right
        while outside:
            able = [pair for pair in bits.values() if inside & pair[0] and (outside & pair[1]) != outside]
            if not able:
                break
            best = max(able, key=lambda pair: _worth((inside & pair[0]).bit_count(), (outside & pair[1]).bit_count()))
            inside, outside = inside & best[0], outside & best[1]
        group = [one for place, one in enumerate(failing) if inside >> place & 1]
        pattern = Pattern.of(group)
        if pattern.covered(passing):  # the same case both failed and passed
            group, inside = group[:1], inside & -inside
            pattern = Pattern.of(group)
        rules.append(Drafted(pattern.without_needless(passing), tuple(group)))
        left &= ~inside
    return rules


def _worth(failing: int, passing: int) -> tuple[float, int]:
    """How good a rule is: its share of failing cases (Laplace's estimate, so that a few do not outdo many), then their number."""
    return (failing + 1) / (failing + passing + 2), failing
