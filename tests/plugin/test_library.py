"""Shared libraries: examples in C, C++, Rust and Zig pass as they stand, and broken ones are found out or told in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conformance.cases.case import parse_case
from conformance.errors import UsageError
from conformance.plugin.implementation import NotSupported, WroteBeside
from conformance.plugin.job import Call, Job
from conformance.plugin.library import Library, LibraryError
from conformance.plugin.target import Target
from conformance.running.session import Session
from tests.conftest import Check
from tests.targets.native import HERE, build


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("libraries")


def broken(folder: Path, how: str, claims: str = '"conv2d; float32; stride"') -> str:
    return build(HERE / "broken.c", folder, f"-D{how}", f"-DCLAIMS={claims}", name=how.lower())


def made(path: str, **fields: object) -> object:
    return Library(path, path, "", Target(path, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "operators"),
    [
        ("plain.c", ("conv2d",)),
        ("conv2d.c", ("conv2d", "conv2d_input_grad", "conv2d_weight_grad")),
        ("pool.cpp", ("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool2d")),
        ("conv1d.rs", ("conv1d",)),
        ("conv_transpose2d.zig", ("conv_transpose2d",)),
    ],
)
def test_an_example_is_conformant_as_it_stands(check: Check, folder: Path, source: str, operators: tuple[str, ...]) -> None:
    result = check(build(HERE / source, folder))
    assert result.status == "conformant", result.findings
    assert set(result.operators) == set(operators)
    assert {tally.operator for tally in result.tallies if tally.passed} == set(operators)


def test_a_library_that_claims_nothing_in_words_is_asked_what_it_supports(folder: Path) -> None:
    library = made(build(HERE / "pool.cpp", folder))
    claims = library.claims["max_pool2d"]
    assert set(claims.dtypes) == {"float64", "float32", "int64", "int32", "int8", "uint8"}
    assert {"ceil", "indices", "dilation", "per_axis", "asymmetric_padding"} <= claims.options
    assert not {"unbatched", "rejects", "strict_types"} & claims.options
    assert set(library.claims["avg_pool2d"].dtypes) == {"float64", "float32"}


def test_one_operator_of_a_library_is_chosen_by_its_name_or_by_an_option(check: Check, folder: Path) -> None:
    path = build(HERE / "conv2d.c", folder)
    assert check(f"{path}:conv2d_weight_grad").operators == ("conv2d_weight_grad",)
    assert check(path, operators=("conv2d_input_grad",)).operators == ("conv2d_input_grad",)


def test_a_function_under_a_name_of_its_own_is_checked_when_its_operator_is_said(check: Check, folder: Path) -> None:
    path = build(HERE / "broken.c", folder, "-DMISSPELT", "-DCLAIMS=0", name="own_name")
    result = check(f"{path}:conformance_conv_2d", operators=("conv2d",))
    assert result.status == "nonconformant"
    with pytest.raises(UsageError, match="--operator conv2d"):
        check(f"{path}:conformance_conv_2d")


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ("NOTHING", "wrong value", "the only element wrong"),
        ("SEGFAULT", "crashed", "SIGSEGV"),
        ("WRITES_BEHIND", "wrote out of bounds", "wrote behind its output: 4 bytes are changed there, the first of them right"),
        ("WRITES_BEFORE", "wrote out of bounds", "wrote before its output: 4 bytes are changed there, the last of them 9 before"),
        ("LONG_MESSAGE", "wrote out of bounds", "wrote behind its message: 14 bytes"),
        ("REPORTS", "raised", "FAILED: the accelerator is on fire"),
        ("OUT_OF_MEMORY", "out of memory", "OUT_OF_MEMORY"),
        ("UNKNOWN_STATUS", "wrong result", "-7, which is none of 0 OK"),
    ],
)
def test_what_a_library_does_wrong_is_a_finding_of_its_kind(check: Check, folder: Path, how: str, kind: str, words: str) -> None:
    result = check(broken(folder, how))
    assert result.status == "nonconformant"
    found = [finding for finding in result.findings if finding.kind == kind]
    assert any(words in finding.message for finding in found), result.findings


def test_a_library_that_refuses_everything_it_claims_verifies_nothing(check: Check, folder: Path) -> None:
    result = check(broken(folder, "REFUSES"))
    assert result.status == "nothing verified"
    assert {skip.reason for skip in result.skips} == {"answered NOT_SUPPORTED: never"}


def test_a_library_that_refuses_all_that_it_is_asked_is_a_usage_error(folder: Path) -> None:
    path = build(HERE / "broken.c", folder, "-DREFUSES", "-DCLAIMS=0", name="refuses_all")
    with pytest.raises(UsageError, match="answered NOT_SUPPORTED to all"):
        made(path)


def test_a_library_that_crashes_when_it_is_asked_is_checked_for_the_usual(check: Check, folder: Path) -> None:
    path = build(HERE / "broken.c", folder, "-DSEGFAULT", "-DCLAIMS=0", name="segfault_when_asked")
    result = check(path)
    assert "crashed" in {finding.kind for finding in result.findings}
    assert any("smoke call" in note for note in result.notes)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ('"conv2d; float33"', "did you mean float32?"),
        ('"conv2d; groupings"', "did you mean groups?"),
        ('"conv2d; accuracy=perfect"', "known are componentwise"),
        ('"conv3d; float32"', "conformance_conv2d: did you mean conformance_conv3d?"),
        ('"conv2d; float32\\nmax_pool2d"', "does not export conformance_max_pool2d"),
        ('"conv_integer2d; int32"', "does not export conformance_conv_integer2d"),
    ],
)
def test_claims_that_cannot_be_kept_are_told_with_what_to_type(folder: Path, claims: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(build(HERE / "broken.c", folder, f"-DCLAIMS={claims}", name=f"claims{abs(hash(claims))}"))
    assert words in str(caught.value)


def test_claims_of_the_command_line_change_those_of_the_library(folder: Path) -> None:
    path = build(HERE / "conv2d.c", folder)
    claims = made(path, no_claim=("groups", "float64"), claim=("accuracy=tf32",)).claims["conv2d"]
    assert claims.dtypes == ("float32",)
    assert "groups" not in claims.options
    assert claims.accuracy == "tf32"


SUM = """
#include <conformance.h>
CONFORMANCE_LIBRARY(CLAIMS)
CONFORMANCE_EXPORT int32_t conformance_conv2d_bias_grad(const conformance_call *call) {
  const conformance_tensor *dy = call->dy;
  float *db = call->result->data;
  int64_t channel = CHANNEL;
  for (int64_t o = 0; o < dy->shape[channel]; o++) {
    db[o] = 0;
    for (int64_t i = 0; i < dy->shape[0]; i++)
      for (int64_t j = 0; j < dy->shape[channel == 1 ? 2 : 1]; j++)
        for (int64_t k = 0; k < dy->shape[channel == 1 ? 3 : 2]; k++)
          db[o] += *(float *)((char *)dy->data + i * dy->stride[0] + o * dy->stride[channel] +
                              j * dy->stride[channel == 1 ? 2 : 1] + k * dy->stride[channel == 1 ? 3 : 2]);
  }
  return CONFORMANCE_OK;
}
"""


@pytest.mark.parametrize(
    ("claims", "channel"),
    [
        ("conv2d_bias_grad; float32", 1),
        ("conv2d_bias_grad; float32; strides", 1),
        ("conv2d_bias_grad; float32; data_format=NHWC", 3),
    ],
)
def test_tensors_lie_in_memory_as_the_library_claims(check: Check, tmp_path: Path, claims: str, channel: int) -> None:
    source = tmp_path / "sum.c"
    source.write_text(SUM)
    path = build(source, tmp_path, f'-DCLAIMS="{claims}; all -unbatched"', f"-DCHANNEL={channel}")
    result = check(path)
    assert result.status == "conformant", result.findings
    assert any(tally.check.startswith("layout") and tally.passed for tally in result.tallies)


@pytest.mark.parametrize(("word", "expected"), [("", [12, 4]), ("strides", [24, 8])])
def test_inputs_are_made_contiguous_unless_strides_are_claimed(tmp_path: Path, word: str, expected: list[int]) -> None:
    source = tmp_path / "strides.c"
    source.write_text("""
