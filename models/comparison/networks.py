"""The networks, drawn from the tables of their papers; published counts and where they are from stand beside each.

| network | paper, table |
|---|---|
| MobileNetV1 | Howard et al., arXiv 1704.04861, table 1; width multipliers of table 6 |
| MobileNetV2 | Sandler et al., arXiv 1801.04381, table 2; widths rounded to 8 channels as in the authors' code |
| ShuffleNetV1 | Zhang et al., arXiv 1707.01083, table 1, three groups; the first pointwise layer is not grouped |
| ShuffleNetV2 | Ma et al., arXiv 1807.11164, table 5 |
| ResNet-18 | He et al., arXiv 1512.03385, table 1, projections where shapes change (B) |
| SqueezeNext | Gholami et al., arXiv 1803.10615, figure 3 and table 1, 1.0-SqNxt-23 |
| AlexNet | Krizhevsky et al., NIPS 2012, section 3.5, with the two groups and the sizes of Caffe's reference model |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from firelane.models.comparison.drawing import Drawing, Map

__all__ = ["COMPARISON", "ComparisonNetwork", "drawn"]

CLASSES = 1000
SIZE = 224

MOBILENET_V1 = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
# Expansion, channels, blocks, stride of the first.
MOBILENET_V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                (6, 320, 1, 1))
SHUFFLENET_BLOCKS = (4, 8, 4)
SHUFFLENET_V1_GROUPS, SHUFFLENET_V1 = 3, (240, 480, 960)
SHUFFLENET_V2 = {0.5: (48, 96, 192, 1024), 1.0: (116, 232, 464, 1024)}
SQUEEZENEXT = ((32, 6), (64, 6), (128, 8), (256, 1))       # channels, blocks


@dataclass(frozen=True)
class ComparisonNetwork:
    """A network by its name.

    Parameters
    ----------
    draw : callable
        Draws everything between the image and the last layer's result.
    size : int
        Rows and columns of the published images.
    only_cost : str
        Why the engine cannot compute it; empty where it can.
    """

    name: str
    draw: Callable[[Drawing], Map]
    size: int = SIZE
    only_cost: str = ""


def drawn(name: str, input_size: int | None = None) -> Drawing:
    """The network of that name, all of it, for images of `input_size` rows and columns.

    Raises
    ------
    ConfigError
        If the image is too small.
    """
    network = COMPARISON[name]
    net = Drawing(input_size or network.size)
    net.softmax(network.draw(net))
    return net


def _mobilenet_v1(net: Drawing, width: float) -> Map:
    x = net.conv("conv1", net.image, int(32 * width), kernel=3, stride=2)
    for number, (channels, stride) in enumerate(MOBILENET_V1, 2):
        x = net.conv(f"conv{number}/depthwise", x, x.channels, kernel=3, stride=stride, groups=x.channels)
        x = net.conv(f"conv{number}/pointwise", x, int(channels * width))
    return _head(net, x)


def _mobilenet_v2(net: Drawing, width: float) -> Map:
    x = net.conv("conv1", net.image, _eights(32 * width), kernel=3, stride=2, activation="relu6")
    number = 1
    for expansion, channels, blocks, first_stride in MOBILENET_V2:
        for block in range(blocks):
            number += 1
            x = _inverted_residual(net, f"block{number}", x, expansion, _eights(channels * width),
                                   1 if block else first_stride)
    return _head(net, net.conv("last", x, _eights(1280 * max(width, 1.0)), activation="relu6"))


def _inverted_residual(net: Drawing, name: str, x: Map, expansion: int, outputs: int, stride: int) -> Map:
    around, wide = stride == 1 and outputs == x.channels, x
    if expansion != 1:
        wide = net.conv(f"{name}/expand", x, x.channels * expansion, activation="relu6")
    y = net.conv(f"{name}/depthwise", wide, wide.channels, kernel=3, stride=stride, groups=wide.channels,
                 activation="relu6")
    y = net.conv(f"{name}/project", y, outputs, activation="", added=around)
    return net.add(f"{name}/add", y, x, activation="") if around else y


def _eights(channels: float) -> int:
    """The nearest multiple of 8 channels that takes no more than a tenth away."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _shufflenet_v1(net: Drawing, width: float) -> Map:
    x = net.conv("conv1", net.image, int(24 * width), kernel=3, stride=2)
    x = net.max_pool("pool1", x, pad=1)
    for stage, (channels, blocks) in enumerate(zip(SHUFFLENET_V1, SHUFFLENET_BLOCKS), 2):
        for block in range(blocks):
            x = _shuffle_unit_v1(net, f"stage{stage}/unit{block + 1}", x, int(channels * width), halve=block == 0)
    return _head(net, x)


def _shuffle_unit_v1(net: Drawing, name: str, x: Map, outputs: int, halve: bool) -> Map:
    groups, narrow = SHUFFLENET_V1_GROUPS, outputs // 4
    first = name == "stage2/unit1"          # too few channels for groups, as the paper says
    y = net.conv(f"{name}/compress", x, narrow, groups=1 if first else groups)
    y = net.shuffle(f"{name}/shuffle", y, groups)
    y = net.conv(f"{name}/depthwise", y, narrow, kernel=3, stride=2 if halve else 1, groups=narrow, activation="")
    y = net.conv(f"{name}/expand", y, outputs - x.channels if halve else outputs, groups=groups, activation="",
                 added=not halve)
    if not halve:
        return net.add(f"{name}/add", y, x)
    joined = net.concat(f"{name}/concat", [y, net.average_pool(f"{name}/pool", x)])
    return net.activation(f"{name}/concat", joined)


