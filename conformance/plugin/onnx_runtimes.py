"""Runtimes of ONNX models as implementations: an ONNX backend (``onnx.backend.base``), or a function of a model.

A backend is a class, or a module such as ``onnxruntime.backend``, with ``prepare(model)`` whose result has ``run(inputs)``. A
function is ``run(model, inputs)`` with the bytes of a model and its inputs by name (``--arrays onnx``). A model is made for
each problem; what a backend says that it has not implemented is skipped and counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from conformance.plugin.claims import Claims
from conformance.plugin.implementation import Implementation, as_arrays
from conformance.plugin.onnx_models import claims_of_models, given_to, model_of, not_expressible, taken_from
from conformance.problem import Problem

_KEPT = 16  # prepared models
_NOT_IMPLEMENTED = ("not_implemented", "not implemented", "notimplemented", "could not find an implementation", "unsupported")
Runner = Callable[[Mapping[str, np.ndarray]], Sequence[Any]]
"""Runs a prepared model on inputs by name."""


def is_backend(found: Any) -> bool:
    """Whether ``found`` is an ONNX backend; ONNX is not imported to find out."""
    bases = found.__mro__ if isinstance(found, type) else ()
    if any(base.__name__ == "Backend" and base.__module__ == "onnx.backend.base" for base in bases):
        return True
    return not isinstance(found, type) and all(callable(getattr(found, name, None)) for name in ("prepare", "supports_device"))


class OnnxRuntime(Implementation):
    """``prepared`` makes a runner of the bytes of a model; it may raise what says that it is not implemented."""

    requires = ("onnx",)
    install = "pip install onnx"

    def __init__(
        self, name: str, prepared: Callable[[bytes], Runner], package: str, claim: Sequence[str], no_claim: Sequence[str]
    ) -> None:
        self.name, self.prepared, self.package = name, prepared, package
        self.summary = "a runtime of ONNX models"
        self._claims = {operator: claims.changed(claim, no_claim) for operator, claims in claims_of_models().items()}
        self._runners: OrderedDict[str, Runner] = OrderedDict()

    @property
    def claims(self) -> Mapping[str, Claims]:
        return self._claims

    def supports(self, problem: Problem) -> str | None:
        reason = super().supports(problem) or not_expressible(problem)
        if reason:
            return reason
        try:
            self._runner(problem)
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            if isinstance(error, NotImplementedError) or any(sign in words.lower() for sign in _NOT_IMPLEMENTED):
                return f"not implemented there: {words.splitlines()[0][:200]}"
        return None  # what else it raises is what the call will raise

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        runner, given = self._runner(problem), given_to(problem, arrays)
        return lambda: (problem, runner(given))

    def fetch(self, result: Any) -> tuple[np.ndarray, ...]:
        problem, outputs = result
        return as_arrays(taken_from(problem, list(as_arrays(tuple(outputs)))))

    def versions(self) -> dict[str, str]:
        names = ("onnx", self.package)
        found = {}
        for name in dict.fromkeys(names):
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                continue
        return found

    def _runner(self, problem: Problem) -> Runner:
        """The runner of a problem's model, made once."""
        key = str(problem)
        if key not in self._runners:
            self._runners[key] = self.prepared(model_of(problem))
            if len(self._runners) > _KEPT:
                self._runners.popitem(last=False)
        return self._runners[key]


def of_backend(backend: Any) -> Callable[[bytes], Runner]:
    """How a backend prepares a model."""

    def prepared(model: bytes) -> Runner:
        import onnx

        ready = backend.prepare(onnx.load_model_from_string(model), device="CPU")
        return lambda given: ready.run(list(given.values()))

    return prepared


def of_function(run: Callable[[bytes, Mapping[str, np.ndarray]], Sequence[Any]]) -> Callable[[bytes], Runner]:
    """How a function of a model and its inputs is used."""
    return lambda model: lambda given: run(model, given)
