"""A problem as an ONNX model of one node, and its tensors and results as ONNX has them.

The dialects differ: ONNX writes all paddings before before all behind, its indices of maxima are flat over the whole tensor,
and its averages count no padding unless told to. Only what ONNX's operators have can be written (``ABLE``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS, Family, Operator, Problem

_NODES = {
    Family.CONV: "Conv",
    Family.CONV_TRANSPOSE: "ConvTranspose",
    Family.CONV_INTEGER: "ConvInteger",
    Family.MAX_POOL: "MaxPool",
    Family.AVG_POOL: "AveragePool",
    Family.LP_POOL: "LpPool",
    Family.ADAPTIVE_MAX_POOL: "GlobalMaxPool",
    Family.ADAPTIVE_AVG_POOL: "GlobalAveragePool",
    Family.MAX_UNPOOL: "MaxUnpool",
}
_LACKING = frozenset(
    (
        "crop", "reflect", "replicate", "circular", "unbatched", "empty_batch", "wide_result", "requantised", "strict_types",
        "rejects", "divisor", "norm_inf",
    )
)  # fmt: skip
"""Options that no node of ONNX has, or that a model cannot be made of."""
_DTYPES = {"float32", "float64", "float16", "int8", "uint8"}
_RULES = {"": "NOTSET", "valid": "VALID", "same": "SAME_UPPER", "same_upper": "SAME_UPPER", "same_lower": "SAME_LOWER"}
_OPSET, _IR_VERSION = 22, 10


def claims_of_models() -> dict[str, Claims]:
    """What can be asked by models, by operator; a runtime may support less."""
    return {
        operator.name: Claims(
            tuple(dtype for dtype in operator.traits.dtypes if dtype in _DTYPES), options_of(operator) - _lacking(operator)
        )
        for operator in OPERATORS.values()
        if operator.forward
    }


def _lacking(operator: Operator) -> frozenset[str]:
    quantised = {"bias"} if operator.family is Family.CONV_INTEGER else set()
    return _LACKING | quantised


def not_expressible(problem: Problem) -> str | None:
    """Why no model can say this problem, or None. Claims hold the rest."""
    family = problem.op.family
    if family in (Family.ADAPTIVE_MAX_POOL, Family.ADAPTIVE_AVG_POOL):
        if problem.indices:
            return "ONNX's global pooling has no indices"
        if any(window.output != 1 for window in problem.windows):
            return "ONNX has adaptive pooling to an output of 1 alone"
    if family is Family.LP_POOL and problem.norm != int(problem.norm):
        return "ONNX has whole norms alone"
    return None


def model_of(problem: Problem) -> bytes:
    """The model of one node, serialised; its inputs are called as the problem's tensors, its outputs ``y`` and ``indices``."""
    from onnx import TensorProto, checker, helper

    type_of = helper.np_dtype_to_tensor_dtype
    inputs = [
        helper.make_tensor_value_info(name, type_of(problem.dtype_of(name)), problem.array_shapes[name])
        for name in _inputs(problem)
    ]
    outputs = [helper.make_tensor_value_info("y", type_of(problem.result_format.numpy), problem.result_shape)]
    if problem.indices:
        outputs.append(helper.make_tensor_value_info("indices", TensorProto.INT64, problem.result_shape))
    names = list(_inputs(problem))
    constants = []
    if problem.op.family is Family.MAX_UNPOOL:
        constants.append(helper.make_tensor("shape", TensorProto.INT64, [len(problem.result_shape)], problem.result_shape))
        names.append("shape")
    node = helper.make_node(_NODES[problem.op.family], names, [output.name for output in outputs], **_attributes(problem))
    graph = helper.make_graph([node], "conformance", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def _inputs(problem: Problem) -> tuple[str, ...]:
    return tuple(name for name in ("x", "w", "b", "indices", "x_zero", "w_zero") if name in problem.array_shapes)


def _attributes(problem: Problem) -> dict[str, Any]:
    family = problem.op.family
    if problem.op.traits.window == "adaptive":
        return {}
    pads = {"pads": [begin for begin, _ in problem.padding] + [end for _, end in problem.padding]}
    given: dict[str, Any] = {"kernel_shape": problem.kernel, "strides": problem.stride}
    given |= {"auto_pad": _RULES[problem.auto_pad]} if problem.auto_pad else pads
    if family in (Family.CONV, Family.CONV_TRANSPOSE, Family.CONV_INTEGER):
        given |= {"dilations": problem.dilation, "group": problem.groups}
    if family is Family.CONV_TRANSPOSE:
        given["output_padding"] = problem.output_padding
    if family in (Family.MAX_POOL, Family.AVG_POOL, Family.LP_POOL):
        given["ceil_mode"] = int(problem.ceil)
    if family is Family.MAX_POOL:
        given["dilations"] = problem.dilation
    if family is Family.AVG_POOL:
        given["count_include_pad"] = int(problem.count_include_pad)
    if family is Family.LP_POOL:
        given |= {"dilations": problem.dilation, "p": int(problem.norm)}
    return given


def given_to(problem: Problem, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors by the names of the model's inputs, contiguous, as ONNX has them."""
    given = {name: np.ascontiguousarray(arrays[name]).reshape(problem.array_shapes[name]) for name in _inputs(problem)}
    if "indices" in given:
        given["indices"] = given["indices"].astype(np.int64) + _planes(problem, problem.output_shape)
    return given


def taken_from(problem: Problem, results: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The results as the problem has them: indices count within their plane."""
    if problem.indices and len(results) > 1:
        return results[0], np.asarray(results[1]) - _planes(problem, problem.input_shape)
    return tuple(results)


def _planes(problem: Problem, shape: tuple[int, ...]) -> np.ndarray:
    """Where each plane of a tensor of ``shape`` begins in it."""
    planes = np.arange(problem.batch * problem.channels, dtype=np.int64) * math.prod(shape[2:])
    return planes.reshape(problem.batch, problem.channels, *[1] * (len(shape) - 2))
