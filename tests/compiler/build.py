"""Small graphs for the tests of the back end, built node by node."""

from __future__ import annotations

import numpy as np

from firelane.compiler.ir.graph import (
    Add,
    Concat,
    Conv,
    GlobalAverage,
    Graph,
    MaxPool,
    Node,
    Requantize,
    Tensor,
    Window,
)
from firelane.compiler.ir.verify import verify
from firelane.compiler.program.compiled import Compiled
from firelane.sim import reference
from firelane.sim.emulator.engine import Emulator


class GraphBuilder:
    """Adds nodes one after the other; each method returns the name of the tensor that it makes."""

    def __init__(self, channels: int, height: int, width: int, zero_point: int = 0, seed: int = 0):
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Node] = []
        self.tensors = {"image": Tensor("image", channels, height, width, 1.0, zero_point)}

    def tensor(self, name: str, channels: int, height: int, width: int) -> str:
        self.tensors[name] = Tensor(name, channels, height, width, 1.0, 0)
        return name

    def _out(self, source: str, window: Window) -> tuple[int, int]:
        top, left, bottom, right = window.pads
        tensor = self.tensors[source]
        return ((tensor.height + top + bottom - window.kernel[0]) // window.stride[0] + 1,
                (tensor.width + left + right - window.kernel[1]) // window.stride[1] + 1)

    def conv(self, source: str, channels: int, kernel: int = 1, stride: int = 1, pad: int = 0, groups: int = 1,
             weight: np.ndarray | None = None, bias: int | None = None, name: str | None = None) -> str:
        name = name or f"conv{len(self.nodes)}"
        window = Window((kernel, kernel), (stride, stride), (pad,) * 4)
        if weight is None:
            weight = self.rng.integers(-20, 21, (channels, self.tensors[source].channels // groups, kernel, kernel))
            weight[self.rng.random(weight.shape) < 0.5] = 0
        biases = self.rng.integers(-500, 500, channels) if bias is None else [bias] * channels
        requantize = Requantize(biases, self.rng.integers(1 << 15, 1 << 16, channels), [22])
        requantize = Requantize(biases, requantize.multiplier, np.full(channels, 22))
        self.nodes.append(Conv(name, (source,), self.tensor(name, channels, *self._out(source, window)), weight,
                               window, groups, requantize))
        return name

    def pool(self, source: str, kernel: int = 3, stride: int = 2, name: str | None = None) -> str:
        name = name or f"pool{len(self.nodes)}"
        window = Window((kernel, kernel), (stride, stride))
        output = self.tensor(name, self.tensors[source].channels, *self._out(source, window))
        self.nodes.append(MaxPool(name, (source,), output, window))
        return name

    def concat(self, *sources: str) -> str:
        name, first = f"concat{len(self.nodes)}", self.tensors[sources[0]]
        output = self.tensor(name, sum(self.tensors[s].channels for s in sources), first.height, first.width)
        self.nodes.append(Concat(name, sources, output))
        return name

    def add(self, *sources: str) -> str:
        name, first = f"add{len(self.nodes)}", self.tensors[sources[0]]
        output = self.tensor(name, first.channels, first.height, first.width)
        self.nodes.append(Add(name, sources, output, (3,), (5,), Requantize([0], [40000], [18])))
        return name

    def fire(self, source: str, squeeze: int, expand: int) -> str:
        narrow = self.conv(source, squeeze)
        return self.concat(self.conv(narrow, expand), self.conv(narrow, expand, kernel=3, pad=1))

    def average(self, source: str) -> str:
        name = f"average{len(self.nodes)}"
        output = self.tensor(name, self.tensors[source].channels, 1, 1)
        self.nodes.append(GlobalAverage(name, (source,), output, Requantize([0], [40000], [20])))
        return name

    def graph(self, output: str) -> Graph:
        return verify(Graph("test", tuple(self.nodes), self.tensors, "image", output))


def chain_of_fires(layers: int = 5, size: int = 27) -> Graph:
    """Fires one after the other, and a classifier."""
    build = GraphBuilder(3, 2 * size, 2 * size)
    tensor = build.conv("image", 8, kernel=3, stride=2, pad=1)
    for _ in range(layers):
        tensor = build.fire(tensor, 4, 16)
    return build.graph(build.average(build.conv(tensor, 10)))


def check_against_reference(compiled: Compiled, seed: int = 0) -> None:
    """The emulator runs the emitted words and gives what the reference computes."""
    graph = compiled.graph
    image = np.random.default_rng(seed).integers(0, 256, graph.tensors[graph.input].shape, dtype=np.uint8)
    frame = Emulator(compiled.cfg, compiled.program.contents).run_frame(image.transpose(1, 2, 0))
    expected = reference.run(graph, image)[graph.output]
    assert frame.result == compiled.result.pack(expected)
