"""What a tensor of the ONNX graph is, once the node that makes it has been read.

    graph input, float  -> FloatInput --QuantizeLinear--> Stored --DequantizeLinear--> Real
    Real --Conv, Add, AveragePool, Relu, ...--> Lazy --QuantizeLinear--> Stored

A `Lazy` value is a real-valued result that nothing has rounded yet: its integer node can only be written down when the
quantization of its output is known. All carry `shape`, the ONNX shape, beside the (channels, height, width) of the map:
they differ after Flatten, and where the ONNX model has channels last (`last`). A `Selected` value stands for channels
of another in another order (`selection`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from firelane.compiler.ir.graph import Tensor
from firelane.compiler.ir.quantization import quantize


@dataclass(frozen=True)
class Quantization:
    """The quantization of a whole activation tensor, as the IR has it (uint8)."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class Target:
    """The tensor that a lazy value is to become, and the clamp on its stored values."""

    name: str
    quantization: Quantization
    low: int
    high: int

    def clamped(self, low: float, high: float, name: str | None = None) -> Target:
        """The target of a part whose real values were clamped to [low, high] before; `name` as its new name."""
        def stored(real: float) -> int:
            inner = quantize(real, self.quantization.scale, self.quantization.zero_point)
            return min(max(inner, self.low), self.high)
        return Target(name or self.name, self.quantization, stored(low), stored(high))

    @property
    def integers(self) -> dict[str, int]:
        """Keyword arguments of `Requantize`."""
        return {"zero_point": self.quantization.zero_point, "low": self.low, "high": self.high}


@dataclass(frozen=True, eq=False)
class Constant:
    """An initializer, or what was computed from initializers."""

    array: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def real(self) -> np.ndarray:
        """The values as float64."""
        return self.array.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Dequantized:
    """A constant after DequantizeLinear: real values are `integers` times `scale`.

    The zero point is subtracted from `integers`; `scale` is float64, one or one per index of `axis`.
    """

    integers: np.ndarray
    scale: np.ndarray
    axis: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.integers.shape

    def real(self) -> np.ndarray:
        """The values as float64."""
        column = [1] * self.integers.ndim
        if self.scale.size > 1:
            column[self.axis] = -1
        return self.integers * self.scale.reshape(column)


@dataclass(frozen=True, eq=False)
class FloatInput:
    """The graph's input before its QuantizeLinear."""

    dims: tuple[int, int, int]
    shape: tuple[int, ...]
    last: bool = False


@dataclass(frozen=True, eq=False)
class Stored:
    """Integers: a tensor of the IR. `tensor` is None for an 8-bit graph input whose scale nobody has said yet."""

    dims: tuple[int, int, int]
    shape: tuple[int, ...]
    tensor: Tensor | None
    signed: bool
    last: bool = False


@dataclass(frozen=True, eq=False)
class Real:
    """The real values of a tensor of the IR."""

    dims: tuple[int, int, int]
    shape: tuple[int, ...]
    tensor: Tensor
    last: bool = False


@dataclass(frozen=True, eq=False)
class Lazy:
    """A real-valued map, not yet rounded, clamped to [low, high].

    `emit(target)` writes the nodes that compute it; `target` comes with the clamp already in it. `with_bias(array)`
    and `scaled(array)`, where they exist, are the same value plus `array` (channels,), or times it. `exact` is a
    quantization that rounds nothing, where there is one: that of the input of a ReLU. `natural` is one that an output
    without a quantizer takes: an average has that of its input. `depth` counts what is lazy before it.
    """

    dims: tuple[int, int, int]
    shape: tuple[int, ...]
    emit: Callable[[Target], Tensor]
    low: float = -math.inf
    high: float = math.inf
    with_bias: Callable[[np.ndarray], Lazy] | None = None
    scaled: Callable[[np.ndarray], Lazy] | None = None
    exact: Quantization | None = None
    natural: Quantization | None = None
    last: bool = False
    depth: int = 0

    def write(self, target: Target) -> Tensor:
        """The nodes of this value, clamp included."""
        return self.emit(target.clamped(self.low, self.high))


@dataclass(frozen=True, eq=False)
class Selected:
    """Channels of `whole` in another order, or some of them; no node is written until somebody computes with them.

    `axes` says what each dimension of the ONNX shape is: "c" of channels (and all of size 1), "r" rows, "k" columns,
    "p" pixels, which are both in one. `channels`, with a dimension for each "c", are numbers of channels of `whole`.
    `name` is the ONNX tensor that has these values.
    """

    whole: Map
    channels: np.ndarray
    axes: str
    name: str

    @property
    def dims(self) -> tuple[int, int, int]:
        return (self.channels.size, *self.whole.dims[1:])

    @property
    def shape(self) -> tuple[int, ...]:
        _, height, width = self.whole.dims
        sizes, rest = iter(self.channels.shape), {"r": height, "k": width, "p": height * width}
        return tuple(next(sizes) if axis == "c" else rest[axis] for axis in self.axes)


@dataclass(frozen=True, eq=False)
class Hosted:
    """`value` after an operator at the end that is left to the host (Softmax, Sigmoid, ...).

    `stored` is how its result was quantized, and whether to int8, until it is dequantized again.
    """

    value: Real
    shape: tuple[int, ...]
    dims: tuple[int, int, int]
    operator: str = "Softmax"
    stored: tuple[Quantization, bool] | None = None


@dataclass(frozen=True, eq=False)
class Broken:
    """The result of a node with a problem, or of one that depends on such a node; reported once, where it began."""


AnyConstant = Constant | Dequantized
Map = FloatInput | Stored | Real | Lazy                             #: those that are not constants
Known = Map | AnyConstant                                           #: what a node may compute with
Value = Known | Selected | Hosted | Broken
