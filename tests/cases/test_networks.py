"""The layers of real networks: valid, distinct, and of the shapes that feed one another."""

from __future__ import annotations

import math

import pytest

from conformance.cases.networks import NETWORKS, OUTSIDE, Layer, Network, layers, network_named
from conformance.errors import UsageError
from conformance.problem import Family, Problem, reasons_invalid

each_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))


def of_family(name: str, family: Family) -> list[Problem]:
    return [layer.problem for layer in layers(name) if layer.problem.op.family is family]


def multiply_adds(name: str, repeats: dict[str, int]) -> int:
    """Of the whole network's convolutions, each listed layer as often as the model has it."""
    return sum(layer.problem.work * repeats.get(layer.label, 1) for layer in layers(name) if not layer.problem.op.is_pool)


@each_network
def test_every_layer_is_a_valid_problem_of_one_item(network: Network) -> None:
    for layer in network.layers:
        assert reasons_invalid(layer.problem) == [], layer.label
        assert layer.problem.batch == 1
        assert layer.problem.dtype == "float32"


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
    outside = {name: [layer.label for layer in network.layers if layer.after == OUTSIDE] for name, network in NETWORKS.items()}
    assert outside == {
        "resnet-50": ["conv1"],
        "vgg-16": ["conv1_1"],
        "mobilenet-v2": ["stem"],
        "unet": ["down1.conv1", "up4.conv1", "up3.conv1", "up2.conv1", "up1.conv1"],
        "wavenet": ["causal"],
        "c3d": ["conv1a"],
        "vit": ["base16", "base32", "large16", "huge14"],
    }


@each_network
def test_every_network_names_its_paper(network: Network) -> None:
    assert "arXiv 1" in network.source or "arXiv 2" in network.source
    assert network_named(network.name) is network
    assert layers(network.name) is network.layers


def test_an_unknown_network_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as raised:
        network_named("resnet50")
    assert all(name in str(raised.value) for name in NETWORKS)


def test_resnet_50_has_23_distinct_convolutions_and_4_1_billion_multiply_adds() -> None:
    """torchvision gives 4.089 GMAC for resnet50, of which 2 million are its fully connected layer."""
    assert len(of_family("resnet-50", Family.CONV)) == 23
    stages = {1: 3, 2: 4, 3: 6, 4: 3}
    repeats = {"layer1.0.conv2": 3, "layer1.0.conv3": 4}  # the fourth is the first block's downsampling
    repeats |= {f"layer{stage}.1.conv1": blocks - 1 for stage, blocks in stages.items()}
    repeats |= {f"layer{stage}.1.conv2": blocks - 1 for stage, blocks in stages.items() if stage > 1}
    repeats |= {f"layer{stage}.0.conv3": blocks for stage, blocks in stages.items() if stage > 1}
    assert multiply_adds("resnet-50", repeats) + 2048 * 1000 == 4_089_184_256


def test_vgg_16_has_15_3_billion_multiply_adds() -> None:
    """torchvision gives 15.470 GMAC for vgg16, of which 123.6 million are its fully connected layers."""
    repeats = {"conv3_2": 2, "conv4_2": 2, "conv5_1": 3}
    dense = 25088 * 4096 + 4096 * 4096 + 4096 * 1000
    assert multiply_adds("vgg-16", repeats) + dense == 15_470_264_320


def test_mobilenet_v2_has_300_million_multiply_adds() -> None:
    """The paper's table 4 says 300M; torchvision gives 300.8 million with the fully connected layer."""
    blocks = {3: (1, 1, 1), 5: (2, 2, 2), 8: (3, 3, 3), 12: (2, 2, 2), 15: (2, 2, 2)}
    repeats = {
        f"block{block}.{part}": count
        for block, counts in blocks.items()
        for part, count in zip(("expand", "depthwise", "project"), counts, strict=True)
    }
    # The expansion in front of a block that narrows or strides has the shape of the block's before it.
    for block in (3, 5, 8, 12, 15):
        repeats[f"block{block}.expand"] += 1
    repeats["block8.depthwise"] += 1  # block 11 strides by 1, block 17 too
    repeats["block15.depthwise"] += 1
    assert multiply_adds("mobilenet-v2", repeats) + 1280 * 1000 == 300_774_272
    depthwise = [problem for problem in of_family("mobilenet-v2", Family.CONV) if problem.groups > 1]
    assert len(depthwise) == 10
    assert all(problem.groups == problem.channels == problem.out_channels for problem in depthwise)


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
