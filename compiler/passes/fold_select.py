"""A Select joins the layers around it: a convolution that reads other channels, or makes them, costs nothing more.

What is done with each Select, whichever comes first:

1. one that takes all channels in order goes;
2. one of another Select's result takes its channels from where that one did;
3. where a convolution makes what only Selects read, a convolution for each makes the channels that it takes;
4. one in another order moves behind the pool, scaling or depthwise convolution that alone reads it;
5. where only convolutions read it, they read all channels instead, with weights of 0 for those that were not taken:
   a convolution with groups becomes one without. Where this will do, it goes before 3.

What is left, before additions and concatenations mostly, is computed as it is: a tap of weight 1 a channel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from firelane.compiler.ir.graph import (
    WEIGHT_MAX,
    WEIGHT_MIN,
    AveragePool,
    ChannelScale,
    Conv,
    GlobalAverage,
    Graph,
    MaxPool,
    Node,
    Requantize,
    Rescale,
    Select,
)
from firelane.compiler.passes.rewiring import with_reads

WEIGHTS_MAX = 1 << 24                  # of a convolution that a Select joins, most of them zeros
ALL_WEIGHTS_MAX = 1 << 26              # of all of them together
SIBLINGS_MAX = 64                      # Selects that a convolution is shared out to


def fold_select(graph: Graph) -> Graph:
    """Every Select goes, or moves as far towards the output as it can."""
    if not any(isinstance(node, Select) for node in graph.nodes):
        return graph
    draft = _Draft(graph)
    waiting = [node.output for node in reversed(graph.nodes) if isinstance(node, Select)]
    while waiting:
        name = waiting.pop()
        node = draft.makers.get(name)
        if isinstance(node, Select):
            waiting += next((found for rule in RULES if (found := rule(draft, node)) is not None), [])
    return draft.graph()


class _Draft:
    """A graph that is being rewritten: nodes by what they make, and who reads each tensor.

    Nodes keep the order of the graph that was given: one that is put in stands where the one that it replaces stood.
    """

    def __init__(self, graph: Graph):
        self.given, self.output, self.tensors = graph, graph.output, dict(graph.tensors)
        self.room = ALL_WEIGHTS_MAX                      # for weights that are still to be made
        self.makers: dict[str, Node] = {node.output: node for node in graph.nodes}
        self._places = {node.output: place for place, node in enumerate(graph.nodes)}
        self._readers: dict[str, dict[str, None]] = {}   # of a tensor: what is made of it
        for node in graph.nodes:
            self._note(node)

    def readers(self, tensor: str) -> list[Node]:
        """The nodes that read a tensor."""
        return [self.makers[name] for name in self._readers.get(tensor, ())]

    def change(self, old: Node, new: Node) -> None:
        """`new` in place of `old`; if it makes something else, what `old` made goes."""
        place = self._places[old.output]
        self._forget(old)
        if new.output != old.output:
            del self.makers[old.output], self.tensors[old.output], self._places[old.output]
        self._places[new.output], self.makers[new.output] = place, new
        self._note(new)

    def remove(self, node: Node) -> None:
        """Take away a node that makes what nobody reads."""
        self._forget(node)
        del self.makers[node.output], self.tensors[node.output], self._places[node.output]

    def graph(self) -> Graph:
        """The graph as it is now."""
        ordered = sorted(self.makers.values(), key=lambda node: self._places[node.output])
        return replace(self.given, nodes=tuple(ordered), tensors=self.tensors)

    def _note(self, node: Node) -> None:
        for name in node.inputs:
            self._readers.setdefault(name, {})[node.output] = None

    def _forget(self, node: Node) -> None:
        for name in node.inputs:
            self._readers[name].pop(node.output, None)


def _all_in_order(draft: _Draft, node: Select) -> list[str] | None:
    """Rule 1. A Select whose result is the network's own stays."""
    source = draft.tensors[node.inputs[0]]
    if node.output == draft.output or not np.array_equal(node.channels, np.arange(source.channels)):
        return None
    again = [source.name, *(reader.output for reader in draft.readers(node.output))]
    for reader in draft.readers(node.output):
        draft.change(reader, with_reads(reader, {node.output: source.name}))
    draft.remove(node)
    return again


def _of_a_select(draft: _Draft, node: Select) -> list[str] | None:
    """Rule 2."""
    before = draft.makers.get(node.inputs[0])
    if not isinstance(before, Select):
        return None
    draft.change(node, replace(node, inputs=before.inputs, channels=before.channels[node.channels]))
    if draft.readers(before.output) or before.output == draft.output:
        return [node.output, before.output]              # who still reads that one may all be convolutions now
    draft.remove(before)
    return [node.output]


