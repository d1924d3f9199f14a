"""What --workload means: networks and their layers, problems, descriptors and files; passes, batches and data types."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cases.case import parse_case
from conformance.cases.networks import NETWORKS
from conformance.errors import UsageError
from conformance.problem import OPERATORS, Problem, parse_problem, reasons_invalid
from conformance.problem.validity import InvalidProblem
from conformance.timing.workloads import REPRESENTATIVE, of_network, passes_named, representative, workloads

GRADIENTS = ("forward", "input_grad", "weight_grad")


def names(*words: str) -> list[str]:
    return [one.name for one in workloads(words)]


def problems(*words: str, **changes: object) -> list[Problem]:
    return [one.case.problem for one in workloads(words, **changes)]  # type: ignore[arg-type]


def test_the_default_is_the_representative_layers() -> None:
    assert workloads() == workloads([]) == workloads(["representative"]) == representative()
    assert names() == [f"{network} {label}" for network, label in REPRESENTATIVE]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_means_each_of_its_layers_on_real_values(name: str) -> None:
    found = workloads([name])
    assert found == of_network(name)
    assert [one.name for one in found] == [f"{name} {layer.label}" for layer in NETWORKS[name].layers]
    for one, layer in zip(found, NETWORKS[name].layers, strict=True):
        assert (one.case.problem, one.case.kind, one.case.origin) == (layer.problem, "wide", one.name)


def test_a_network_is_known_however_it_is_written() -> None:
    assert workloads(["resnet50"]) == workloads(["ResNet_50"]) == workloads(["resnet-50"])


def test_layers_are_chosen_by_label_or_pattern() -> None:
    assert names("resnet50:conv1") == ["resnet-50 conv1"]
    depthwise = names("mobilenet-v2:*depthwise")
    assert len(depthwise) == 10
    assert all(name.endswith("depthwise") for name in depthwise)
    assert {name.split()[0] for name in names("mobilenet-*:*depthwise")} == {"mobilenet-v2", "mobilenet-v3-large"}
    assert {name.split()[0] for name in names("deepbench*")} == {"deepbench", "deepbench-device", "deepbench-server"}


def test_words_add_up_and_a_problem_comes_once() -> None:
    """ResNeXt has the stem and the pools of ResNet."""
    both = names("resnet-50", "resnext-50", "resnet50:conv1")
    assert both[: len(of_network("resnet-50"))] == [one.name for one in of_network("resnet-50")]
    assert not {"resnext-50 conv1", "resnext-50 maxpool"} & set(both)
    assert len(set(problems("resnet-50", "resnext-50"))) == len(both)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("conv2d c4 i8 o4 k3 p1", "conv2d f32 n1 c4 i8x8 o4 k3x3 p1x1"),
        ("mb1ic4ih8oc4oh8kh3ph1", "conv2d f32 n1 c4 i8x8 o4 k3x3 p1x1"),
        ('mb1ic4ih8oc4oh8kh3ph1n"net:first"', "net:first"),
    ],
)
def test_a_problem_is_meant_by_its_text_or_its_descriptor(word: str, name: str) -> None:
    (one,) = workloads([word])
    assert one.name == name
    assert one.case.problem == parse_problem("conv2d c4 i8 o4 k3 p1")
    assert one.case.kind == "wide"


def test_no_two_workloads_have_one_name() -> None:
    words = ['mb1ic4ih8oc4kh3n"net:first"', 'mb2ic4ih8oc4kh3n"net:first"', "conv2d i8 k3 values=ones:1", "conv2d i8 k3"]
    assert len(set(names(*words))) == len(words)
    every = names(*NETWORKS)
    assert len(set(every)) == len(every)


def test_values_are_those_of_the_text_or_real_ones_where_the_format_has_them() -> None:
    assert str(workloads(["conv2d i8 k3 values=ones:7"])[0].case).endswith("values=ones:7")
    assert workloads(["conv2d int8 i8 k3"])[0].case.kind == "integers"
    assert workloads(["conv_integer2d i8 k3"])[0].case.kind == "integers"
    assert workloads(["conv2d i8 k3"], dtype="int32")[0].case.kind == "integers"
    assert workloads(["conv2d complex64 i8 k3"])[0].case.kind == "wide"


def test_every_case_is_made_again_from_its_text() -> None:
    for one in workloads(["representative", "mobilenet-v3-large"], passes=GRADIENTS, dtype="f16", batch=2):
        again = parse_case(str(one.case))
        assert (again.problem, again.kind, again.seed) == (one.case.problem, one.case.kind, one.case.seed)


def test_a_file_means_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "my nets.txt"
    path.write_text('first: conv2d i8 k3\nmb1ic4ih8oc4oh8kh3ph1n"net:second"\nmax_pool2d i8 k2\n', encoding="utf-8")
    assert names(str(path)) == [f"{path} first", f"{path} net:second", f"{path} line3"]
    assert names(f"{path}:net*") == [f"{path} net:second"]
    with pytest.raises(UsageError, match=r"my nets.txt has no layer 'frist' \(did you mean 'first'"):
        workloads([f"{path}:frist"])


def test_a_file_that_is_named_as_a_network_needs_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("unet").write_text("mine: conv2d i8 k3\n", encoding="utf-8")
    assert len(names("unet")) == len(NETWORKS["unet"].layers)
    assert names("./unet") == ["./unet mine"]


def test_passes_are_those_that_the_operator_has() -> None:
    found = workloads(["vgg-16:conv1_1", "vgg-16:pool1"], passes=GRADIENTS)
    assert [one.name for one in found] == [
        "vgg-16 conv1_1",
        "vgg-16 conv1_1 input_grad",
        "vgg-16 conv1_1 weight_grad",
        "vgg-16 pool1",
        "vgg-16 pool1 input_grad",
    ]
    assert [one.case.problem.bias for one in found] == [True, False, False, False, False]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_has_all_its_passes(name: str) -> None:
    for one in workloads([name], passes=GRADIENTS):
        assert reasons_invalid(one.case.problem) == [], one.name
    convolutions = [layer for layer in NETWORKS[name].layers if not layer.problem.op.is_pool]
    assert len(workloads([name], passes=["weight_grad"])) == len({layer.problem.replace(bias=False) for layer in convolutions})


def test_a_gradient_that_is_given_stays_what_it_is() -> None:
    word = "conv2d_weight_grad i8 k3"
    assert problems(word) == problems(word, passes=["input_grad"]) == [parse_problem(word)]


def test_batch_and_data_type_are_those_that_are_asked_for() -> None:
    found = problems("resnet-50", "deepbench:row1", batch=3, dtype="f64")
    assert {(problem.batch, problem.dtype) for problem in found} == {(3, "float64")}
    assert [problem.batch for problem in problems("deepbench:row1")] == [4]
    (single,) = problems("conv2d i8 k3 unbatched", batch=2)
    assert (single.batch, single.unbatched) == (2, False)


def test_what_has_no_such_data_type_is_left_out() -> None:
    assert {problem.op.base for problem in problems("resnet-50", dtype="int8")} == {"conv2d", "max_pool2d"}


@pytest.mark.parametrize(
    ("words", "changes", "told"),
    [
        (["resnet-51"], {}, "the workload 'resnet-51' is not known (did you mean resnet-50"),
        (["representativ"], {}, "did you mean 'representative'?"),
        (["zzz"], {}, "the networks are c3d, "),
        (["resnet50:conv2"], {}, "resnet-50 has no layer 'conv2' (did you mean 'conv1'?)"),
        (["vit:zzz"], {}, "it has base16, base32, large16, huge14"),
        (["deepbench:zzz"], {}, "row12, …"),
        (["mobilenet-*:zzz"], {}, "no layer of mobilenet-v2, mobilenet-v3-large is called 'zzz'"),
        ([""], {}, "is no name, problem or file"),
        (["a\0b"], {}, "is no name, problem or file"),
        (["conv2d " + "x" * 2000], {}, "is no name, problem or file"),
        (["nothing/here"], {}, "the workload nothing/here cannot be read: No such file or directory"),
        (["nothing.txt"], {}, "the workload nothing.txt cannot be read: No such file or directory"),
        (["/"], {}, "cannot be read: Is a directory"),
        (["conv2d i8"], {}, "the kernel (k…) is missing"),
        (["conv2d i8 k9"], {}, "the problem is invalid"),
        (["con2d i8 k3"], {}, "the operator 'con2d' is not known"),
        (["mb1ic3ih9oc4kh3zz1"], {}, "'zz1' in the descriptor"),
        (["conv2d i3x3 k2x2 values=known:corr2d"], {}, "known values are for checks, not for timing"),
        (["vgg-16"], {"passes": ["backward"]}, "the pass 'backward' is not known"),
        (["vgg-16"], {"passes": ["weight_gard"]}, "did you mean 'weight_grad'?"),
        (["vgg-16:pool1"], {"passes": ["weight_grad"]}, "nothing of vgg-16:pool1 has weight_grad (max_pool2d has"),
        (["vgg-16:pool1"], {"dtype": "complex64"}, "nothing of vgg-16:pool1 has forward in complex64"),
        (["vgg-16"], {"dtype": "f33"}, "the data type 'f33' is not known"),
        (["vgg-16"], {"batch": 0}, "with a batch of 0 there is nothing to time"),
        (["vgg-16"], {"batch": 10**6}, "vgg-16 conv1_1: forward, batch 1000000, float32: the tensor x"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_told_with_what_to_type(words: list[str], changes: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as raised:
        workloads(words, **changes)  # type: ignore[arg-type]
    assert told in str(raised.value)
    assert raised.value.hint or isinstance(raised.value, InvalidProblem)  # whose reasons say what is allowed
    assert len(str(raised.value)) < 1500


def test_passes_are_named_with_commas_and_come_once() -> None:
    assert passes_named("forward, input_grad,forward") == ("forward", "input_grad")
    assert all(passes_named(operator.pass_name) == (operator.pass_name,) for operator in OPERATORS.values())
