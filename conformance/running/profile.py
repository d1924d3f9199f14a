"""How much is tried: brief beside speed in a comparison, quick for every day, standard for a release, thorough for a night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from conformance.errors import UsageError


@dataclass(frozen=True, slots=True)
class Profile:
    """``covering``: problems of the covering set (None: all), for a gradient ``gradients``. ``each``: cases of every other
    check, and of every kind of real values. ``random``: cases drawn by hypothesis. ``kinds``: rounds of windows beyond the
    table of kinds of layers (0: neither these nor ladders of sizes). ``layers``: which layers of real networks are judged,
    "one" of each kind or "each". ``seconds``: how long a target may compute for the kinds of layers of an operator, and for
    real layers: a slow one gets smaller ones. ``search``: seconds in which calls are looked for that take branches of the
    target's own source which no other call took, for each forward operator. ``every_type``: whether special values and
    accuracy are tried in every data type each time. ``long``: whether rows beyond 2^16 are; ``huge``: flat indices beyond
    2^31. ``most_failures``: an operator is left after so many failing cases."""

    name: str
    covering: int | None
    gradients: int | None
    each: int
    random: int
    kinds: int
    layers: Literal["", "one", "each"]
    seconds: float
    search: float = 0.0
    every_type: bool = True
    long: bool = True
    huge: bool = False
    most_failures: int = 20


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("brief", covering=30, gradients=8, each=1, random=5, kinds=0, layers="", seconds=0, every_type=False, long=False),
        Profile("quick", covering=None, gradients=None, each=3, random=50, kinds=1, layers="one", seconds=2, search=3),
        Profile("standard", covering=None, gradients=None, each=12, random=300, kinds=4, layers="each", seconds=60, search=10),
        Profile("thorough", covering=None, gradients=None, each=40, random=2000, kinds=16, layers="each", seconds=600, search=60,
                most_failures=100),
    )
}  # fmt: skip


def profile_named(name: str) -> Profile:
    try:
        return PROFILES[name]
    except KeyError:
        raise UsageError(f"the profile {name!r} is not known", hint=f"known are {', '.join(PROFILES)}") from None
