"""The layers of real networks: valid, distinct, and of the shapes that feed one another."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from conformance.cases import networks
from conformance.cases.networks import NETWORKS, OUTSIDE, Layer, Network, layers, network_named
from conformance.cases.networks.table import sources_table
from conformance.errors import UsageError
from conformance.problem import Family, Problem, reasons_invalid

each_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
LISTS = ("deepbench", "deepbench-device", "deepbench-server", "vit")
DOC = Path(__file__).parent.parent.parent / "docs" / "workloads.md"


def of_family(name: str, family: Family) -> list[Problem]:
    return [layer.problem for layer in layers(name) if layer.problem.op.family is family]


@each_network
def test_every_layer_is_a_valid_forward_problem_of_one_item_but_for_deepbench(network: Network) -> None:
    for layer in network.layers:
        assert reasons_invalid(layer.problem) == [], layer.label
        assert layer.problem.batch == 1 or network.name.startswith("deepbench")
        assert layer.problem.dtype == "float32"
        assert layer.problem.op.forward
        assert not layer.has_values


@each_network
def test_no_layer_and_no_label_is_there_twice(network: Network) -> None:
    assert len({layer.problem for layer in network.layers}) == len(network.layers)
    assert len({layer.label for layer in network.layers}) == len(network.layers)


@each_network
def test_a_layer_reads_what_the_one_before_it_makes(network: Network) -> None:
    made: dict[str, Layer] = {}
    for layer in network.layers:
        if layer.after != OUTSIDE:
            assert made[layer.after].problem.output_shape == layer.problem.input_shape, layer.label
        made[layer.label] = layer
    assert network.layers[0].after == OUTSIDE


def test_few_layers_read_what_no_listed_layer_makes() -> None:
    outside = {
        name: [layer.label for layer in network.layers if layer.after == OUTSIDE]
        for name, network in NETWORKS.items()
        if network.whole
    }
    several = {name: labels for name, labels in outside.items() if len(labels) > 1}
    assert several == {
        "unet": ["down1.conv1", "up4.conv1", "up3.conv1", "up2.conv1", "up1.conv1"],
        "yolo-v3": ["layer0", "layer87", "layer99"],
    }


def test_what_is_no_network_is_a_list_whose_layers_do_not_read_one_another() -> None:
    assert tuple(name for name, network in NETWORKS.items() if not network.whole) == LISTS
    for name in LISTS:
        assert all(layer.after == OUTSIDE and layer.repeats == 1 for layer in layers(name)), name


@each_network
def test_every_network_names_its_title_and_its_source(network: Network) -> None:
    assert network.title
    assert "arXiv 1" in network.source or "arXiv 2" in network.source or "github.com" in network.source
    assert network_named(network.name) is network
    assert layers(network.name) is network.layers


def test_every_file_beside_the_module_is_a_network() -> None:
    assert {f"{name}.txt" for name in NETWORKS} == {path.name for path in Path(networks.__file__).parent.glob("*.txt")}
    assert len(NETWORKS) >= 17


def test_the_document_has_the_table_that_follows_from_the_files() -> None:
    assert sources_table() in DOC.read_text(encoding="utf-8"), "write it with python -m conformance.cases.networks.table"


@pytest.mark.parametrize("name", ["resnet50", "ResNet-50", "RESNET_50", "resnet-50"])
def test_a_network_has_its_name_however_it_is_written(name: str) -> None:
    assert network_named(name).name == "resnet-50"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("mobilenet", "did you mean mobilenet-v2 or mobilenet-v3-large?"),
        ("resnet-51", "did you mean resnet-50"),
        ("yolo", "did you mean yolo-v3?"),
        ("whisper", "did you mean whisper-base or whisper-large-v3?"),
    ],
)
def test_an_unknown_network_names_those_that_are_like_it(name: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        network_named(name)
    assert told in str(raised.value)


def test_an_unknown_network_that_is_like_none_names_all() -> None:
    with pytest.raises(UsageError) as raised:
        network_named("zzz")
    assert all(name in str(raised.value) for name in NETWORKS)


@pytest.mark.parametrize(
    ("name", "total", "dense"),
    [
        # what torchvision gives for its model, all linear layers counted; of ConvNeXt the classifier alone is one here
        ("resnet-50", 4_089_184_256, 2048 * 1000),
        ("resnext-50", 4_230_479_872, 2048 * 1000),
        ("vgg-16", 15_470_264_320, 25088 * 4096 + 4096 * 4096 + 4096 * 1000),
        ("mobilenet-v2", 300_774_272, 1280 * 1000),
        ("mobilenet-v3-large", 216_589_760, 960 * 1280 + 1280 * 1000),
        ("efficientnet-b0", 385_814_752, 1280 * 1000),
        ("convnext-tiny", 4_455_531_264, 768 * 1000),
    ],
)
def test_a_classifier_has_the_multiply_adds_of_its_model_definition(name: str, total: int, dense: int) -> None:
    assert network_named(name).multiply_adds + dense == total


def test_the_detector_has_the_65_86_billion_operations_of_its_project_page() -> None:
    assert round(2 * network_named("yolo-v3").multiply_adds / 1e9, 2) == 65.86


def test_the_video_network_has_38_5_billion_multiply_adds() -> None:
    assert round(network_named("c3d").multiply_adds / 1e9, 1) == 38.5


def test_resnet_50_has_23_distinct_convolutions() -> None:
    assert len(of_family("resnet-50", Family.CONV)) == 23


def test_resnext_differs_from_resnet_in_its_grouped_layers() -> None:
    grouped = [problem for problem in of_family("resnext-50", Family.CONV) if problem.groups > 1]
    assert {(problem.groups, problem.kernel) for problem in grouped} == {(32, (3, 3))}
    assert grouped[0].channels // grouped[0].groups == 4  # the 4 of 32x4d


@pytest.mark.parametrize(
    ("name", "count"), [("mobilenet-v2", 10), ("mobilenet-v3-large", 12), ("efficientnet-b0", 12), ("convnext-tiny", 4)]
)
def test_grouped_layers_of_mobile_networks_are_depthwise(name: str, count: int) -> None:
    grouped = {layer.label: layer.problem for layer in layers(name) if layer.problem.groups > 1}
    assert all(label.endswith("depthwise") for label in grouped)
    assert all(problem.groups == problem.channels == problem.out_channels for problem in grouped.values())
    assert len(grouped) == count


@pytest.mark.parametrize("name", ["mobilenet-v3-large", "efficientnet-b0"])
def test_squeeze_and_excitation_gives_each_channel_a_factor(name: str) -> None:
    found = {layer.label: layer for layer in layers(name)}
    for label, layer in found.items():
        if label.endswith(".squeeze"):
            assert layer.problem.output_shape[2:] == (1, 1)
        if label.endswith(".restore"):
            reduced = found[layer.after]
            assert layer.problem.output_shape == reduced.problem.input_shape


def test_every_head_of_the_detector_gives_three_boxes_of_85_numbers() -> None:
    heads = [problem for problem in of_family("yolo-v3", Family.CONV) if problem.bias]
    assert [problem.output_shape for problem in heads] == [(1, 3 * 85, size, size) for size in (13, 26, 52)]


@pytest.mark.parametrize(("name", "mels", "width"), [("whisper-base", 80, 512), ("whisper-large-v3", 128, 1280)])
def test_the_speech_encoder_reads_30_seconds_as_1500_vectors(name: str, mels: int, width: int) -> None:
    first, second = of_family(name, Family.CONV)
    assert first.input_shape == (1, mels, 3000)
    assert second.output_shape == (1, width, 1500)


def test_deepbench_has_its_tables_with_their_batch_sizes() -> None:
    """94, 107 and 16 rows, of which some come twice."""
    assert [(name, len(layers(name)), layers(name)[-1].label) for name in LISTS[:3]] == [
        ("deepbench", 90, "row94"),
        ("deepbench-device", 15, "row16"),
        ("deepbench-server", 103, "row107"),
    ]
    batches = {name: {layer.problem.batch for layer in layers(name)} for name in LISTS[:3]}
    assert batches == {"deepbench": {4, 8, 16, 32}, "deepbench-device": {1}, "deepbench-server": {1, 2, 4}}


def test_the_u_net_halves_and_doubles_as_its_figure_shows() -> None:
    found = {layer.label: layer.problem for layer in layers("unet")}
    assert found["classes"].output_shape == (1, 2, 388, 388)
    assert [problem.input_shape[2] for problem in of_family("unet", Family.MAX_POOL)] == [568, 280, 136, 64]
    for upper, below in ((4, "bottom.conv2"), (3, "up4.conv2"), (2, "up3.conv2"), (1, "up2.conv2")):
        _, channels, *sizes = found[below].output_shape
        assert found[f"up{upper}.conv1"].input_shape == (1, channels, *(2 * size for size in sizes))
        assert found[f"down{upper}.conv2"].out_channels == channels // 2


def test_the_dilated_stack_is_causal_and_sees_1024_samples() -> None:
    dilated = [layer.problem for layer in layers("wavenet") if layer.label.startswith("dilated")]
    assert [problem.dilation for problem in dilated] == [(2**power,) for power in range(10)]
    assert all(problem.padding == ((problem.dilation[0], 0),) for problem in dilated)
    assert 1 + sum(problem.windows[0].extent - 1 for problem in dilated) == 1024


def test_the_video_network_ends_in_8192_features() -> None:
    pools = of_family("c3d", Family.MAX_POOL)
    assert math.prod(pools[-1].output_shape) == 8192
    assert [problem.kernel for problem in pools] == [(1, 2, 2)] + [(2, 2, 2)] * 4
    assert len(of_family("c3d", Family.CONV)) == 7


def test_a_patch_embedding_has_one_output_for_each_patch() -> None:
    patches = {layer.label: math.prod(layer.problem.output_shape[2:]) for layer in layers("vit")}
    assert patches == {"base16": 14 * 14, "base32": 7 * 7, "large16": 14 * 14, "huge14": 16 * 16}
