"""Claims: what is claimed decides what is asked, by default, by decorator and by command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import conformance
from conformance.errors import UsageError
from conformance.plugin.claims import OPTIONS, Claims, options_of
from conformance.plugin.decorate import declared
from conformance.problem import OPERATORS, parse_problem
from conformance.problem.operators import TRAITS, with_passes
from tests.conftest import Check


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("batch", "conv2d n2 i3 k1"), ("channels", "conv2d c2 i3 k1"), ("out_channels", "conv2d o2 i3 k1"),
        ("kernel", "conv2d i3 k2"),
        ("stride", "conv2d i3 k1 s2"), ("padding", "conv2d i3 k1 p1"), ("asymmetric_padding", "conv2d i3 k1 p1:0"),
        ("dilation", "conv2d i5 k2 d2"), ("per_axis", "conv2d i5 k2 s2x1"), ("groups", "conv2d c2 i3 o2 k1 g2"),
        ("bias", "conv2d i3 k1 bias"), ("ceil", "max_pool2d i3 k2 ceil"), ("indices", "max_pool2d i3 k2 indices"),
        ("exclude_pad", "avg_pool2d i3 k2 exclude_pad"), ("divisor", "avg_pool2d i3 k2 divisor3"),
        ("empty_batch", "conv2d n0 i3 k1"), ("unbatched", "conv2d i3 k1 unbatched"), ("crop", "conv2d i5 k1 p-1"),
        ("reflect", "conv2d i3 k2 p1 reflect"), ("replicate", "conv2d i3 k2 p1 replicate"),
        ("circular", "conv2d i3 k2 p1 circular"),
        ("same", "conv2d i3 k2 same"), ("same", "conv2d i3 k2 valid"), ("same_upper", "max_pool2d i3 k2 s2 same_lower"),
        ("output_padding", "conv_transpose2d i3 k2 s2 op1"), ("wide_result", "conv2d f16>f32 i3 k1"),
        ("requantised", "conv_integer2d uint8>int8 i3 k1"), ("norm", "lp_pool2d i3 k2 norm3"),
        ("norm_inf", "lp_pool2d i3 k2 norminf"),
    ],
)  # fmt: skip
def test_a_problem_that_needs_an_option_is_refused_without_it(option: str, text: str) -> None:
    problem = parse_problem(text)
    everything = Claims(problem.op.traits.dtypes, options_of(problem.op))
    assert everything.refusal(problem) is None
    assert option in (everything.without(option).refusal(problem) or "")


def test_every_option_has_a_case_above() -> None:
    """But for the two that ask for errors, which no problem requires."""
    assert len(OPTIONS.keys() - {"rejects", "strict_types"}) == 28


def test_operators_are_every_pass_of_every_family_for_one_to_three_axes() -> None:
    assert len(OPERATORS) == 3 * sum(len(traits.passes) for traits in TRAITS.values())


def test_a_forward_operator_stands_for_all_its_passes() -> None:
    names = with_passes(("max_pool2d",))
    assert names == ("max_pool2d", "max_pool2d_input_grad", "max_pool2d_double_grad")
    assert with_passes(("conv2d_input_grad",)) == ("conv2d_input_grad",)


def test_channels_of_a_pooling_are_no_output_channels() -> None:
    problem = parse_problem("max_pool2d c5 i3 k2")
    assert Claims(options=options_of(problem.op)).refusal(problem) is None


def test_words_of_the_command_line_change_claims() -> None:
    claims = Claims(options=frozenset({"groups"})).changed(["bias", "dtypes=f64", "accuracy=fft"], ["groups", "deterministic"])
    assert claims == Claims(("float64",), frozenset({"bias"}), "fft", deterministic=False)


@pytest.mark.parametrize("word", ["magic", "accuracy=magic", "dtypes=magic", "winograd"])
def test_an_unknown_word_is_told_with_those_that_are_known(word: str) -> None:
    with pytest.raises(UsageError, match="known are"):
        Claims().changed([word])


def test_a_misspelt_decorator_fails_where_it_stands() -> None:
    with pytest.raises(UsageError, match="asymetric"):
        conformance.claims(asymetric_padding=True)


def test_a_decorator_leaves_the_function_as_it_is() -> None:
    def conv2d(input, weight):  # type: ignore[no-untyped-def]
        return input

    assert conformance.claims(groups=False)(conv2d) is conv2d
    assert declared(conv2d).no_claim == ("groups",)


_ASYMMETRIC = """
import numpy as np
import conformance

@conformance.claims(asymmetric_padding=True, dtypes=["float32"])
def conv1d(input, weight, padding=((0, 0),)):
    ((begin, end),) = padding
    x = np.pad(input, ((0, 0), (0, 0), (begin, end)))
    taps, outputs = weight.shape[2], x.shape[2] - weight.shape[2] + 1
    return sum(np.einsum("ncx,oc->nox", x[:, :, t : t + outputs], weight[:, :, t]) for t in range(taps))
"""


def test_asymmetric_padding_comes_as_pairs_and_is_checked(check: Check, tmp_path: Path) -> None:
    file = tmp_path / "asymmetric.py"
    file.write_text(_ASYMMETRIC, encoding="utf-8")
    result = check(f"{file}:conv1d")
    assert result.status == "conformant", result.findings
    assert result.dtypes == ("float32",)
    assert "differs before and behind" not in " ".join(result.not_claimed)
    file.write_text(_ASYMMETRIC.replace("(begin, end)))", "(end, begin)))"), encoding="utf-8")
    assert check(f"{file}:conv1d").status == "nonconformant"


def test_what_only_takes_one_number_is_asked_for_nothing_else(check: Check, tmp_path: Path) -> None:
    file = tmp_path / "numbers.py"
    file.write_text(
        "import numpy as np\n"
        "def conv2d(x, w, stride=1):\n"
        "    k, n = w.shape[2:], [(s - k) // stride + 1 for s, k in zip(x.shape[2:], w.shape[2:])]\n"
        "    y = np.zeros((len(x), len(w), *n), x.dtype)\n"
        "    for i in range(k[0]):\n"
        "        for j in range(k[1]):\n"
        "            part = x[:, :, i:i + stride * (n[0] - 1) + 1:stride, j:j + stride * (n[1] - 1) + 1:stride]\n"
        "            y += np.einsum('nchw,oc->nohw', part, w[:, :, i, j])\n"
        "    return y\n",
        encoding="utf-8",
    )
    result = check(f"{file}:conv2d")
    assert result.status == "conformant", result.findings
    assert any("one number for all axes" in note for note in result.notes)
