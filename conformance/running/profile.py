"""How much is tried: brief beside speed in a comparison, quick for every day, standard for a release, thorough for a night."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.errors import UsageError


@dataclass(frozen=True, slots=True)
class Profile:
    """``covering``: problems of the covering set (None: all), for a gradient ``gradients``. ``each``: cases of every other
    check, and of every kind of real values. ``random``: cases drawn by hypothesis. ``layers``: whether layers of real
    networks are judged. ``every_type``: whether special values and accuracy are tried in every data type each time.
    ``long``: whether rows beyond 2^16 are; with ``layers`` also flat indices beyond 2^24; ``huge``: beyond 2^31.
    ``most_failures``: an operator is left after so many failing cases."""

    name: str
    covering: int | None
    gradients: int | None
    each: int
    random: int
    layers: bool
    every_type: bool = True
    long: bool = True
    huge: bool = False
    most_failures: int = 20


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("brief", covering=30, gradients=8, each=1, random=5, layers=False, every_type=False, long=False),
        Profile("quick", covering=None, gradients=None, each=3, random=50, layers=False),
        Profile("standard", covering=None, gradients=None, each=12, random=300, layers=True),
        Profile("thorough", covering=None, gradients=None, each=40, random=2000, layers=True, most_failures=100),
    )
}


def profile_named(name: str) -> Profile:
    try:
        return PROFILES[name]
    except KeyError:
        raise UsageError(f"the profile {name!r} is not known", hint=f"known are {', '.join(PROFILES)}") from None
