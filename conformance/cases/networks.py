"""The layers of real networks: shapes that users run, among them many that no covering set would think of.

Each is written in the text form of a problem, batch 1, without layers of a shape that the network already has. A layer
reads the output of the one above it; ``label < other: ...`` reads that of ``other`` instead, and ``label < outside: ...``
a tensor that no listed layer makes (the image, a concatenation, an upsampling).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from conformance.errors import UsageError
from conformance.problem import Problem, parse_problem

OUTSIDE = "outside"
_LINE = re.compile(r"(?P<label>[\w.]+)(?: < (?P<after>[\w.]+))?: (?P<text>.+)")


@dataclass(frozen=True, slots=True)
class Layer:
    """``text`` is its problem's; ``after`` the label of the layer that it reads, or ``outside``."""

    label: str
    text: str
    after: str

    @property
    def problem(self) -> Problem:
        return parse_problem(self.text)


@dataclass(frozen=True, slots=True)
class Network:
    """``source`` is the paper, and the model definition where the paper leaves something open."""

    name: str
    source: str
    layers: tuple[Layer, ...]


def network_named(name: str) -> Network:
    """The network called ``name``, for example ``resnet-50``."""
    try:
        return NETWORKS[name]
    except KeyError:
        raise UsageError(f"the network {name!r} is not known", hint=f"known are {', '.join(NETWORKS)}") from None


def layers(network: str) -> tuple[Layer, ...]:
    """The layers of the network called ``network``."""
    return network_named(network).layers


def _network(name: str, source: str, lines: str) -> Network:
    found: list[Layer] = []
    for line in lines.strip().splitlines():
        match = _LINE.fullmatch(line.strip())
        assert match is not None, line
        before = found[-1].label if found else OUTSIDE
        found.append(Layer(match["label"], match["text"], match["after"] or before))
    return Network(name, source, tuple(found))


_RESNET_50 = _network(
    "resnet-50",
    "He, Zhang, Ren, Sun, arXiv 1512.03385, with the stride in the 3x3 layer as in torchvision.models.resnet50",
    """
    conv1: conv2d c3 i224 o64 k7 s2 p3
    maxpool: max_pool2d c64 i112 k3 s2 p1
    layer1.0.conv1: conv2d c64 i56 o64 k1
    layer1.0.conv2: conv2d c64 i56 o64 k3 p1
    layer1.0.conv3: conv2d c64 i56 o256 k1
    layer1.1.conv1: conv2d c256 i56 o64 k1
    layer2.0.conv1 < layer1.0.conv3: conv2d c256 i56 o128 k1
    layer2.0.conv2: conv2d c128 i56 o128 k3 s2 p1
    layer2.0.conv3: conv2d c128 i28 o512 k1
    layer2.0.downsample < layer1.0.conv3: conv2d c256 i56 o512 k1 s2
    layer2.1.conv1: conv2d c512 i28 o128 k1
    layer2.1.conv2: conv2d c128 i28 o128 k3 p1
    layer3.0.conv1 < layer2.0.conv3: conv2d c512 i28 o256 k1
    layer3.0.conv2: conv2d c256 i28 o256 k3 s2 p1
    layer3.0.conv3: conv2d c256 i14 o1024 k1
    layer3.0.downsample < layer2.0.conv3: conv2d c512 i28 o1024 k1 s2
    layer3.1.conv1: conv2d c1024 i14 o256 k1
    layer3.1.conv2: conv2d c256 i14 o256 k3 p1
    layer4.0.conv1 < layer3.0.conv3: conv2d c1024 i14 o512 k1
    layer4.0.conv2: conv2d c512 i14 o512 k3 s2 p1
    layer4.0.conv3: conv2d c512 i7 o2048 k1
    layer4.0.downsample < layer3.0.conv3: conv2d c1024 i14 o2048 k1 s2
    layer4.1.conv1: conv2d c2048 i7 o512 k1
    layer4.1.conv2: conv2d c512 i7 o512 k3 p1
    avgpool < layer4.0.conv3: avg_pool2d c2048 i7 k7
    """,
)

