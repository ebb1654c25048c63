"""Random networks for tests: small graphs that use every node of the IR in every legal way that is cheap to try.

    graph = random_graph(np.random.default_rng(7), max_columns=28, size="small")
    image = random_image(np.random.default_rng(8), graph)

The same seed gives the same graph. Scales are chosen by running each layer on a noise image, so that outputs spread
over the range instead of sitting at its ends. `graphs()` is the same as a Hypothesis strategy; `tests.onnx_models`
writes a graph as QDQ or QOperator ONNX.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import strategies as st

from firelane.compiler.coding.parameter_form import nearest_biases, nearest_scales
from firelane.compiler.ir.graph import (
    Add,
    AveragePool,
    ChannelScale,
    Concat,
    Conv,
    GlobalAverage,
    Graph,
    Maximum,
    MaxPool,
    Node,
    Requantize,
    Rescale,
    Select,
    Tensor,
    Window,
)
from firelane.compiler.ir.quantization import (
    add_requantize,
    average_requantize,
    channel_scale_requantize,
    conv_requantize,
    multipliers_and_shifts,
    rescale_requantize,
)
from firelane.compiler.ir.verify import verify, window_output
from firelane.sim.reference import compute, convolution_sums

FEATURES = ("conv", "stride2", "groups", "depthwise", "max_pool", "ceil", "average_pool", "fire", "add", "rescale",
            "channel_scale", "global_average", "zero_point", "clamp", "grid")
POOLS = tuple(name for name in FEATURES if name not in ("max_pool", "ceil", "zero_point"))
"""All but what a network of maxima is made of, behind a convolution perhaps."""


@dataclass(frozen=True)
class Size:
    """Limits of a random network."""

    rows: int                   # of the input, at most
    channels: int
    layers: tuple[int, int]     # fewest, most
    taps: int                   # of one convolution: weights, zero or not


SIZES = {"tiny": Size(rows=12, channels=8, layers=(1, 4), taps=1500),
         "small": Size(rows=60, channels=40, layers=(3, 8), taps=20000)}


def random_graph(rng: np.random.Generator, *, max_columns: int = 28, size: str = "small",
                 without: Collection[str] = ()) -> Graph:
    """A random verified network.

    Parameters
    ----------
    max_columns : int
        Pixels of a row's slot: every map has fewer columns, so that one is left for padding. Only an input that a
        stride of 2 halves at once may have up to twice as many.
    size : str
        A key of `SIZES`.
    without : names of `FEATURES` not to use
        "stride2" is stride 2 elsewhere than at the input; "zero_point" is zero points that differ from 0;
        "grid" is scales and biases that short parameter records hold.
    """
    unknown = set(without) - set(FEATURES)
    if unknown:
        raise ValueError(f"unknown features {sorted(unknown)}, there are {', '.join(FEATURES)}")
    grower = _Grower(rng, max_columns, SIZES[size], frozenset(without))
    name = grower.stem()
    for _ in range(rng.integers(*SIZES[size].layers, endpoint=True)):
        name = grower.layer(name)
    if grower.chance("global_average", 0.4):
        name = grower.ending(name)
    return verify(Graph("random", tuple(grower.nodes), grower.tensors, "input", name))


def random_image(rng: np.random.Generator, graph: Graph) -> np.ndarray:
    """uint8 (C, H, W): noise, sometimes of the extreme values only."""
    shape = graph.tensors[graph.input].shape
    if rng.random() < 0.2:
        return rng.choice(np.array([0, 255], np.uint8), shape)
    return rng.integers(0, 256, shape, dtype=np.uint8)


def with_selects(rng: np.random.Generator, graph: Graph) -> Graph:
    """The graph with channels put in another order, or taken several times, before some of the nodes, and maxima."""
    nodes: list[Node] = []
    tensors = dict(graph.tensors)
    for node in graph.nodes:
        inputs = list(node.inputs)
        for place, name in enumerate(inputs):
            while rng.random() < 0.4:
                channels = rng.permutation(tensors[name].channels)
                if rng.random() < 0.25:
                    channels = rng.choice(channels, len(channels))
                taken = f"select{len(nodes)}"
                kind = Select(taken, (inputs[place],), taken, channels)
                if rng.random() < 0.15:
                    kind = Maximum(taken, (inputs[place], name), taken)
                tensors[taken] = replace(tensors[name], name=taken)
                nodes.append(kind)
                inputs[place] = taken
        nodes.append(replace(node, inputs=tuple(inputs)))
    return verify(replace(graph, nodes=tuple(nodes), tensors=tensors))


def graphs(**options) -> st.SearchStrategy[Graph]:
    """`random_graph` of a drawn seed; `options` as there."""
    return st.integers(0, 2 ** 32 - 1).map(lambda seed: random_graph(np.random.default_rng(seed), **options))


def random_weight(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> np.ndarray:
    """int8 OIHW with some density from 0 to 1, sometimes the extremes, sometimes channels of zeros only."""
    weight = rng.integers(-127, 128, shape, dtype=np.int8)
    weight[rng.random(shape) >= rng.choice([0.0, 0.05, 0.33, 0.6, 1.0], p=[0.03, 0.1, 0.5, 0.22, 0.15])] = 0
    if rng.random() < 0.3:
        weight[rng.random(shape[0]) < 0.3] = 0
    if rng.random() < 0.1:
        weight[rng.random(shape) < 0.1] = -128
    return weight


@dataclass
class _Grower:
    """The network so far, with the maps of one noise image."""

    rng: np.random.Generator
    max_columns: int
    size: Size
    without: frozenset[str]
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    maps: dict[str, np.ndarray] = field(default_factory=dict)

    def chance(self, feature: str, probability: float) -> bool:
        return feature not in self.without and self.rng.random() < probability

    def stem(self) -> str:
        """The input, and perhaps a convolution of stride 2 that reads it. Returns the tensor to go on from."""
        halved = self.rng.random() < 0.5
        columns = 2 * self.max_columns - 3 if halved else self.max_columns - 1
        shape = (int(self.rng.choice([1, 1, 2, 3, 3, 3, 4])), int(self.rng.integers(5, self.size.rows + 1)),
                 int(self.rng.integers(5, min(columns, self.size.rows) + 1)))
        self.tensors["input"] = Tensor("input", *shape, self._scale(), self._zero_point())
        self.maps["input"] = self.rng.integers(0, 256, (shape[0], 1, *shape[1:]), dtype=np.uint8)
        if not halved:
            return "input"
        kernel = int(self.rng.choice([3, 5, 7]))
        pads = tuple(int(p) for p in self.rng.integers(0, kernel // 2 + 1, 4))
        window = Window((kernel, kernel), (2, 2), pads)
        if not self._fits("input", window):
            window = Window((3, 3), (2, 2), (1, 0, 1, 0))
        return self.conv("input", window=window)

    def layer(self, name: str) -> str:
        """One random layer or block after tensor `name`."""
        blocks = [(self.conv, 6, "conv"), (self.depthwise, 1, "depthwise"), (self.max_pool, 3, "max_pool"),
                  (self.average_pool, 1, "average_pool"), (self.fire, 3, "fire"), (self.residual, 2, "add"),
                  (self.rescale, 1, "rescale"), (self.channel_scale, 1, "channel_scale")]
        blocks = [block for block in blocks if block[2] not in self.without] or [(self.conv, 1, "conv")]
        weights = np.array([weight for _, weight, _ in blocks], float)
        return blocks[self.rng.choice(len(blocks), p=weights / weights.sum())][0](name)

    def conv(self, name: str, *, channels: int | None = None, window: Window | None = None, groups: int | None = None,
             quantization: tuple[float, int] | None = None) -> str:
        """A convolution; what is not given is random."""
        source, rng = self.tensors[name], self.rng
        window = window or self._conv_window(name)
        if groups is None:
            divisors = [g for g in range(1, source.channels + 1) if source.channels % g == 0]
            groups = int(rng.choice(divisors)) if self.chance("groups", 0.2) else 1
            channels = channels or groups * int(rng.integers(1, self.size.channels // groups + 2))
        area = source.channels // groups * window.kernel[0] * window.kernel[1]
        channels = channels or int(rng.integers(1, self.size.channels + 1))
        if channels > groups:
            channels = max(min(channels, self.size.taps // area) // groups, 1) * groups
        weight = random_weight(rng, (channels, source.channels // groups, *window.kernel))
        scale, zero_point = quantization or (self._scale(), self._zero_point())
        output = self._tensor("conv", (channels, *self._window_size(name, window)), scale, zero_point)
        bias, scales = self._calibrate(name, weight, window, groups, output)
        weight, requantize = conv_requantize(weight, bias, scales, source.zero_point, zero_point=zero_point,
                                             **self._clamp(zero_point))
        return self._add(Conv(output.name, (name,), output.name, weight, window, groups, self._on_grid(requantize)),
                         output)

    def _on_grid(self, requantize: Requantize) -> Requantize:
        """As it is, with one scale for all channels, or with scales and biases that a scaled record holds."""
        kind = 0 if "grid" in self.without else self.rng.integers(3)
        scales = requantize.multiplier / np.exp2(requantize.shift)
        if kind == 0:
            return requantize
        if kind == 1:
            multiplier, shift = (np.repeat(array, len(scales)) for array in multipliers_and_shifts([scales.mean()]))
            return replace(requantize, multiplier=multiplier, shift=shift)
        multiplier, shift = nearest_scales(scales)
        return replace(requantize, bias=nearest_biases(requantize.bias, multiplier, shift), multiplier=multiplier,
                       shift=shift)

    def depthwise(self, name: str) -> str:
        channels = self.tensors[name].channels
        return self.conv(name, groups=channels, channels=channels * int(self.rng.choice([1, 1, 2])))

    def fire(self, name: str) -> str:
        """Squeeze, two or three expanding branches of the same size, concatenation."""
        squeezed = self.conv(name, window=Window(), groups=1, channels=int(self.rng.integers(1, 9)))
        quantization = (self._scale(), self._zero_point())
        windows = [Window(), Window((3, 3), pads=(1, 1, 1, 1)), Window((1, 3), pads=(0, 1, 0, 1))]
        branches = [self.conv(squeezed, window=window, groups=1, quantization=quantization)
                    for window in windows[:self.rng.integers(2, 4)]]
        sizes = [self.tensors[branch] for branch in branches]
        output = self._tensor("concat", (sum(t.channels for t in sizes), *sizes[0].shape[1:]), *quantization)
        return self._add(Concat(output.name, tuple(branches), output.name), output)

    def residual(self, name: str) -> str:
        """A convolution of the same size, and its input added."""
        source = self.tensors[name]
        window = Window((3, 3), pads=(1, 1, 1, 1)) if self.rng.random() < 0.7 else Window()
        branch = self.conv(name, window=window, groups=1, channels=source.channels)
        if self.tensors[branch].channels != source.channels:
            return branch                                # it was cut to the limit of taps
        output = self._tensor("add", source.shape, 1.4 * (source.scale + self.tensors[branch].scale) / 2)
        a, b = self.tensors[name], self.tensors[branch]
        factors_a, factors_b, requantize = add_requantize(
            a.scale, a.zero_point, b.scale, b.zero_point, output.scale, zero_point=output.zero_point,
            **self._clamp(output.zero_point))
        return self._add(Add(output.name, (name, branch), output.name, factors_a, factors_b, requantize), output)

    def max_pool(self, name: str) -> str:
        kernel, stride = [(2, 2), (3, 2), (3, 1)][self.rng.integers(3)]
        pads = tuple(int(p) for p in self.rng.integers(0, 2, 4)) if self.rng.random() < 0.3 else (0, 0, 0, 0)
        window = Window((kernel, kernel), (stride, stride), pads)
        if not self._fits(name, window):
            return name
        source, size = self.tensors[name], list(self._window_size(name, window))
        for axis in (0, 1) if self.chance("ceil", 0.5) else ():
            begins = size[axis] * stride - pads[axis]
            left_over = source.shape[axis + 1] + pads[axis] + pads[axis + 2] - kernel - (size[axis] - 1) * stride
            size[axis] += left_over > 0 and begins < source.shape[axis + 1]
        output = self._tensor("max_pool", (source.channels, *size), source.scale, source.zero_point)
        return self._add(MaxPool(output.name, (name,), output.name, window), output)

    def average_pool(self, name: str) -> str:
        kernel, stride = [(2, 2), (3, 2), (3, 1)][self.rng.integers(3)]
        window = Window((kernel, kernel), (stride, stride), (1, 1, 1, 1) if self.rng.random() < 0.3 else (0, 0, 0, 0))
        if not self._fits(name, window):
            return name
        source = self.tensors[name]
        output = self._tensor("average_pool", (source.channels, *self._window_size(name, window)), source.scale / 2)
        requantize = average_requantize(kernel * kernel, source.scale, source.zero_point, output.scale,
                                        zero_point=output.zero_point, **self._clamp(output.zero_point))
        return self._add(AveragePool(output.name, (name,), output.name, window, requantize), output)

    def rescale(self, name: str) -> str:
        source = self.tensors[name]
        output = self._tensor("rescale", source.shape, source.scale * float(self.rng.uniform(0.5, 2)))
        requantize = rescale_requantize(source.scale, source.zero_point, output.scale, zero_point=output.zero_point,
                                        **self._clamp(output.zero_point))
        return self._add(Rescale(output.name, (name,), output.name, requantize), output)

    def channel_scale(self, name: str) -> str:
        """Factors of both signs, some 0 or all alike; perhaps offsets."""
        source, rng = self.tensors[name], self.rng
        channels, alike = source.channels, rng.random() < 0.2
        factors = np.repeat(rng.uniform(0.3, 1.5, 1), channels) if alike else rng.uniform(-1.5, 1.5, channels)
        factors[rng.random(channels) < (0 if alike else 0.1)] = 0
        output = self._tensor("channel_scale", source.shape, source.scale)
        reach = 60 * output.scale
        offsets = None if alike or rng.random() < 0.4 else rng.uniform(-reach, reach, channels)
        integers, requantize = channel_scale_requantize(
            factors, offsets, source.scale, source.zero_point, output.scale, zero_point=output.zero_point,
            **self._clamp(output.zero_point))
        return self._add(ChannelScale(output.name, (name,), output.name, integers, requantize), output)

    def ending(self, name: str) -> str:
        """Global average, with a classifier before it, after it or not at all."""
        place = self.rng.integers(3)
        if place == 0:
            name = self.conv(name, window=Window(), groups=1)
        source = self.tensors[name]
        output = self._tensor("global_average", (source.channels, 1, 1), source.scale / 1.5)
        requantize = average_requantize(source.height * source.width, source.scale, source.zero_point, output.scale,
                                        zero_point=output.zero_point)
        name = self._add(GlobalAverage(output.name, (name,), output.name, requantize), output)
        return self.conv(name, window=Window(), groups=1) if place == 1 else name

    def _add(self, node: Node, output: Tensor) -> str:
        self.nodes.append(node)
        self.tensors[output.name] = output
        sources = [self.tensors[name] for name in node.inputs]
        self.maps[output.name] = compute(node, [self.maps[name] for name in node.inputs], sources, output)
        return output.name

    def _tensor(self, kind: str, shape: tuple[int, ...], scale: float, zero_point: int | None = None) -> Tensor:
        zero_point = self._zero_point() if zero_point is None else zero_point
        return Tensor(f"{kind}{len(self.nodes)}", *map(int, shape), float(np.float32(scale)), zero_point)

    def _scale(self) -> float:
        return float(np.float32(self.rng.uniform(0.02, 0.1)))

    def _zero_point(self) -> int:
        return int(self.rng.integers(0, 256)) if self.chance("zero_point", 0.4) else 0

    def _clamp(self, zero_point: int) -> dict[str, int]:
        """Nothing, ReLU, or a narrower range."""
        clamp = {}
        if self.chance("clamp", 0.4):
            clamp["low"] = zero_point
        if self.chance("clamp", 0.2):
            clamp["high"] = int(self.rng.integers(zero_point, 256))
        return clamp

    def _conv_window(self, name: str) -> Window:
        """A window that fits on the map; at worst 1x1."""
        for _ in range(4):
            kernel = [(1, 1), (3, 3), (5, 5), (2, 2), (1, 3)][self.rng.choice(5, p=[0.3, 0.4, 0.1, 0.1, 0.1])]
            stride = (2, 2) if self.chance("stride2", 0.15) else (1, 1)
            same = (kernel[0] // 2, kernel[1] // 2, (kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
            pads = tuple(int(self.rng.integers(0, k)) for k in kernel * 2) if self.rng.random() < 0.3 else same
            window = Window(kernel, stride, pads)
            if self._fits(name, window):
                return window
        return Window()

    def _window_size(self, name: str, window: Window) -> tuple[int, int]:
        return tuple(window_output(self.tensors[name].shape[axis + 1], window.kernel[axis], window.stride[axis],
                                   window.pads[axis] + window.pads[axis + 2]) for axis in (0, 1))

    def _fits(self, name: str, window: Window) -> bool:
        """Whether the result has pixels, and a column to spare for the slot's padding and for ceil mode."""
        height, width = self._window_size(name, window)
        return height >= 1 and 1 <= width < self.max_columns - (window.stride[1] > 1) and height <= self.size.rows

    def _calibrate(self, name: str, weight: np.ndarray, window: Window, groups: int,
                   output: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Biases and scales (O,) that spread each channel's sums of the noise image around its zero point."""
        source, rng, channels = self.tensors[name], self.rng, len(weight)
        node = Conv(output.name, (name,), output.name, weight, window, groups, requantize=None)
        sums = convolution_sums(node, self.maps[name], source.zero_point, output).reshape(channels, -1)
        offset = source.zero_point * weight.reshape(channels, -1).astype(np.int64).sum(axis=1)
        spread = np.maximum(sums.std(axis=1), 20.0)
        scales = rng.uniform(20, 60, channels) / spread
        weight_scales = np.float32(scales * output.scale / source.scale).astype(np.float64)
        middle = (128 - output.zero_point) * rng.uniform(0, 1, channels) / scales
        bias = np.rint(middle + offset - sums.mean(axis=1) + rng.normal(0, 0.3, channels) * spread).astype(np.int64)
        return bias, weight_scales * source.scale / output.scale
