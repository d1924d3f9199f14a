"""Runtimes of ONNX models: every problem that ONNX can say becomes a model, and what a runtime gives is judged."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.cases.strategies import draw_cases
from conformance.checks import CHECKS
from conformance.errors import UsageError
from conformance.plugin.job import Reply
from conformance.plugin.load import load
from conformance.plugin.onnx_models import claims_of_models, given_to, model_of, not_expressible, taken_from
from conformance.plugin.onnx_runtimes import OnnxRuntime, is_backend
from conformance.plugin.target import Target
from conformance.problem.text import parse_problem as parse
from conformance.reference.oracle import solve
from tests.conftest import TARGETS, Check

onnx = pytest.importorskip("onnx")
FUNCTIONS = str(TARGETS / "onnx_functions.py")


@pytest.mark.parametrize("operator", claims_of_models())
def test_whatever_is_claimed_becomes_a_model_that_onnx_finds_right(operator: str) -> None:
    claims = claims_of_models()[operator]
    drawn = [case for case in draw_cases(operator, claims, 40, 0) if not claims.refusal(case.problem)]
    said = [case for case in drawn if not_expressible(case.problem) is None]
    assert said
    for case in said:
        model = onnx.load_model_from_string(model_of(case.problem))
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        assert len(inferred.graph.node) == 1


@pytest.mark.parametrize(
    "text",
    [
        "conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1:0x2 d1x2 g2 bias",
        "conv_transpose2d f32 n2 c3 i4x5 o2 k3x2 s2x3 p1x0 op1x2 bias",
        "conv_integer2d uint8 n1 c2 i9x5 o2 k3x2",
        "avg_pool2d f32 n1 c2 i7x6 k3x2 s2x2 p1x1 exclude_pad",
        "lp_pool1d f32 n1 c2 i7 k3 norm3",
        "max_pool1d f32 n2 c3 i9 k3 s2 indices",
        "max_unpool1d f32 n2 c2 i4 k2 s2",
        "adaptive_avg_pool2d f32 n2 c2 i4x3 to1x1",
    ],
)
def test_a_reference_evaluator_gives_the_truth(text: str) -> None:
    from onnx.reference import ReferenceEvaluator

    problem = parse(text)
    case = Case(problem, "digits", "0")
    (call,) = CHECKS["exact"].calls(case)
    results = ReferenceEvaluator(onnx.load_model_from_string(model_of(problem))).run(None, given_to(problem, call.arrays))
    reply = Reply(taken_from(problem, [np.asarray(result) for result in results]))
    judgement = CHECKS["exact"].judge(case, claims_of_models()[problem.operator], (call,), (reply,))
    assert judgement.failure is None, judgement.failure
    assert judgement.elements


def test_a_function_of_a_model_is_a_target(check: Check) -> None:
    result = check(f"{FUNCTIONS}:run", arrays="onnx", operators=("conv1d",), no_claim=("same", "same_upper"))
    assert not [finding for finding in result.findings if finding.check == "exact"], result.findings
    wrong = check(f"{FUNCTIONS}:run_without_last_column", arrays="onnx", operators=("conv1d",))
    assert [finding for finding in wrong.findings if finding.check == "exact"]


def test_a_module_that_is_a_backend_is_recognised() -> None:
    backend = pytest.importorskip("onnxruntime.backend")
    assert is_backend(backend)
    made = load(Target("onnxruntime.backend"))
    assert isinstance(made, OnnxRuntime)
    assert "onnxruntime" in made.versions()
    problem = parse("conv2d f32 n1 c2 i5x4 o3 k3x2 p1x0")
    assert made.supports(problem) is None
    arrays = Case(problem, "digits", "0").arrays()
    (y,) = made.fetch(made.prepare(problem, arrays)())
    assert (y == solve(problem, arrays).y).all()


def test_what_a_runtime_has_not_implemented_is_skipped_with_its_words() -> None:
    pytest.importorskip("onnxruntime.backend")
    reason = load(Target("onnxruntime.backend")).supports(parse("lp_pool1d f64 n1 c2 i7 k3"))
    assert reason is not None
    assert "NOT_IMPLEMENTED" in reason


def test_a_class_of_a_backend_is_recognised() -> None:
    from onnx.backend.base import Backend

    class Mine(Backend): ...

    assert is_backend(Mine)
    assert not is_backend(int)
    assert not is_backend(np)


def test_what_cannot_run_a_model_is_told() -> None:
    with pytest.raises(UsageError, match="no function of an ONNX model"):
        load(Target(FUNCTIONS, arrays="onnx"))
