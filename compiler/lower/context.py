"""The state of lowering, shared by the files of this package."""

from __future__ import annotations

from dataclasses import dataclass, field

from firelane.compiler.ir.graph import GlobalAverage, Graph, Node
from firelane.compiler.lower.views import concat_ranges, fused_averages
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.tiles.layers import AnyLayer, Map, TiledNetwork, View
from firelane.hw.contract.config import EngineConfig


@dataclass
class Lowering:
    """Mutable state of one run of `compiler.lower.lower`."""

    graph: Graph
    cfg: EngineConfig
    layers: list[AnyLayer] = field(default_factory=list)
    maps: dict[str, Map] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    problems: list[FirelaneError] = field(default_factory=list)
    streamed: set[str] = field(default_factory=set)     #: outputs that an AVERAGE sends without storing them
    input_space_to_depth: bool = False

    def __post_init__(self) -> None:
        self.concat_ranges = concat_ranges(self.graph)  #: tensor -> (concat output, first channel)
        self.averages = fused_averages(self.graph)      #: tensor -> the GlobalAverage that its producer performs
        self.names: set[str] = set()                    #: of the first `named` layers
        self.named = 0

    def network(self) -> TiledNetwork:
        """The layers and maps so far."""
        return TiledNetwork(self.graph.name, tuple(self.layers), dict(self.maps), dict(self.views))

    def add_map(self, name: str, channels: int, height: int, width: int) -> View:
        """A new map; its name is made unique."""
        name = unique(name, self.maps)
        self.maps[name] = Map(name, channels, height, width)
        return View(name, 0, channels)

    def output_view(self, tensor: str) -> View:
        """The place where `tensor` is stored: a range of the concatenation that takes it over, or a map of its own."""
        if tensor not in self.views:
            shape = self.graph.tensors[tensor].shape
            if tensor in self.concat_ranges:
                target, channel = self.concat_ranges[tensor]
                self.views[tensor] = self.output_view(target).part(channel, shape[0])
            else:
                self.views[tensor] = self.add_map(tensor, *shape)
        return self.views[tensor]

    def assume(self, node: Node) -> None:
        """Go on after a problem with `node` as if its results were there."""
        for name in (node.output, *(average.output for average in [self.fused_average(node.output)] if average)):
            self.output_view(name)

    def layer_name(self, node: Node, suffix: str = "") -> str:
        """The node's name with a suffix, made unique among the layers."""
        self.names.update(layer.name for layer in self.layers[self.named:])        # layers are only ever added
        self.named = len(self.layers)
        return unique((node.name or node.output) + suffix, self.names)

    def fused_average(self, tensor: str) -> GlobalAverage | None:
        """The average that the producer of `tensor` performs in its drain, if any."""
        return self.averages.get(tensor)


def unique(name: str, taken) -> str:
    """`name`, or `name#2`, `name#3`, ... if it is taken."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}#{number}"
    return candidate