def _shufflenet_v2(net: Drawing, width: float) -> Map:
    *stages, last = SHUFFLENET_V2[width]
    x = net.max_pool("pool1", net.conv("conv1", net.image, 24, kernel=3, stride=2), pad=1)
    for stage, (channels, blocks) in enumerate(zip(stages, SHUFFLENET_BLOCKS), 2):
        for block in range(blocks):
            x = _shuffle_unit_v2(net, f"stage{stage}/unit{block + 1}", x, channels, halve=block == 0)
    return _head(net, net.conv("conv5", x, last))


def _shuffle_unit_v2(net: Drawing, name: str, x: Map, outputs: int, halve: bool) -> Map:
    half, stride = outputs // 2, 2 if halve else 1
    if halve:
        kept = net.conv(f"{name}/left/depthwise", x, x.channels, kernel=3, stride=2, groups=x.channels, activation="")
        kept, changed = net.conv(f"{name}/left/pointwise", kept, half), x
    else:
        kept, changed = net.halves(f"{name}/split", x)
    y = net.conv(f"{name}/right/first", changed, half)
    y = net.conv(f"{name}/right/depthwise", y, half, kernel=3, stride=stride, groups=half, activation="")
    y = net.conv(f"{name}/right/last", y, half)
    return net.shuffle(f"{name}/shuffle", net.concat(f"{name}/concat", [kept, y]), 2)


def _resnet18(net: Drawing) -> Map:
    x = net.max_pool("pool1", net.conv("conv1", net.image, 64, kernel=7, stride=2), pad=1)
    for stage, channels in enumerate((64, 128, 256, 512), 2):
        for block in (1, 2):
            name, stride = f"conv{stage}/{block}", 2 if stage > 2 and block == 1 else 1
            y = net.conv(f"{name}/first", x, channels, kernel=3, stride=stride)
            y = net.conv(f"{name}/second", y, channels, kernel=3, activation="", added=True)
            around = x if x.channels == channels else net.conv(f"{name}/projection", x, channels, stride=stride,
                                                               activation="")
            x = net.add(f"{name}/add", y, around)
    return _head(net, x)


def _squeezenext(net: Drawing) -> Map:
    x = net.conv("conv1", net.image, 64, kernel=7, stride=2, pad=1, biased=True)
    x = net.max_pool("pool1", x, ceil=True)
    for stage, (channels, blocks) in enumerate(SQUEEZENEXT, 1):
        for block in range(blocks):
            x = _squeezenext_unit(net, f"stage{stage}/unit{block + 1}", x, channels, halve=stage > 1 and block == 0)
    return _head(net, net.conv("last", x, 128, biased=True))


def _squeezenext_unit(net: Drawing, name: str, x: Map, outputs: int, halve: bool) -> Map:
    """Two squeezing layers, 1x3, 3x1, and an expanding one; the way around is a convolution where shapes change."""
    changes = halve or x.channels > outputs
    narrow, stride = x.channels // (1 if halve else 4 if changes else 2), 2 if halve else 1
    y = net.conv(f"{name}/squeeze1", x, narrow, stride=stride, biased=True)
    y = net.conv(f"{name}/squeeze2", y, narrow // 2, biased=True)
    y = net.conv(f"{name}/1x3", y, narrow, kernel=(1, 3), biased=True)
    y = net.conv(f"{name}/3x1", y, narrow, kernel=(3, 1), biased=True)
    y = net.conv(f"{name}/expand", y, outputs, biased=True, added=True)
    around = net.conv(f"{name}/around", x, outputs, stride=stride, biased=True) if changes else x
    return net.add(f"{name}/add", y, around)


def _alexnet(net: Drawing) -> Map:
    plain = partial(net.conv, normalized=False, biased=True)
    x = net.local_response("norm1", plain("conv1", net.image, 96, kernel=11, stride=4, pad=0))
    x = plain("conv2", net.max_pool("pool1", x), 256, kernel=5, groups=2)
    x = net.max_pool("pool2", net.local_response("norm2", x))
    x = plain("conv3", x, 384, kernel=3)
    x = plain("conv4", x, 384, kernel=3, groups=2)
    x = net.max_pool("pool5", plain("conv5", x, 256, kernel=3, groups=2))
    x = net.linear("fc6", x, 4096, activation="relu")
    x = net.linear("fc7", x, 4096, activation="relu")
    return net.linear("fc8", x, CLASSES)


def _head(net: Drawing, x: Map) -> Map:
    """Global average and one fully connected layer."""
    return net.linear("classifier", net.global_average("average", x), CLASSES)


def _all() -> list[ComparisonNetwork]:
    widths = (0.25, 0.5, 0.75, 1.0)
    return [
        *(ComparisonNetwork(f"mobilenet_v1_{width}", partial(_mobilenet_v1, width=width)) for width in widths),
        *(ComparisonNetwork(f"mobilenet_v2_{width}", partial(_mobilenet_v2, width=width)) for width in widths),
        *(ComparisonNetwork(f"shufflenet_v1_{width}", partial(_shufflenet_v1, width=width))
          for width in (0.25, 0.5, 1.0)),
        *(ComparisonNetwork(f"shufflenet_v2_{width}", partial(_shufflenet_v2, width=width))
          for width in (0.5, 1.0)),
        ComparisonNetwork("resnet18", _resnet18),
        ComparisonNetwork("squeezenext_1.0", _squeezenext),
        ComparisonNetwork("alexnet", _alexnet, size=227, only_cost=(
            "the engine has neither local response normalization nor a stride of 4, and a fully connected layer over "
            "6 x 6 pixels is too much for it")),
    ]


COMPARISON = {network.name: network for network in _all()}
