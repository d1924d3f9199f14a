"""A target is data: what it is made of, and the words that make the same one again."""

from __future__ import annotations

import dataclasses
import pickle
import shlex

import pytest

from conformance.errors import UsageError
from conformance.plugin.target import Target, command_text


def test_a_text_that_begins_with_two_dashes_is_a_command() -> None:
    target = Target("-- node 'my conv.js' --fast")
    assert target.command == ("node", "my conv.js", "--fast")
    assert not target.probe
    assert Target("node").command == ()
    assert Target("node").probe


@pytest.mark.parametrize("words", [["node", "conv.js"], ["sh", "-c", "echo '$x' | cat"], ["./my prog", ""], ["a", "--", "b"]])
def test_the_words_of_a_command_come_back_from_its_text(words: list[str]) -> None:
    target = Target(command_text(words))
    assert target.command == tuple(words)
    assert shlex.split(target.command_options) == ["--", *words]


def test_options_stand_before_a_command_and_behind_any_other_target() -> None:
    options = {"claim": ("accuracy=fft",), "no_claim": ("groups",)}
    assert Target("-- node x.js", **options).command_options == "--claim accuracy=fft --no-claim groups -- node x.js"
    assert Target("m:f", **options).command_options == "m:f --claim accuracy=fft --no-claim groups"


def test_a_command_crosses_processes_and_can_be_changed() -> None:
    target = Target("-- node x.js")
    assert pickle.loads(pickle.dumps(target)) == target
    assert dataclasses.replace(target, operators=("conv2d",)).command == ("node", "x.js")


@pytest.mark.parametrize(("text", "words"), [("-- ", "no command stands behind --"), ("-- 'half", "No closing quotation")])
def test_a_command_that_is_none_is_told(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Target(text)
