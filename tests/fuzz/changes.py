"""Inputs made of an entry's seeds: parts cut, doubled, moved and replaced, values of a JSON text exchanged, and mere bytes."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.entries import Entry
from tests.targets.hostile_names import ALL

_LONG = 3000
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63 - 1, 2**63, 10**30, 0.5, 1e308, -1e308, float("inf"), float("nan"), "", "conv2d",
    "conv9d", "float32", "conformant", "unavailable", "[red]", "[/]", "|", "`", "\x1b[2J", "\ud800", "\u202e", "a\nb", ALL,
    "x" * 5000, [],
    {}, [[]], ["conv2d"], {"a": 1}, [1, 2, 3], "1", "2026-01-01",
)  # fmt: skip


@st.composite
def inputs(draw: st.DrawFn, entry: Entry) -> bytes:
    """Mostly a seed with some changes, now and then bytes alone."""
    seeds = (*entry.seeds, *entry.regressions)
    data: bytes = draw(st.sampled_from(seeds) | st.binary(max_size=60))
    if entry.json and draw(st.integers(0, 3)):
        return exchanged(data, draw(st.randoms(use_true_random=False)))
    for _ in range(draw(st.integers(0, 4))):
        start, size = draw(st.integers(0, len(data))), draw(st.integers(0, 12))
        part = data[start : start + size]
        new = draw(
            st.sampled_from([b"", part + part, b" ", *entry.words])
            | st.binary(max_size=4)
            | st.integers(-1, 2**70).map(lambda number: str(number).encode())
            | st.sampled_from([part * _LONG, b"9" * _LONG, b"[" * _LONG, ALL.encode("utf-8", "surrogatepass")])
            | st.sampled_from([seed[start : start + 3 * size] for seed in seeds])
        )
        data = data[:start] + new + data[start + size :]
    return data


def exchanged(data: bytes, random: Random) -> bytes:
    """``data`` with some values of the JSON text in its first lines exchanged; as it was where there is none."""
    text, newline, rest = data.partition(b"}\n") if data.count(b"}\n") and not data.startswith(b"{\n") else (data, b"", b"")
    try:
        root: Any = [json.loads(text + newline)]
        for _ in range(random.randint(1, 3)):
            _exchange(root, random)
        made = json.dumps(root[0] if root else None).encode()
    except (ValueError, RecursionError):
        return data
    return made + (b"\n" if newline else b"") + rest


def _exchange(root: list[Any], random: Random) -> None:
    """Change one value somewhere in ``root``."""
    holders = list(_holders(root))
    if not holders:
        return
    holder = random.choice(holders)
    place = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    deed = random.randrange(6)
    if deed == 0 and holder is not root:
        del holder[place]
    elif deed == 1 and isinstance(holder, list):
        holder.insert(place, copy.deepcopy(holder[place]))
    elif deed == 2 and isinstance(holder, dict):
        holder[random.choice(["more", ALL, "schema_version", "id", "operator"])] = copy.deepcopy(random.choice(_VALUES))
    elif deed == 3:
        holder[place] = copy.deepcopy(random.choice(holders))
    else:
        holder[place] = copy.deepcopy(random.choice(_VALUES))


def _holders(value: Any) -> Any:
    """The lists and objects in ``value`` that are not empty, itself first."""
    if isinstance(value, dict | list) and value:
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _holders(inner)
