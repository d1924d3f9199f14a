"""What is timed: layers of real networks, as cases of real values."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.networks import network_named
from conformance.timing.compare import Workload

REPRESENTATIVE = (
    ("resnet-50", "conv1"),
    ("resnet-50", "layer1.0.conv2"),
    ("resnet-50", "layer1.0.conv3"),
    ("resnet-50", "layer4.0.conv2"),
    ("mobilenet-v2", "block2.depthwise"),
    ("vit", "base16"),
    ("wavenet", "dilated16"),
    ("wavenet", "residual"),
    ("c3d", "conv5a"),
    ("resnet-50", "maxpool"),
    ("resnet-50", "avgpool"),
)
"""One layer of each kind: a large and a small image, 1x1, depthwise, patches, 1-D, 3-D, and two poolings."""


def representative() -> list[Workload]:
    """The layers of :data:`REPRESENTATIVE`."""
    return [_workload(network, label) for network, label in REPRESENTATIVE]


def of_network(name: str) -> list[Workload]:
    """Every distinct layer of one network."""
    return [_workload(name, layer.label) for layer in network_named(name).layers]


def _workload(network: str, label: str) -> Workload:
    (layer,) = (layer for layer in network_named(network).layers if layer.label == label)
    name = f"{network} {label}"
    return Workload(name, Case(layer.problem, "wide", "0", name))
