"""ONNX's own published tests of one node, and their translation into problems.

The dialects differ: ONNX gives padding as all begins before all ends, counts no padding in averages unless told to, and
its indices of maxima are flat over the whole tensor, if told so column by column. Quantised weights are unsigned.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case import node as onnx_nodes

from conformance.problem import Family, Problem
from conformance.problem.operators import name_of
from conformance.problem.window import AdaptiveWindow, TransposedWindow, Window, auto_padding

Arrays = dict[str, np.ndarray]
FAMILIES = {
    "Conv": Family.CONV,
    "ConvTranspose": Family.CONV_TRANSPOSE,
    "ConvInteger": Family.CONV_INTEGER,
    "QLinearConv": Family.CONV_INTEGER,
    "MaxPool": Family.MAX_POOL,
    "AveragePool": Family.AVG_POOL,
    "LpPool": Family.LP_POOL,
    "GlobalMaxPool": Family.ADAPTIVE_MAX_POOL,
    "GlobalAveragePool": Family.ADAPTIVE_AVG_POOL,
    "MaxUnpool": Family.MAX_UNPOOL,
}


@dataclass(frozen=True)
class NodeTest:
    """One published test: the node, its inputs by the names that the operator's schema gives them, and its outputs."""

    operator: str
    attributes: dict[str, Any]
    inputs: Arrays
    outputs: list[np.ndarray]


def is_ours(operator: str) -> bool:
    """Whether an operator of ONNX is a convolution or a pooling, by its name."""
    return "conv" in operator.lower() or "pool" in operator.lower()


def node_tests() -> dict[str, NodeTest]:
    """Every test in the package of one node whose operator is a convolution or a pooling, by name."""
    return dict([*_generated(), *_stored()])


def _generated() -> Iterator[tuple[str, NodeTest]]:
    """The node tests, whose data ONNX makes (with a seed, and its own NumPy code) when their modules are imported."""
    for module in pkgutil.iter_modules(onnx_nodes.__path__):
        if "conv" in module.name or "pool" in module.name:  # to make all would take seconds
            importlib.import_module(f"{onnx_nodes.__name__}.{module.name}")
    for test in onnx_nodes._NodeTestCases:
        node = test.model.graph.node[0]
        if len(test.model.graph.node) == 1 and is_ours(node.op_type):
            ((inputs, outputs),) = test.data_sets
            present = [name for name in node.input if name]
            yield test.name, _node_test(node, dict(zip(present, inputs, strict=True)), list(outputs))


def _stored() -> Iterator[tuple[str, NodeTest]]:
    """The tests that ONNX took from PyTorch, with their data; those of one axis have a length 1 added and taken away."""
    data = Path(onnx.__file__).parent / "backend" / "test" / "data"
    for path in sorted((*data.glob("pytorch-converted/*"), *data.glob("pytorch-operator/*"))):
        graph = onnx.load(path / "model.onnx").graph
        nodes = [node for node in graph.node if node.op_type not in ("Unsqueeze", "Squeeze")]
        if len(nodes) != 1 or not is_ours(nodes[0].op_type):
            continue
        tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        given = [name for name in (value.name for value in graph.input) if name not in tensors]
        for number, name in enumerate(given):
            tensors[name] = _tensor(path / "test_data_set_0" / f"input_{number}.pb")
        outputs = [_tensor(path / "test_data_set_0" / f"output_{number}.pb") for number in range(len(graph.output))]
        if len(graph.node) > 1:
            before, _, after = graph.node
            (axis,) = _attributes(before)["axes"]
            assert _attributes(after)["axes"] == [axis]
            tensors[before.output[0]] = np.expand_dims(tensors[before.input[0]], axis)
            outputs = [np.expand_dims(output, axis) for output in outputs]
        yield path.name, _node_test(nodes[0], tensors, outputs)


def _tensor(path: Path) -> np.ndarray:
    return numpy_helper.to_array(onnx.load_tensor(path))


