"""Layer classes: a textbook's as it stands, ones built like their namesakes in torch.nn, and a wrong one."""

import torch
from textbook_torch import corr2d
from torch import nn
from torch.nn import functional


class Conv2D(nn.Module):
    """The textbook's."""

    def __init__(self, kernel_size):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(kernel_size))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return corr2d(x, self.weight) + self.bias


class MyConv1d(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True):
        super().__init__()
        (kernel_size,) = kernel_size if isinstance(kernel_size, tuple) else (kernel_size,)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self.options = (stride, padding, dilation, groups)

    def forward(self, x):
        return functional.conv1d(x, self.weight, self.bias, *self.options)


class PaddedTwiceConv2d(nn.Conv2d):
    """Pads in its forward, though its base pads as well; what it is built with goes to the base as it is."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)

    def forward(self, x):
        width, height = self.padding[1], self.padding[0]
        return super().forward(functional.pad(x, (width, width, height, height)))


class GlobalMaxPool2d(nn.AdaptiveMaxPool2d):
    pass


class SameAvgPool2d(nn.AvgPool2d):
    pass


class Unpooling(nn.MaxUnpool1d):
    """MaxUnpool1d with another name: --operator says what it is."""


class Kernel(nn.Module):
    """Which operator it is does not show in its name."""

    def __init__(self, size):
        super().__init__()


class TransposedWeightsConv2d(nn.Module):
    """Keeps its weights with input channels first, so that nobody else's can be loaded."""

    def __init__(self, in_channels, out_channels, kernel_size):
        super().__init__()
        kernel_size = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
        self.weight = nn.Parameter(torch.empty(in_channels, out_channels, *kernel_size))

    def forward(self, x):
        return functional.conv2d(x, self.weight.transpose(0, 1))