_VGG_16 = _network(
    "vgg-16",
    "Simonyan, Zisserman, arXiv 1409.1556, configuration D",
    """
    conv1_1: conv2d c3 i224 o64 k3 p1 bias
    conv1_2: conv2d c64 i224 o64 k3 p1 bias
    pool1: max_pool2d c64 i224 k2 s2
    conv2_1: conv2d c64 i112 o128 k3 p1 bias
    conv2_2: conv2d c128 i112 o128 k3 p1 bias
    pool2: max_pool2d c128 i112 k2 s2
    conv3_1: conv2d c128 i56 o256 k3 p1 bias
    conv3_2: conv2d c256 i56 o256 k3 p1 bias
    pool3: max_pool2d c256 i56 k2 s2
    conv4_1: conv2d c256 i28 o512 k3 p1 bias
    conv4_2: conv2d c512 i28 o512 k3 p1 bias
    pool4: max_pool2d c512 i28 k2 s2
    conv5_1: conv2d c512 i14 o512 k3 p1 bias
    pool5: max_pool2d c512 i14 k2 s2
    """,
)

_MOBILENET_V2 = _network(
    "mobilenet-v2",
    "Sandler et al., arXiv 1801.04381, table 2; padding as in torchvision.models.mobilenet_v2",
    """
    stem: conv2d c3 i224 o32 k3 s2 p1
    block1.depthwise: conv2d c32 i112 o32 k3 p1 g32
    block1.project: conv2d c32 i112 o16 k1
    block2.expand: conv2d c16 i112 o96 k1
    block2.depthwise: conv2d c96 i112 o96 k3 s2 p1 g96
    block2.project: conv2d c96 i56 o24 k1
    block3.expand: conv2d c24 i56 o144 k1
    block3.depthwise: conv2d c144 i56 o144 k3 p1 g144
    block3.project: conv2d c144 i56 o24 k1
    block4.depthwise < block3.expand: conv2d c144 i56 o144 k3 s2 p1 g144
    block4.project: conv2d c144 i28 o32 k1
    block5.expand: conv2d c32 i28 o192 k1
    block5.depthwise: conv2d c192 i28 o192 k3 p1 g192
    block5.project: conv2d c192 i28 o32 k1
    block7.depthwise < block5.expand: conv2d c192 i28 o192 k3 s2 p1 g192
    block7.project: conv2d c192 i14 o64 k1
    block8.expand: conv2d c64 i14 o384 k1
    block8.depthwise: conv2d c384 i14 o384 k3 p1 g384
    block8.project: conv2d c384 i14 o64 k1
    block11.project < block8.depthwise: conv2d c384 i14 o96 k1
    block12.expand: conv2d c96 i14 o576 k1
    block12.depthwise: conv2d c576 i14 o576 k3 p1 g576
    block12.project: conv2d c576 i14 o96 k1
    block14.depthwise < block12.expand: conv2d c576 i14 o576 k3 s2 p1 g576
    block14.project: conv2d c576 i7 o160 k1
    block15.expand: conv2d c160 i7 o960 k1
    block15.depthwise: conv2d c960 i7 o960 k3 p1 g960
    block15.project: conv2d c960 i7 o160 k1
    block17.project < block15.depthwise: conv2d c960 i7 o320 k1
    head: conv2d c320 i7 o1280 k1
    avgpool: avg_pool2d c1280 i7 k7
    """,
)

_UNET = _network(
    "unet",
    # Its up-convolutions are no convolutions of the input and left out: each up.conv1 reads what they are concatenated to.
    "Ronneberger, Fischer, Brox, arXiv 1505.04597, figure 1",
    """
    down1.conv1: conv2d c1 i572 o64 k3 bias
    down1.conv2: conv2d c64 i570 o64 k3 bias
    pool1: max_pool2d c64 i568 k2 s2
    down2.conv1: conv2d c64 i284 o128 k3 bias
    down2.conv2: conv2d c128 i282 o128 k3 bias
    pool2: max_pool2d c128 i280 k2 s2
    down3.conv1: conv2d c128 i140 o256 k3 bias
    down3.conv2: conv2d c256 i138 o256 k3 bias
    pool3: max_pool2d c256 i136 k2 s2
    down4.conv1: conv2d c256 i68 o512 k3 bias
    down4.conv2: conv2d c512 i66 o512 k3 bias
    pool4: max_pool2d c512 i64 k2 s2
    bottom.conv1: conv2d c512 i32 o1024 k3 bias
    bottom.conv2: conv2d c1024 i30 o1024 k3 bias
    up4.conv1 < outside: conv2d c1024 i56 o512 k3 bias
    up4.conv2: conv2d c512 i54 o512 k3 bias
    up3.conv1 < outside: conv2d c512 i104 o256 k3 bias
    up3.conv2: conv2d c256 i102 o256 k3 bias
    up2.conv1 < outside: conv2d c256 i200 o128 k3 bias
    up2.conv2: conv2d c128 i198 o128 k3 bias
    up1.conv1 < outside: conv2d c128 i392 o64 k3 bias
    up1.conv2: conv2d c64 i390 o64 k3 bias
    classes: conv2d c64 i388 o2 k1 bias
    """,
)