def _node_test(node: Any, tensors: Arrays, outputs: list[np.ndarray]) -> NodeTest:
    names = [value.name for value in onnx.defs.get_schema(node.op_type, node.domain).inputs]
    inputs = {name: np.asarray(tensors[given]) for name, given in zip(names, node.input, strict=False) if given}
    return NodeTest(node.op_type, _attributes(node), inputs, outputs)


def _attributes(node: Any) -> dict[str, Any]:
    found = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()}


def translated(test: NodeTest) -> tuple[Problem, Arrays]:
    """The problem that a test's node is, and the tensors by the problem's names."""
    family, given = FAMILIES[test.operator], test.attributes
    if family is Family.CONV_INTEGER:
        return _quantised(test)
    x, w = test.inputs["X"], test.inputs.get("W")
    common = {"batch": x.shape[0], "channels": x.shape[1], "dtype": x.dtype.name}
    operator = name_of(family, x.ndim - 2)
    if family in (Family.ADAPTIVE_MAX_POOL, Family.ADAPTIVE_AVG_POOL):
        windows = tuple(AdaptiveWindow(size, 1) for size in x.shape[2:])
        return Problem(operator, windows, out_channels=x.shape[1], **common), {"x": x}
    if w is not None:
        groups = given.get("group", 1)
        arrays = {"x": x, "w": w} | ({"b": test.inputs["B"]} if "B" in test.inputs else {})
        common |= {"groups": groups, "bias": "B" in arrays or "b" in arrays}
        if family is Family.CONV_TRANSPOSE:
            return Problem(operator, _transposed(test, x, w), out_channels=w.shape[1] * groups, **common), arrays
        windows, rule = _sliding(test, x.shape[2:], w.shape[2:])
        return Problem(operator, windows, out_channels=w.shape[0], auto_pad=rule, **common), arrays
    if family is Family.MAX_UNPOOL:
        return _unpooling(test, operator, common)
    windows, rule = _sliding(test, x.shape[2:], given["kernel_shape"])
    options: dict[str, Any] = {"out_channels": x.shape[1], "auto_pad": rule}
    if family is Family.AVG_POOL:
        options["count_include_pad"] = bool(given.get("count_include_pad", 0))
    if family is Family.LP_POOL:
        options["norm"] = float(given.get("p", 2))
    if family is Family.MAX_POOL:
        options["indices"] = len(test.outputs) > 1
    return Problem(operator, windows, **common, **options), {"x": x}


def _per_axis(test: NodeTest, name: str, ndim: int) -> list[int]:
    return list(test.attributes.get(name, [1] * ndim))


def _pads(test: NodeTest, ndim: int) -> list[tuple[int, int]]:
    pads = test.attributes.get("pads", [0] * 2 * ndim)
    return list(zip(pads[:ndim], pads[ndim:], strict=True))


