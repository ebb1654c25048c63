"""A network that is drawn layer by layer: what it multiplies, and the nodes that do it, as ONNX has them.

    net = Drawing(224)
    x = net.conv("conv1", net.image, 32, kernel=3, stride=2)
    x = net.conv("conv2/depthwise", x, 32, kernel=3, groups=32, activation="relu6")

Batch normalization is folded into the convolution before it, as every exporter does for inference; `normalized` only
says how many parameters the published network has there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from firelane.compiler.support.errors import ConfigError

__all__ = ["Convolution", "Drawing", "DrawnNode", "Map"]

CHANNELS = 3                    # of the image
ACTIVATIONS = {"": "", "relu": "Relu", "relu6": "Clip"}
IMAGE, RESULT = "image", "probabilities"


@dataclass(frozen=True)
class Map:
    """The tensor `name`: square, `channels` of `side` rows and columns."""

    name: str
    channels: int
    side: int


@dataclass(frozen=True)
class Convolution:
    """A convolution or, with `linear`, a fully connected layer, and what the published network has beside it."""

    name: str
    inputs: int
    outputs: int
    kernel: tuple[int, int]
    groups: int
    side: int                   #: rows and columns of the result
    normalized: bool            #: batch normalization follows: two parameters a channel
    biased: bool
    active: bool                #: an activation follows at once
    linear: bool = False
    added: bool = False         #: the result is added to another map

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """OIHW, of which the inputs are those of a group."""
        return (self.outputs, self.inputs // self.groups, *self.kernel)

    @property
    def weights(self) -> int:
        return int(np.prod(self.weight_shape))

    @property
    def parameters(self) -> int:
        """Weights, biases, and the scale and shift of a batch normalization."""
        return self.weights + self.outputs * (2 * self.normalized + self.biased)

    @property
    def macs(self) -> int:
        """Multiplications of a frame."""
        return self.weights * self.side ** 2


@dataclass(frozen=True)
class DrawnNode:
    """A node of ONNX."""

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Drawing:
    """A network as far as it is drawn, for square images of `input_size` rows and columns."""

    input_size: int
    nodes: list[DrawnNode] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)      #: all but weights and biases
    convolutions: list[Convolution] = field(default_factory=list)

    @property
    def image(self) -> Map:
        return Map(IMAGE, CHANNELS, self.input_size)

    @property
    def parameters(self) -> int:
        """Parameters of the published network."""
        return sum(conv.parameters for conv in self.convolutions)

    @property
    def macs(self) -> int:
        """Multiplications of a frame."""
        return sum(conv.macs for conv in self.convolutions)

    def conv(self, name: str, x: Map, outputs: int, *,  # noqa: PLR0913 (all but three have a default)
             kernel: int | tuple[int, int] = 1, stride: int = 1,
             pad: int | tuple[int, int] | None = None, groups: int = 1, activation: str = "relu",
             normalized: bool = True, biased: bool = False, added: bool = False) -> Map:
        """A convolution; it is padded so that stride 1 keeps the size, if nobody says otherwise."""
        rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
        above, before = (rows // 2, columns // 2) if pad is None else (pad, pad) if isinstance(pad, int) else pad
        side = _windows(name, x, rows, above, stride)
        assert side == _windows(name, x, columns, before, stride), name
        self.convolutions.append(Convolution(name, x.channels, outputs, (rows, columns), groups, side, normalized,
                                             biased, bool(activation), added=added))
        y = self._emit("Conv", name, [x.name, f"{name}.weight", f"{name}.bias"], kernel_shape=[rows, columns],
                       strides=[stride] * 2, pads=[above, before] * 2, group=groups)
        return self._activated(name, Map(y, outputs, side), activation)

    def max_pool(self, name: str, x: Map, *, kernel: int = 3, stride: int = 2, pad: int = 0, ceil: bool = False) -> Map:
        """The maximum over windows; with `ceil` the last one may hang over the edge."""
        side = _windows(name, x, kernel, pad, stride, ceil)
        y = self._emit("MaxPool", name, [x.name], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4,
                       ceil_mode=int(ceil))
        return Map(y, x.channels, side)

    def average_pool(self, name: str, x: Map, *, kernel: int = 3, stride: int = 2, pad: int = 1) -> Map:
        """The mean over windows, zeros outside the map counted."""
        side = _windows(name, x, kernel, pad, stride)
        y = self._emit("AveragePool", name, [x.name], kernel_shape=[kernel] * 2, strides=[stride] * 2,
                       pads=[pad] * 4, count_include_pad=1)
        return Map(y, x.channels, side)

    def global_average(self, name: str, x: Map) -> Map:
        return Map(self._emit("GlobalAveragePool", name, [x.name]), x.channels, 1)

    def add(self, name: str, one: Map, other: Map, *, activation: str = "relu") -> Map:
        """The sum of two maps of the same shape."""
        assert (one.channels, one.side) == (other.channels, other.side), name
        return self._activated(name, Map(self._emit("Add", name, [one.name, other.name]), one.channels, one.side),
                               activation)

    def concat(self, name: str, parts: Sequence[Map]) -> Map:
        """Channels one after the other."""
        y = self._emit("Concat", name, [part.name for part in parts], axis=1)
        return Map(y, sum(part.channels for part in parts), parts[0].side)

    def halves(self, name: str, x: Map) -> tuple[Map, Map]:
        """The first and the second half of the channels."""
        half = x.channels // 2
        sizes = self._constant(f"{name}.sizes", np.array([half, half], np.int64))
        first, second = f"{name}_first", f"{name}_second"
        self.nodes.append(DrawnNode("Split", name, (x.name, sizes), (first, second), {"axis": 1}))
        return Map(first, half, x.side), Map(second, half, x.side)

    def shuffle(self, name: str, x: Map, groups: int) -> Map:
        """The channels of the groups dealt in turn, as exporters write it: a transposition of five dimensions."""
        apart = self._constant(f"{name}.apart", np.array([1, groups, x.channels // groups, x.side, x.side], np.int64))
        whole = self._constant(f"{name}.whole", np.array([1, x.channels, x.side, x.side], np.int64))
        y = self._emit("Reshape", f"{name}/apart", [x.name, apart])
        y = self._emit("Transpose", f"{name}/dealt", [y], perm=[0, 2, 1, 3, 4])
        return Map(self._emit("Reshape", name, [y, whole]), x.channels, x.side)

    def local_response(self, name: str, x: Map) -> Map:
        """AlexNet's normalization over five neighbouring channels."""
        return Map(self._emit("LRN", name, [x.name], size=5, alpha=1e-4, beta=0.75, bias=1.0), x.channels, x.side)

    def activation(self, name: str, x: Map, kind: str = "relu") -> Map:
        """The function alone, behind what is no convolution."""
        return self._activated(name, x, kind)

    def linear(self, name: str, x: Map, outputs: int, *, activation: str = "") -> Map:
        """A fully connected layer over all pixels of the map."""
        inputs = x.channels * x.side ** 2
        flat = self._emit("Flatten", f"{name}/flatten", [x.name], axis=1)
        self.convolutions.append(Convolution(name, inputs, outputs, (1, 1), 1, 1, normalized=False, biased=True,
                                             active=bool(activation), linear=True))
        y = self._emit("Gemm", name, [flat, f"{name}.weight", f"{name}.bias"], transB=1)
        return self._activated(name, Map(y, outputs, 1), activation)

    def softmax(self, x: Map) -> None:
        """The result of the network."""
        self.nodes.append(DrawnNode("Softmax", "softmax", (x.name,), (RESULT,), {"axis": 1}))

    def _activated(self, name: str, x: Map, activation: str) -> Map:
        operator = ACTIVATIONS[activation]
        if not operator:
            return x
        limits = [self._constant(f"{name}.{end}", np.array(value, np.float32))
                  for end, value in (("low", 0.0), ("high", 6.0))] if activation == "relu6" else []
        return Map(self._emit(operator, f"{name}/{activation}", [x.name, *limits]), x.channels, x.side)

    def _emit(self, operator: str, name: str, inputs: list[str], **attributes: Any) -> str:
        self.nodes.append(DrawnNode(operator, name, tuple(inputs), (f"{name}_out",), attributes))
        return f"{name}_out"

    def _constant(self, name: str, values: np.ndarray) -> str:
        self.constants[name] = values
        return name


def _windows(name: str, x: Map, kernel: int, pad: int, stride: int, ceil: bool = False) -> int:
    """Rows of the result of a sliding window."""
    room = x.side + 2 * pad - kernel
    if room < 0:
        raise _too_small(name, x)
    return (-(-room // stride) if ceil else room // stride) + 1


def _too_small(name: str, x: Map) -> ConfigError:
    return ConfigError("input size", f"{name} sees a {x.side} x {x.side} map, which is too small for it",
                       hint="a larger image; the published size is 224")
