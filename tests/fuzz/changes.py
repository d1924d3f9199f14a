"""Inputs of an entry for hypothesis: its seeds with parts cut, doubled, moved and replaced, and bytes that are nothing."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.fuzz.entries import Entry

_LONG = 3000


@st.composite
def inputs(draw: st.DrawFn, entry: Entry) -> bytes:
    """Mostly a seed with some changes, now and then bytes alone."""
    seeds = (*entry.seeds, *entry.regressions)
    data = draw(st.sampled_from(seeds) | st.binary(max_size=60))
    for _ in range(draw(st.integers(0, 4))):
        start, size = draw(st.integers(0, len(data))), draw(st.integers(0, 12))
        part = data[start : start + size]
        new = draw(
            st.sampled_from([b"", part + part, b" ", *entry.words])
            | st.binary(max_size=4)
            | st.integers(-1, 2**70).map(lambda number: str(number).encode())
            | st.sampled_from(
                [part * _LONG, b"9" * _LONG, b"[" * _LONG, "\u202e\x1b[2J\x00\ud800".encode("utf-8", "surrogatepass")]
            )
            | st.sampled_from([seed[start : start + 3 * size] for seed in seeds])
        )
        data = data[:start] + new + data[start + size :]
    return data