def _sliding(test: NodeTest, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[tuple[Window, ...], str]:
    """The windows, and the rule by which their padding was asked for."""
    ndim, rule = len(sizes), test.attributes.get("auto_pad", "NOTSET").lower()
    rule = "" if rule == "notset" else rule
    steps = zip(sizes, kernel, _per_axis(test, "strides", ndim), _per_axis(test, "dilations", ndim), strict=True)
    bare = [Window(*numbers) for numbers in steps]
    pads = [auto_padding(rule, window) for window in bare] if rule else _pads(test, ndim)
    ceil = bool(test.attributes.get("ceil_mode", 0))
    return tuple(
        Window(window.size, window.kernel, window.stride, window.dilation, *pad, ceil)
        for window, pad in zip(bare, pads, strict=True)
    ), rule


def _transposed(test: NodeTest, x: np.ndarray, w: np.ndarray) -> tuple[TransposedWindow, ...]:
    """The schema's equations: where the output's shape is given, or follows from auto_pad, so does the padding."""
    ndim, rule, windows = x.ndim - 2, test.attributes.get("auto_pad", "NOTSET"), []
    strides, dilations = _per_axis(test, "strides", ndim), _per_axis(test, "dilations", ndim)
    extra, pads = test.attributes.get("output_padding", [0] * ndim), _pads(test, ndim)
    shape = test.attributes.get("output_shape")
    if rule in ("SAME_UPPER", "SAME_LOWER"):
        shape = [size * stride for size, stride in zip(x.shape[2:], strides, strict=True)]
    for axis in range(ndim):
        size, kernel = x.shape[2 + axis], w.shape[2 + axis]
        window = TransposedWindow(size, kernel, strides[axis], dilations[axis], *pads[axis], extra[axis])
        if shape is not None:
            window = TransposedWindow(size, kernel, strides[axis], dilations[axis], output_padding=extra[axis])
            total = window.output - shape[axis]
            begin = total // 2 if rule == "SAME_UPPER" else total - total // 2
            # To take away less than nothing is to add to the end.
            pad = (begin, total - begin, extra[axis]) if total >= 0 else (0, 0, extra[axis] - total)
            window = TransposedWindow(size, kernel, strides[axis], dilations[axis], *pad)
        windows.append(window)
    return tuple(windows)


def _quantised(test: NodeTest) -> tuple[Problem, Arrays]:
    """Weights of uint8 and their zero point are both 128 less as int8, which leaves their difference what it is."""
    whole = test.operator == "QLinearConv"
    x, w = test.inputs["x"], test.inputs["w"]
    out_channels = w.shape[0]
    w_zero = np.broadcast_to(test.inputs.get("w_zero_point", np.uint8(0)), (out_channels,))
    shift = 128 if w.dtype == np.uint8 else 0
    arrays = {
        "x": x,
        "w": (w.astype(np.int64) - shift).astype(np.int8),
        "x_zero": test.inputs.get("x_zero_point", np.zeros((), x.dtype)).reshape(()),
        "w_zero": (w_zero.astype(np.int64) - shift).astype(np.int8),
    }
    if whole:
        scales = [test.inputs[f"{name}_scale"] for name in "xwy"]
        arrays["scale"] = np.broadcast_to(scales[0] * scales[1] / scales[2], (out_channels,))
        arrays["y_zero"] = test.inputs["y_zero_point"].reshape(())
    if "B" in test.inputs:
        arrays["b"] = test.inputs["B"]
    windows, rule = _sliding(test, x.shape[2:], w.shape[2:])
    return (
        Problem(
            name_of(Family.CONV_INTEGER, x.ndim - 2),
            windows,
            batch=x.shape[0],
            channels=x.shape[1],
            out_channels=out_channels,
            groups=test.attributes.get("group", 1),
            bias="b" in arrays,
            dtype=x.dtype.name,
            auto_pad=rule,
            result=test.outputs[0].dtype.name,
        ),
        arrays,
    )


def _unpooling(test: NodeTest, operator: str, common: dict[str, Any]) -> tuple[Problem, Arrays]:
    """Indices count in the output that the windows come to, also where a larger output is asked for."""
    x, indices = test.inputs["X"], test.inputs["I"]
    ndim = x.ndim - 2
    steps = list(zip(test.attributes["kernel_shape"], _per_axis(test, "strides", ndim), _pads(test, ndim), strict=True))
    reached = [(size - 1) * stride + kernel - sum(pad) for size, (kernel, stride, pad) in zip(x.shape[2:], steps, strict=True)]
    sizes = test.inputs["output_shape"][2:].tolist() if "output_shape" in test.inputs else reached
    windows = tuple(Window(size, kernel, stride, 1, *pad) for size, (kernel, stride, pad) in zip(sizes, steps, strict=True))
    at = np.unravel_index(indices % math.prod(reached), reached)
    arrays = {"x": x, "indices": np.ravel_multi_index(at, sizes)}
    return Problem(operator, windows, out_channels=x.shape[1], **common), arrays


def onnx_indices(test: NodeTest, problem: Problem, indices: np.ndarray) -> np.ndarray:
    """Indices within each plane as ONNX counts them: over the whole tensor, in a plane by rows or (storage_order) columns."""
    sizes = problem.input_shape[2:]
    if test.attributes.get("storage_order", 0):
        indices = np.ravel_multi_index(np.unravel_index(indices, sizes)[::-1], sizes[::-1])
    planes = np.arange(problem.batch * problem.channels).reshape(problem.batch, problem.channels, *[1] * problem.op.ndim)
    return indices + planes * math.prod(sizes)