_WAVENET = _network(
    "wavenet",
    # The filter of each gated unit; its gate has the same shape. The paper leaves the widths open.
    "van den Oord et al., arXiv 1609.03499: kernel 2, dilations 1 to 512, one second at 16 kHz; 32 and 512 channels",
    """
    causal: conv1d c256 i16000 o32 k2 p1:0 bias
    dilated1: conv1d c32 i16000 o32 k2 p1:0 bias
    dilated2: conv1d c32 i16000 o32 k2 p2:0 d2 bias
    dilated4: conv1d c32 i16000 o32 k2 p4:0 d4 bias
    dilated8: conv1d c32 i16000 o32 k2 p8:0 d8 bias
    dilated16: conv1d c32 i16000 o32 k2 p16:0 d16 bias
    dilated32: conv1d c32 i16000 o32 k2 p32:0 d32 bias
    dilated64: conv1d c32 i16000 o32 k2 p64:0 d64 bias
    dilated128: conv1d c32 i16000 o32 k2 p128:0 d128 bias
    dilated256: conv1d c32 i16000 o32 k2 p256:0 d256 bias
    dilated512: conv1d c32 i16000 o32 k2 p512:0 d512 bias
    residual: conv1d c32 i16000 o32 k1 bias
    skip < dilated512: conv1d c32 i16000 o512 k1 bias
    post1: conv1d c512 i16000 o512 k1 bias
    post2: conv1d c512 i16000 o256 k1 bias
    """,
)

_C3D = _network(
    "c3d",
    "Tran et al., arXiv 1412.0767, section 3; its pools round up as Caffe's do, which matters in pool5 alone",
    """
    conv1a: conv3d c3 i16x112x112 o64 k3 p1 bias
    pool1: max_pool3d c64 i16x112x112 k1x2x2 s1x2x2
    conv2a: conv3d c64 i16x56x56 o128 k3 p1 bias
    pool2: max_pool3d c128 i16x56x56 k2 s2
    conv3a: conv3d c128 i8x28x28 o256 k3 p1 bias
    conv3b: conv3d c256 i8x28x28 o256 k3 p1 bias
    pool3: max_pool3d c256 i8x28x28 k2 s2
    conv4a: conv3d c256 i4x14x14 o512 k3 p1 bias
    conv4b: conv3d c512 i4x14x14 o512 k3 p1 bias
    pool4: max_pool3d c512 i4x14x14 k2 s2
    conv5a: conv3d c512 i2x7x7 o512 k3 p1 bias
    pool5: max_pool3d c512 i2x7x7 k2 s2 ceil
    """,
)

_VIT = _network(
    "vit",
    "Dosovitskiy et al., arXiv 2010.11929, table 1: the patch embeddings of Base, Large and Huge",
    """
    base16: conv2d c3 i224 o768 k16 s16 bias
    base32 < outside: conv2d c3 i224 o768 k32 s32 bias
    large16 < outside: conv2d c3 i224 o1024 k16 s16 bias
    huge14 < outside: conv2d c3 i224 o1280 k14 s14 bias
    """,
)

NETWORKS: dict[str, Network] = {
    network.name: network for network in (_RESNET_50, _VGG_16, _MOBILENET_V2, _UNET, _WAVENET, _C3D, _VIT)
}
"""Every network by its name."""
