"""A target that goes wrong is a finding or a clear error; the run goes on, and nothing measured is lost."""

from __future__ import annotations

import pytest

from conformance.cases.case import parse_case
from conformance.errors import UsageError
from conformance.plugin.job import Call, Job
from conformance.plugin.target import Target
from conformance.running.session import Session, WorkerLost
from tests.conftest import TARGETS, Check


@pytest.mark.parametrize(
    ("name", "kind", "word"),
    [
        ("raises_conv2d", "raised", "no such luck"),
        ("none_conv2d", "wrong result", "None"),
        ("scalar_conv2d", "wrong result", "scalar"),
        ("list_conv2d", "wrong result", "list"),
        ("flat_conv2d", "wrong shape", "expected"),
        ("double_conv2d", "wrong dtype", "float64 for float32"),
        ("nan_conv2d", "wrong value", "wrong"),
        ("exits_conv2d", "raised", "SystemExit"),
    ],
)
def test_a_wrong_result_is_a_finding_of_its_kind(check: Check, misbehaving: str, name: str, kind: str, word: str) -> None:
    result = check(f"{misbehaving}:{name}")
    assert result.status == "nonconformant"
    assert kind in {finding.kind for finding in result.findings}
    assert any(word in finding.message for finding in result.findings)


def test_a_target_that_prints_disturbs_nothing(check: Check, misbehaving: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert check(f"{misbehaving}:prints_conv2d").status == "conformant"
    assert "noise" not in capfd.readouterr().out


@pytest.mark.parametrize("name", ["hangs_conv2d", "hangs_at_once_conv2d"])
def test_a_hang_is_stopped_and_reported_and_the_rest_is_cut_short(check: Check, misbehaving: str, name: str) -> None:
    result = check(f"{misbehaving}:{name}", time_limit=0.5)
    assert {finding.kind for finding in result.findings} == {"hung"}
    assert any("cut short" in skip.reason for skip in result.skips)


def test_a_crash_is_one_outcome_and_the_cases_before_it_are_kept(check: Check, misbehaving: str) -> None:
    result = check(f"{misbehaving}:kills_conv2d")
    assert "crashed" in {finding.kind for finding in result.findings}
    assert any("exit code 7" in finding.message for finding in result.findings)
    assert sum(tally.passed for tally in result.tallies) > 0


def test_an_operator_that_crashes_does_not_keep_another_from_being_checked(check: Check) -> None:
    result = check(f"{TARGETS / 'two_crash.py'}")
    assert {finding.operator for finding in result.findings} == {"conv2d"}
    assert sum(tally.passed for tally in result.tallies if tally.operator == "max_pool2d") > 40


def test_a_result_of_objects_is_one_outcome(check: Check) -> None:
    result = check(f"{TARGETS / 'unreadable.py'}:conv2d")
    assert {finding.kind for finding in result.findings} == {"wrong result"}
    assert any("Python objects" in finding.message for finding in result.findings)
    assert sum(tally.passed for tally in result.tallies) > 0


def test_a_job_that_breaks_the_worker_s_own_code_ends_no_run() -> None:
    case = parse_case("conv2d i3x3 k2x2")
    with Session(Target("numpy-gemm")) as session:
        session.describe()
        with pytest.raises(WorkerLost) as lost:
            session.submit(Job((Call(case.problem, case.arrays(), layout="no such layout"),))).result()
        assert lost.value.kind == "unreadable"
        (reply,) = session.submit(Job((Call(case.problem, case.arrays()),))).result()
        assert reply.outputs[0].shape == case.problem.result_shape


class Bomb:
    """Cannot be read back where it arrives."""

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("no number",)


def returns_a_bomb(target: Target) -> Bomb:
    return Bomb()


def test_a_value_that_is_no_plain_one_is_unreadable_and_what_waited_is_done() -> None:
    case = parse_case("conv2d i3x3 k2x2")
    job = Job((Call(case.problem, case.arrays()),))
    with Session(Target("numpy-gemm")) as session:
        session.describe()
        with pytest.raises(WorkerLost):
            session.call(returns_a_bomb, limit=2.0)
        waiting = [session.submit(job) for _ in range(3)]
        assert [reply.outputs[0].shape for one in waiting for reply in one.result()] == [case.problem.result_shape] * 3


def test_an_error_in_saying_what_is_supported_is_one_outcome(check: Check) -> None:
    result = check(f"{TARGETS / 'unreadable.py'}:SupportsRaises")
    assert {finding.kind for finding in result.findings} == {"raised"}
    assert any("KeyError" in finding.message for finding in result.findings)
    assert sum(tally.passed for tally in result.tallies) > 0


def test_a_crash_in_the_first_smoke_call_does_not_end_the_run(check: Check, misbehaving: str) -> None:
    result = check(f"{misbehaving}:aborts_conv2d")
    assert any("SIGABRT" in finding.message for finding in result.findings)
    assert any("smoke call" in note for note in result.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no/such/file.py:conv2d", "there is no file"),
        ("no.such.module:conv2d", "neither a registered name nor a module"),
        ("torch-cup", "did you mean torch-cpu"),
        ("{file}:conv3d", "has no 'conv3d'"),
        ("{file}:nane_conv2d", "did you mean nan_conv2d"),
        ("{file}:conv2d_without_arrays", "takes no arrays"),
        ("{file}:strange_conv2d", "'flavour'"),
        ("{file}:same_function_under_no_operator", "--operator"),
        ("{file}:CONSTANT", "not a function"),
        ("{file}", "no function with an operator's name"),
    ],
)
def test_what_cannot_be_loaded_is_told_with_what_to_type(check: Check, misbehaving: str, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(text.format(file=misbehaving))
    assert words in str(caught.value)


def test_a_function_without_an_operators_name_is_checked_when_the_operator_is_said(check: Check, misbehaving: str) -> None:
    result = check(f"{misbehaving}:same_function_under_no_operator", operators=("conv2d",))
    assert result.status == "conformant"


def test_a_whole_module_is_checked_function_by_function(check: Check) -> None:
    result = check(str(TARGETS / "two_functions.py"))
    assert result.status == "conformant"
    assert result.operators == ("conv1d", "max_pool1d")


def test_an_operator_that_is_not_claimed_is_a_usage_error(check: Check) -> None:
    with pytest.raises(UsageError, match="it has conv1d, max_pool1d"):
        check(str(TARGETS / "two_functions.py"), operators=("conv3d",))


def test_when_nothing_is_compared_nothing_is_verified(check: Check) -> None:
    result = check("torch-cuda-tf32" if not _has_cuda() else "no-such", operators=("conv2d",))
    assert result.status == "unavailable"
    assert result.reason


def _has_cuda() -> bool:
    torch = pytest.importorskip("torch")
    return bool(torch.cuda.is_available())