#include <conformance.h>
CONFORMANCE_LIBRARY(CLAIMS)
CONFORMANCE_EXPORT int32_t conformance_max_pool1d(const conformance_call *call) {
  float *y = call->result->data;
  y[0] = call->x->stride[1], y[1] = call->x->stride[2];
  return CONFORMANCE_OK;
}
""")
    library = made(build(source, tmp_path, f'-DCLAIMS="max_pool1d; float32; {word} stride"'), probe="")
    case = parse_case("max_pool1d n1 c1 i3 k2")
    wide = np.zeros((1, 1, 6), np.float32)[..., ::2]
    (output,) = library.fetch(library.prepare(case.problem, {"x": wide})())
    assert output.ravel().tolist() == expected


WORKSPACE = """
#include <conformance.h>
#include <string.h>
CONFORMANCE_LIBRARY("max_pool1d; float32; padding -kernel")
CONFORMANCE_EXPORT uint64_t conformance_workspace(const conformance_call *call) {
  return 4 * call->problem->batch * call->problem->channels * call->problem->input[0];
}
CONFORMANCE_EXPORT int32_t conformance_max_pool1d(const conformance_call *call) {
  if ((uintptr_t)call->workspace % 64 || call->workspace_size != conformance_workspace(call)) return CONFORMANCE_FAILED;
  memset(call->workspace, 0, call->workspace_size + BEHIND);
  memcpy(call->workspace, call->x->data, call->workspace_size);
  float *y = call->result->data;
  for (int64_t i = 0; i < call->problem->batch * call->problem->channels; i++)
    for (int64_t j = 0; j < call->problem->output[0]; j++, y++)
      *y = ((float *)call->workspace)[i * call->problem->input[0] + j * call->problem->stride[0]];
  return CONFORMANCE_OK;
}
"""


@pytest.mark.parametrize(("behind", "status"), [(0, "conformant"), (8, "nonconformant")])
def test_a_workspace_is_what_was_asked_for(check: Check, tmp_path: Path, behind: int, status: str) -> None:
    source = tmp_path / "workspace.c"
    source.write_text(WORKSPACE)
    result = check(build(source, tmp_path, f"-DBEHIND={behind}"))
    assert result.status == status, result.findings
    assert not behind or any("wrote behind its workspace: 8 bytes" in finding.message for finding in result.findings)


def test_a_status_raises_what_it_means(folder: Path) -> None:
    case = parse_case("conv2d i3x3 k2x2")
    for how, error in (
        ("REPORTS", LibraryError),
        ("REFUSES", NotSupported),
        ("WRITES_BEHIND", WroteBeside),
        ("OUT_OF_MEMORY", MemoryError),
    ):
        library = made(broken(folder, how))
        with pytest.raises(error):
            library.fetch(library.prepare(case.problem, case.arrays())())


def test_invalid_problems_reach_a_library_that_claims_to_reject_them(check: Check, tmp_path: Path) -> None:
    source = tmp_path / "rejects.c"
    source.write_text("""
