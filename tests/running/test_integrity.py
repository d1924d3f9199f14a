"""What is replaced beneath the worker is seen, and nothing else is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from conformance.running import idle, integrity, worker


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    """Watched as in a worker, and forgotten again."""
    integrity.watch()
    yield
    integrity._watched.clear()
    integrity._functions.clear()


def test_nothing_is_replaced_by_importing_a_framework() -> None:
    pytest.importorskip("torch")
    assert integrity.changes() == []


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (time, "perf_counter"),
        (np, "ascontiguousarray"),
        (np, "may_share_memory"),
        (worker, "_contents"),
        (worker, "np"),
        (worker.Reply, "__init__"),
        (idle, "process_time"),
        (integrity, "changes"),
    ],
)
def test_what_is_replaced_is_named_until_it_is_put_back(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, getattr(owner, name).__class__)
        changed = [each for names in integrity._watched for each in names.changed()]
        assert any(each.endswith(f".{name}") for each in changed)
    assert integrity.changes() == []


def test_a_name_that_hides_a_builtin_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "any", lambda items: False, raising=False)
    assert integrity.changes() == ["conformance.running.worker.any"]


def test_other_code_in_the_same_function_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def same(array: np.ndarray) -> bytes:
        return b""

    monkeypatch.setattr(worker._contents, "__code__", same.__code__)
    assert integrity.changes() == ["conformance.running.worker._contents"]


def test_what_equals_everything_is_still_not_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class Equal:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    monkeypatch.setattr(worker, "_contents", Equal())
    assert integrity.changes() == ["conformance.running.worker._contents"]


def test_data_may_change_and_what_is_replaced_beside_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_LARGE", 1)
    assert integrity.changes() == []
    monkeypatch.setattr(worker, "_parts", len)
    assert integrity.changes() == ["conformance.running.worker._parts"]
