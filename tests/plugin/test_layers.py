"""Layer classes are built like their namesakes in torch.nn, or as much like them as they can be, and called."""

from __future__ import annotations

import pytest

from conformance.problem import OPERATORS
from tests.conftest import TARGETS, Check

torch = pytest.importorskip("torch")

from conformance.errors import UsageError  # noqa: E402 - nothing here runs without PyTorch
from conformance.plugin.layers import is_layer, operator_of_class, read_constructor  # noqa: E402
from conformance.plugin.load import load  # noqa: E402
from conformance.plugin.target import Target  # noqa: E402

LAYERS = str(TARGETS / "layers.py")


def test_a_textbooks_layer_is_conformant_as_it_stands(check: Check) -> None:
    result = check(f"{LAYERS}:Conv2D")
    assert result.status == "conformant", result.findings
    assert result.operators == ("conv2d",)
    assert result.dtypes == ("float32",)
    (line,) = result.not_claimed
    assert "several channels" in line
    assert "a bias" not in line  # it has one, though its constructor is not asked for it


@pytest.mark.parametrize(
    ("name", "operator"),
    [
        ("MyConv1d", "conv1d"),
        ("SameAvgPool2d", "avg_pool2d"),
        ("GlobalMaxPool2d", "adaptive_max_pool2d"),
        ("Unpooling", "max_unpool1d"),
    ],
)
def test_a_right_layer_is_conformant_with_its_gradients(name: str, operator: str, check: Check) -> None:
    result = check(f"{LAYERS}:{name}")
    assert result.status == "conformant", result.findings
    passes = [name for name in ("input_grad", "weight_grad", "bias_grad") if name in OPERATORS[operator].traits.passes]
    assert result.operators == (operator, *(f"{operator}_{name}" for name in passes))


def test_a_layer_that_pads_twice_is_found_out(check: Check) -> None:
    result = check(f"{LAYERS}:PaddedTwiceConv2d")
    assert result.status == "nonconformant"
    assert {finding.operator for finding in result.findings} >= {"conv2d", "conv2d_input_grad"}


def test_weights_of_another_shape_cannot_be_loaded(check: Check) -> None:
    result = check(f"{LAYERS}:TransposedWeightsConv2d")
    assert any("cannot be loaded" in finding.message for finding in result.findings)


def test_the_operator_is_that_of_the_base_or_of_the_name() -> None:
    class Tiny(torch.nn.ConvTranspose2d): ...

    class MyLPPool1D(torch.nn.Module): ...

    class Block(torch.nn.Module): ...

    assert operator_of_class(Tiny) is OPERATORS["conv_transpose2d"]
    assert operator_of_class(MyLPPool1D) is OPERATORS["lp_pool1d"]
    assert operator_of_class(Block) is None
    assert is_layer(Block)
    assert not is_layer(Block())
    assert not is_layer(int)


def test_every_layer_of_torch_is_understood() -> None:
    names = {name.lower(): found for name, found in vars(torch.nn).items() if is_layer(found)}
    for operator in OPERATORS.values():
        if operator.forward and operator.name.replace("_", "") in names:
            found = names[operator.name.replace("_", "")]
            assert operator_of_class(found) is operator
            signature, takes = read_constructor(found, operator)
            assert {"padding", "stride"} & set(takes) or operator.traits.window == "adaptive"
            assert set(signature.names) <= set(takes)


def test_a_parameter_that_means_nothing_is_told() -> None:
    with pytest.raises(UsageError, match="the parameter 'size' of Kernel's constructor") as raised:
        load(Target(f"{LAYERS}:Kernel", operators=("conv2d",)))
    assert "kernel_size" in raised.value.hint


def test_a_layer_without_an_operator_in_its_name_needs_one_said() -> None:
    with pytest.raises(UsageError, match="does not show in its name") as raised:
        load(Target(f"{LAYERS}:Kernel"))
    assert "--operator" in raised.value.hint