#include <conformance.h>
CONFORMANCE_LIBRARY("adaptive_avg_pool1d; float32; rejects")
CONFORMANCE_EXPORT int32_t conformance_adaptive_avg_pool1d(const conformance_call *call) {
  const conformance_problem *p = call->problem;
  if (p->output[0] < 1 || p->input[0] < 1 || call->x->rank != 3)
    return conformance_say(call, CONFORMANCE_INVALID, "no such problem");
  const float *x = call->x->data;
  float *y = call->result->data;
  for (int64_t row = 0; row < p->batch * p->channels; row++, x += p->input[0])
    for (int64_t i = 0; i < p->output[0]; i++, y++) {
      int64_t first = i * p->input[0] / p->output[0], end = ((i + 1) * p->input[0] + p->output[0] - 1) / p->output[0];
      *y = 0;
      for (int64_t at = first; at < end; at++) *y += x[at];
      *y /= end - first;
    }
  return CONFORMANCE_OK;
}
""")
    result = check(build(source, tmp_path))
    assert result.status == "conformant", result.findings
    assert sum(tally.passed for tally in result.tallies if tally.check == "rejection") >= 4


def test_results_of_two_calls_share_no_memory(folder: Path) -> None:
    case = parse_case("conv2d i3x3 k2x2")
    with Session(Target(build(HERE / "conv2d.c", folder))) as session:
        session.describe()
        first, second = session.submit(Job((Call(case.problem, case.arrays()), Call(case.problem, case.arrays())))).result()
        assert not first.trouble
        assert not second.trouble
        assert np.array_equal(first.outputs[0], second.outputs[0])


def test_the_first_call_of_a_process_is_judged_though_it_only_asks(check: Check, tmp_path: Path) -> None:
    source = tmp_path / "first.c"
    source.write_text("""
#include <conformance.h>
CONFORMANCE_LIBRARY("max_pool1d; -unbatched -empty_batch")
CONFORMANCE_EXPORT int32_t conformance_max_pool1d(const conformance_call *call) {
  static int called;
  const conformance_problem *p = call->problem;
  if (call->x->dtype != CONFORMANCE_FLOAT32 || p->kernel[0] > 1 || p->ceil || call->result_indices)
    return CONFORMANCE_NOT_SUPPORTED;
  for (int64_t row = 0; row < p->batch * p->channels; row++)
    for (int64_t i = 0; i < p->output[0]; i++)
      ((float *)call->result->data)[row * p->output[0] + i] =
          ((float *)call->x->data)[row * p->input[0] + i * p->stride[0]] + !called;
  called = 1;
  return CONFORMANCE_OK;
}
""")
    result = check(build(source, tmp_path))
    assert [finding.kind for finding in result.findings] == ["wrong value"]
    assert "in the first call of the process" in result.findings[0].message


def test_a_workspace_beyond_all_memory_is_told_and_not_made(folder: Path) -> None:
    library = made(broken(folder, "GREEDY"))
    case = parse_case("conv2d i3x3 k2x2")
    with pytest.raises(MemoryError, match="asked for 4,611,686,018,427,387,904 bytes of workspace, more than 17,179,869,184"):
        library.prepare(case.problem, case.arrays())  # type: ignore[attr-defined]