def _made_by_a_convolution(draft: _Draft, node: Select) -> list[str] | None:
    """Rule 3, unless rule 5 will do for all that read this convolution; no more channels are made than before."""
    maker, tensor = draft.makers.get(node.inputs[0]), draft.tensors[node.inputs[0]]
    others = draft.readers(tensor.name)
    selects = [other for other in others if isinstance(other, Select)]
    if not isinstance(maker, Conv) or not len(selects) == len(others) <= SIBLINGS_MAX or tensor.name == draft.output:
        return None
    if len(selects) > 1 and maker.inputs[0] == draft.given.input:
        return None                                      # only an image that one layer reads is loaded for its stride
    source = draft.tensors[maker.inputs[0]].channels
    if sum(len(other.channels) for other in selects) > tensor.channels or (
            maker.groups > 1 and _size(maker, source) > min(WEIGHTS_MAX, draft.room)):
        return None
    if all(_joins_readers(draft, other) for other in selects):
        return None
    weight = maker.weight
    if maker.groups > 1:
        weight = _reading_all(maker, np.arange(source), source)
        draft.room -= weight.size
    for other in selects:
        name = maker.name if len(selects) == 1 else other.name
        draft.change(other, replace(maker, name=name, output=other.output, weight=weight[other.channels], groups=1,
                                    requantize=_taken(maker.requantize, other.channels)))
    draft.remove(maker)
    return []


def _behind_its_reader(draft: _Draft, node: Select) -> list[str] | None:
    """Rule 4: the reader works on the channels in the order that they had."""
    readers, count = draft.readers(node.output), draft.tensors[node.inputs[0]].channels
    if len(readers) != 1 or node.output == draft.output or sorted(node.channels) != list(range(count)):
        return None
    reader = _in_order(readers[0], np.argsort(node.channels))
    if reader is None:
        return None
    name = f"{reader.output}/unordered"
    while name in draft.tensors:
        name += "#"
    draft.tensors[name] = replace(draft.tensors[reader.output], name=name)
    draft.change(node, replace(reader, inputs=node.inputs, output=name))
    draft.change(readers[0], replace(node, inputs=(name,), output=reader.output))
    return [reader.output]


def _in_order(node: Node, order: np.ndarray) -> Node | None:
    """A node that works on each channel alone, on channels in another order; None if it does not."""
    match node:
        case MaxPool():
            return node
        case Conv() if node.groups == len(node.weight) == len(order):
            return replace(node, weight=node.weight[order], requantize=_taken(node.requantize, order))
        case ChannelScale():
            return replace(node, factors=node.factors[order], requantize=_taken(node.requantize, order))
        case AveragePool() | GlobalAverage() | Rescale():
            return replace(node, requantize=_taken(node.requantize, order))
    return None


def _taken(requantize: Requantize, channels: np.ndarray) -> Requantize:
    """The requantization of those channels."""
    def part(array: np.ndarray) -> np.ndarray:
        return array if len(array) == 1 else array[channels]
    return replace(requantize, bias=part(requantize.bias), multiplier=part(requantize.multiplier),
                   shift=part(requantize.shift))


def _read_by_convolutions(draft: _Draft, node: Select) -> list[str] | None:
    """Rule 5."""
    if not _joins_readers(draft, node):
        return None
    count = draft.tensors[node.inputs[0]].channels
    readers = [reader for reader in draft.readers(node.output) if isinstance(reader, Conv)]
    weights = [_reading_all(reader, node.channels, count) for reader in readers]
    if any(weight.min() < WEIGHT_MIN or weight.max() > WEIGHT_MAX for weight in weights):
        return None                                      # of a channel that was taken twice weights are added
    for reader, weight in zip(readers, weights):
        draft.change(reader, replace(reader, inputs=node.inputs, weight=weight, groups=1))
        draft.room -= weight.size
    draft.remove(node)
    return []


def _joins_readers(draft: _Draft, node: Select) -> bool:
    """Whether all that read a Select are convolutions, and there is room for their weights for all channels."""
    readers, count = draft.readers(node.output), draft.tensors[node.inputs[0]].channels
    if not readers or node.output == draft.output:
        return False
    sizes = [_size(reader, count) if isinstance(reader, Conv) else WEIGHTS_MAX + 1 for reader in readers]
    return max(sizes) <= WEIGHTS_MAX and sum(sizes) <= draft.room


def _size(node: Conv, channels: int) -> int:
    """The number of weights without groups, for that many input channels."""
    return len(node.weight) * channels * node.weight.shape[2] * node.weight.shape[3]


def _reading_all(node: Conv, channels: np.ndarray, count: int) -> np.ndarray:
    """int16 weights for all `count` channels that some were taken of."""
    outputs, per_group, *kernel = node.weight.shape
    weight = np.zeros((outputs, count, *kernel), np.int16)
    for group, rows in enumerate(np.split(np.arange(outputs), node.groups)):
        read = channels[group * per_group:(group + 1) * per_group]
        np.add.at(weight, np.ix_(rows, read), node.weight[rows])
    return weight


Rule = Callable[[_Draft, Select], list[str] | None]     #: does what it can, and names what to look at again; else None
RULES: tuple[Rule, ...] = (_all_in_order, _of_a_select, _made_by_a_convolution, _behind_its_reader,
                           _read_by_convolutions)
