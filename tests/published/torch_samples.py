"""PyTorch's own sample inputs, with its results and gradients, as plain data.

Made in a process of its own: to import torch.testing._internal changes settings of torch.backends and of Hypothesis for
the whole process.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DTYPES = ("float32", "float64", "complex64")
SIGNATURES = {
    "conv": ("x", "w", "b", "stride", "padding", "dilation", "groups"),
    "conv_transpose": ("x", "w", "b", "stride", "padding", "output_padding", "groups", "dilation"),
    "max_pool": ("x", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
    "avg_pool": ("x", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    "lp_pool": ("x", "norm_type", "kernel_size", "stride", "ceil_mode"),
    "adaptive_max_pool": ("x", "output_size", "return_indices"),
    "adaptive_avg_pool": ("x", "output_size"),
    "max_unpool": ("x", "indices", "kernel_size", "stride", "padding", "output_size"),
}
"""The arguments of each torch.nn.functional function, by the names of :mod:`conformance.problem` where they are tensors."""
_OURS = {"input": "x", "weight": "w", "bias": "b"}


def collected(path: Path) -> dict[str, Any]:
    """``samples``, a list for each (function, dtype), and ``others``, the functions that have no signature here."""
    code = f"from tests.published.torch_samples import write; write({str(path)!r})"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=True)
    with path.open("rb") as file:
        return pickle.load(file)


def write(path: str) -> None:
    import torch
    from torch.testing._internal.common_methods_invocations import op_db  # expecttest must be installed
    from torch.testing._internal.common_modules import module_db

    torch.manual_seed(0)
    torch.set_num_threads(1)  # more only wait for each other on tensors so small
    samples: dict[tuple[str, str], list[dict[str, Any]]] = {}
    others = set()
    for info in op_db:
        name = info.name.removeprefix("nn.functional.")
        if "conv" not in name and "pool" not in name:
            continue
        if name[:-2] not in SIGNATURES:
            others.add(name)
            continue
        for dtype in _of(info.supported_dtypes("cpu")):
            given = info.sample_inputs("cpu", getattr(torch, dtype), requires_grad=True)
            calls = ((sample.input, *sample.args, sample.kwargs) for sample in given)
            samples.setdefault((name, dtype), []).extend(_sample(name, *call) for call in calls)
    for info in module_db:
        name = info.module_cls.__name__.lower().replace("lppool", "lp_pool")
        if name[:-2] == "lp_pool":  # it has no samples as a function
            for dtype in ("float32", "float64"):
                found = _of_module(info, getattr(torch, dtype))
                samples.setdefault((name, dtype), []).extend(_sample(name, *call) for call in found)
    with open(path, "wb") as file:
        pickle.dump({"samples": samples, "others": others}, file)


def _of(dtypes: Any) -> list[str]:
    return [name for name in DTYPES if any(str(dtype) == f"torch.{name}" for dtype in dtypes)]


def _of_module(info: Any, dtype: Any) -> Iterator[tuple[Any, ...]]:
    for sample in info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=True, training=True):
        made = sample.constructor_input
        yield (*sample.forward_input.args, *made.args, made.kwargs)


def _sample(name: str, *call: Any) -> dict[str, Any]:
    """What a function is called with, what it returns and, of real numbers, its gradients for a ``dy`` of small integers."""
    import torch

    *positional, keywords = call
    given = dict(zip(SIGNATURES[name[:-2]], positional, strict=False))
    given |= {_OURS.get(key, key): value for key, value in keywords.items()}
    tensors = {key: value for key, value in given.items() if isinstance(value, torch.Tensor)}
    results = getattr(torch.nn.functional, name)(*positional, **keywords)
    y, *indices = results if isinstance(results, tuple) else (results,)
    sample = {
        "arguments": {key: _plain(value) for key, value in given.items() if key not in tensors and value is not None},
        "arrays": {key: value.detach().numpy().copy() for key, value in tensors.items()},
        "y": y.detach().numpy().copy(),
        "indices": [index.numpy().copy() for index in indices],
    }
    wanted = {key: value for key, value in tensors.items() if value.requires_grad}
    if y.dtype == torch.float64 and wanted:
        dy = torch.randint(-4, 5, y.shape).to(y.dtype)
        gradients = torch.autograd.grad(y, list(wanted.values()), dy)
        sample["dy"] = dy.numpy()
        sample["gradients"] = {key: g.numpy().copy() for key, g in zip(wanted, gradients, strict=True)}
    return sample


def _plain(value: Any) -> Any:
    """Numbers, texts and tuples of them."""
    return tuple(value) if isinstance(value, (list, tuple)) else value
