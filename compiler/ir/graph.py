"""The quantized graph: what the network computes, in integers, and nothing about tiles.

Every tensor holds unsigned 8-bit values (an int8 tensor of the source graph is stored with 128 added to its
values and to its zero point). Every node says exactly, in integers, how its output follows from its inputs;
`sim/reference.py` is the executable form of these definitions.

Nodes are frozen and hold read-only arrays; passes (`compiler/passes`) are pure functions Graph -> Graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

PIXEL_MAX = 255
WEIGHT_MIN, WEIGHT_MAX = -128, 127
MULTIPLIER_BITS = 16          # multipliers are normalised to [2**15, 2**16)
SHIFT_MIN, SHIFT_MAX = 1, 40
HOST_OPERATORS = "firelane.host_operators"           # metadata key: what the host has to do after the network


def frozen_array(values: ArrayLike, dtype: DTypeLike) -> np.ndarray:
    """A read-only copy of `values` as `dtype`."""
    array = np.array(values, dtype=dtype)
    array.setflags(write=False)
    return array


@dataclass(frozen=True)
class Tensor:
    """A feature map of one image: uint8 of shape (channels, height, width).

    real value = (stored - zero_point) * scale
    """

    name: str
    channels: int
    height: int
    width: int
    scale: float
    zero_point: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.channels, self.height, self.width)


@dataclass(frozen=True, eq=False)
class Requantize:
    """The step from an accumulator to a pixel, per output channel.

        y = clip((((acc + bias) * multiplier + 2**(shift-1)) >> shift) + zero_point, low, high)

    All exact integers; `>>` floors, so ties round up. `bias` int64 (C,), `multiplier` int64 (C,) in
    [2**15, 2**16) or 0, `shift` int64 (C,) in [1, 40]. A one-element array holds for all channels.
    """

    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    zero_point: int = 0
    low: int = 0
    high: int = PIXEL_MAX

    def __post_init__(self) -> None:
        for name in ("bias", "multiplier", "shift"):
            object.__setattr__(self, name, frozen_array(getattr(self, name), np.int64))

    @classmethod
    def uniform(cls, bias: int, multiplier: int, shift: int, **output: int) -> Requantize:
        """The same for all channels; `output`: `zero_point`, `low`, `high`."""
        return cls(np.array([bias]), np.array([multiplier]), np.array([shift]), **output)

    def apply(self, acc: np.ndarray) -> np.ndarray:
        """Pixels, uint8 (C, ...), of accumulators, int64 (C, ...)."""
        column = (-1,) + (1,) * (acc.ndim - 1)
        bias, mult, shift = (a.reshape(column) for a in (self.bias, self.multiplier, self.shift))
        scaled = ((acc.astype(np.int64) + bias) * mult + (np.int64(1) << (shift - 1))) >> shift
        return np.clip(scaled + self.zero_point, self.low, self.high).astype(np.uint8)


IDENTITY = Requantize.uniform(0, 1 << 15, 15)


@dataclass(frozen=True)
class Window:
    """Kernel, stride and padding of a sliding window, as ONNX has them (rows before columns)."""

    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)      # top, left, bottom, right


@dataclass(frozen=True, eq=False)
class Node:
    """One operation; `inputs` and `output` are tensor names, `name` is the source node's for messages."""

    name: str
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, eq=False)
class Conv(Node):
    """A convolution: acc[o,y,x] = sum_{c,i,j} weight[o,c,i,j] * in[g*Cg+c, y*sy+i-top, x*sx+j-left], then `requantize`.

    Pixels outside the map read as the input's zero point. `weight` is int8 OIHW, I = input channels per group,
    and multiplies the *stored* uint8 value: -zero_point * sum(weight) is already part of requantize.bias.
    """

    weight: np.ndarray
    window: Window
    groups: int
    requantize: Requantize

    def __post_init__(self):
        object.__setattr__(self, "weight", frozen_array(self.weight, np.int8))


@dataclass(frozen=True, eq=False)
class MaxPool(Node):
    """The maximum over a window.

    Pixels outside the map do not take part. The output size is the output tensor's (which covers ceil mode). Input and
    output share scale and zero point.
    """

    window: Window


@dataclass(frozen=True, eq=False)
class AveragePool(Node):
    """The sum over a window of stored values (outside the map: of the zero point), then `requantize`."""

    window: Window
    requantize: Requantize


@dataclass(frozen=True, eq=False)
class GlobalAverage(Node):
    """The sum of each channel's stored values, then `requantize`; the output is (C, 1, 1)."""

    requantize: Requantize


@dataclass(frozen=True, eq=False)
class Add(Node):
    """The sum of two maps, acc = sum(weights_a) * a + sum(weights_b) * b, then `requantize`.

    Each list holds 1 to 4 int8 factors.
    """

    weights_a: tuple[int, ...]
    weights_b: tuple[int, ...]
    requantize: Requantize


@dataclass(frozen=True, eq=False)
class Concat(Node):
    """Channels of the inputs one after the other; all share the output's scale and zero point."""


@dataclass(frozen=True, eq=False)
class Maximum(Node):
    """The larger of two maps, pixel by pixel; both share the output's scale and zero point."""


@dataclass(frozen=True, eq=False)
class Select(Node):
    """Channels of the input in another order, or some of them: out[c] = in[channels[c]], the stored values as they are.

    `channels` is int64 (C,); a channel may be taken several times. Input and output share scale and zero point.
    """

    channels: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", frozen_array(self.channels, np.int64))


@dataclass(frozen=True, eq=False)
class Rescale(Node):
    """The same map with another scale, zero point or clamp: acc = in, then `requantize`."""

    requantize: Requantize


@dataclass(frozen=True, eq=False)
class ChannelScale(Node):
    """Every channel times a number of its own, plus another: acc[c] = factors[c] * in[c], then `requantize`.

    `factors` is int8 (C,) and gives the sign. The size is in requantize.multiplier, what is added in requantize.bias.
    """

    factors: np.ndarray
    requantize: Requantize

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", frozen_array(self.factors, np.int8))


RequantizingNode = Conv | AveragePool | GlobalAverage | Add | Rescale | ChannelScale    #: nodes with a `requantize`
WindowNode = MaxPool | AveragePool | Conv       #: nodes with a `window`


@dataclass(frozen=True)
class Graph:
    """Nodes in execution order, each reading tensors that come before it; one input, one output."""

    name: str
    nodes: tuple[Node, ...]
    tensors: dict[str, Tensor]
    input: str
    output: str
    metadata: dict[str, str] = field(default_factory=dict)

    def producer(self, tensor: str) -> Node | None:
        """The node that makes a tensor; None for the graph's input."""
        return self._producers.get(tensor)

    def consumers(self, tensor: str) -> list[Node]:
        """The nodes that read a tensor."""
        return list(self._consumers.get(tensor, ()))

    @cached_property
    def _producers(self) -> dict[str, Node]:
        """The node that makes each tensor."""
        return {node.output: node for node in reversed(self.nodes)}

    @cached_property
    def _consumers(self) -> dict[str, list[Node]]:
        """The nodes that read each tensor, each once."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                found.setdefault(name, []).append(node)
        return found

    def with_nodes(self, nodes: Iterable[Node], **tensors: Tensor) -> Graph:
        """The same graph with other nodes, and with `tensors` added."""
        return replace(self, nodes=tuple(nodes), tensors={**self.tensors, **tensors})
