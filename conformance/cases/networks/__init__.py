"""The layers of real networks: shapes that users run, among them many that no covering set would think of.

Each network is a text file beside this one, named as the network is, in the form that :mod:`.listing` reads: batch 1 but
where the source says otherwise, and without layers of a shape that the network already has. Adding one is adding a file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from conformance.cases.networks.listing import OUTSIDE, Layer, Network, read_listing
from conformance.errors import UsageError

__all__ = ["NETWORKS", "OUTSIDE", "Layer", "Network", "layers", "network_named"]
_HERE = Path(__file__).parent


class _Networks(Mapping[str, Network]):
    """Every network by its name; a file is read when it is first asked for."""

    def __getitem__(self, name: str) -> Network:
        if name not in _names():
            raise KeyError(name)
        return _read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_names())

    def __len__(self) -> int:
        return len(_names())


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _HERE.glob("*.txt")))


@cache
def _read(name: str) -> Network:
    return read_listing(_HERE / f"{name}.txt", name)


NETWORKS: Mapping[str, Network] = _Networks()
"""Every network by its name."""


def plain(name: str) -> str:
    """``resnet50`` for ``ResNet-50``: letters and digits, for names that people write in several ways."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def network_named(name: str) -> Network:
    """The network called ``name``, for example ``resnet-50`` or ``resnet50``."""
    for known in NETWORKS:
        if plain(known) == plain(name):
            return NETWORKS[known]
    raise UsageError(f"the network {name!r} is not known", hint=like(name) or f"known are {', '.join(NETWORKS)}")


def like(name: str) -> str:
    """``did you mean …?`` with the networks whose name begins like ``name`` or is near it; nothing if there are none."""
    names, asked = {plain(known): known for known in NETWORKS}, plain(name)
    found = [known for short, known in names.items() if asked and short.startswith(asked)]
    found = found or [names[short] for short in difflib.get_close_matches(asked, names, n=2, cutoff=0.7)]
    return f"did you mean {' or '.join(found)}?" if found else ""


def layers(network: str) -> tuple[Layer, ...]:
    """The layers of the network called ``network``."""
    return network_named(network).layers
