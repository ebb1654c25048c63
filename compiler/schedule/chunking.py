"""Maps in chunks of channels, where whole row groups of them would not fit.

A channel-wise layer (pooling, addition) needs one channel of its inputs at a time. What is read by nothing else can be
computed, consumed and forgotten a chunk of channels at a time; so can what it is made of, if that is channel-wise too.
There are two orders:

* kept: a row group of all chunks, then the next. Rows that the next one needs again wait in memory, and each chunk of
  them goes as the next row group of it is consumed: one row group of all chunks lives, and nothing is computed twice.
* not kept: all rows of a chunk that one row group of the result needs, then the next chunk. One chunk lives, and rows
  at the edge of a row group of the result are computed again for the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from firelane.compiler.tiles.layers import AnyLayer, Chunk, Map, TiledNetwork, TileLayer, View
from firelane.compiler.tiles.slicing import slice_channels
from firelane.hw.contract.config import EngineConfig

SIZES = (128, 64, 32)            #: most channels of a chunk, the first choice first


@dataclass(frozen=True, order=True)
class Chunking:
    """The way in which a layer is taken apart: chunks of at most `size` channels, and whether they are kept."""

    size: int
    kept: bool


def sites(network: TiledNetwork) -> dict[str, frozenset[str]]:
    """The channel-wise layers that can be taken apart, by name, and the maps that would be in chunks then."""
    maps = _ExclusiveMaps(network)
    found = {layer.name: frozenset(maps.behind(layer)) for layer in network.layers if isinstance(layer, TileLayer)}
    inner = {writer.name for names in found.values() for name in names for writer, _ in maps.writers(name)}
    return {name: taken for name, taken in found.items() if taken and name not in inner}


def choices(network: TiledNetwork, name: str, cfg: EngineConfig) -> list[Chunking]:
    """Ways to take the layer apart that differ: the orders agree if a row group of the result needs just one."""
    layer = network.tile_layer(name)
    rows = {network.maps[view.map].rows_per_word(cfg) for view in (*layer.inputs, layer.output) if view}
    one_to_one = len(rows) == 1 and layer.stride == 1 and not any(place.dy for place in layer.places)
    return [Chunking(size, kept) for size in SIZES if size < layer.channels_out
            for kept in (True, False) if kept or not one_to_one]


def chunked(network: TiledNetwork, chosen: Mapping[str, Chunking]) -> TiledNetwork:
    """`network` with the layers named in `chosen`, and what only they read, in chunks.

    Each chunk of a layer has a descriptor and weight streams of its own.
    """
    for name, chunking in chosen.items():
        network = _Splitter(network, chunking).split(name)
    return network


class _ExclusiveMaps:
    """Which maps a channel-wise layer has for itself, and who writes them."""

    def __init__(self, network: TiledNetwork):
        self._maps = network.maps
        self._writers: dict[str, list[tuple[AnyLayer, View]]] = {name: [] for name in network.maps}
        self._readers: dict[str, list[str]] = {name: [] for name in network.maps}
        for layer in network.layers:
            written = layer.writes
            if written:
                self._writers[written.map].append((layer, written))
            for name in {view.map for view in layer.reads}:
                self._readers[name].append(layer.name)

    def writers(self, name: str) -> list[tuple[TileLayer, View]]:
        """The layers that write a map and can be taken apart by channels, and what each writes."""
        return [(layer, view) for layer, view in self._writers[name]
                if isinstance(layer, TileLayer) and layer.groups == 1 and not layer.chunk]

    def of(self, layer: TileLayer) -> list[str]:
        """Maps that `layer` reads from the first channel to the last, and nobody else."""
        if layer.weights is not None or layer.output is None or layer.chunk:
            return []
        return [name for name in dict.fromkeys(view.map for view in layer.inputs)
                if self._readers[name] == [layer.name] and self.writers(name) == self._writers[name]
                and {view for view in layer.inputs if view.map == name} == {View(name, 0, self._maps[name].channels)}]

    def behind(self, layer: TileLayer) -> Iterator[str]:
        """Maps that `layer` has for itself, those that the layers that write these have for themselves, and so on."""
        for name in self.of(layer):
            yield name
            for writer, _ in self.writers(name):
                yield from self.behind(writer)


class _Splitter:
    """Takes one layer of a network apart."""

    def __init__(self, network: TiledNetwork, chunking: Chunking):
        self._network, self._chunking = network, chunking
        self._exclusive = _ExclusiveMaps(network)
        self._maps, self._chunks = dict(network.maps), dict(network.chunks)

    def split(self, name: str) -> TiledNetwork:
        """The network with the layer `name`, and what is behind it, in pieces."""
        reader = self._network.tile_layer(name)
        gone = set(self._exclusive.behind(reader))
        bounds = pairwise(_bounds(self._cuts(reader), self._chunking.size))
        pieces = [piece for number, (start, end) in enumerate(bounds, 1)
                  for piece in self._piece(reader, start, end, None, number)]
        layers: list[AnyLayer] = []
        for layer in self._network.layers:
            if layer is reader:
                layers += pieces
            elif layer.writes is None or layer.writes.map not in gone:
                layers.append(layer)
        maps = {key: value for key, value in self._maps.items() if key not in gone}
        return replace(self._network, layers=tuple(layers), maps=maps, chunks=self._chunks)

    def _cuts(self, layer: TileLayer) -> set[int]:
        """Output channels at which pieces of the layer must begin or end: where other layers take over behind it."""
        return {0, layer.channels_out} | {
            written.channel + cut for name in self._exclusive.of(layer)
            for writer, written in self._exclusive.writers(name) for cut in self._cuts(writer)}

    def _piece(self, layer: TileLayer, start: int, end: int, output: View | None, number: int) -> list[TileLayer]:
        """Output channels [start, end) of a layer, written to `output`, and before it the pieces that it reads."""
        part = slice_channels(layer, start, end - start)
        before: list[TileLayer] = []
        inputs = dict(zip(layer.inputs, part.inputs))
        for name in self._exclusive.of(layer):
            source, view = self._network.maps[name], self._chunk(self._network.maps[name], start, end)
            inputs[View(name, 0, source.channels)] = view
            for writer, written in self._exclusive.writers(name):
                first = written.channel
                if first <= start < first + writer.channels_out:
                    before += self._piece(writer, start - first, end - first, view, number)
        return [*before, replace(part, inputs=tuple(inputs[view] for view in layer.inputs),
                                 output=output or part.output, chunk=number, rows_first=self._chunking.kept)]

    def _chunk(self, whole: Map, start: int, end: int) -> View:
        name = f"{whole.name}[{start}:{end}]"
        self._maps[name] = replace(whole, name=name, channels=end - start)
        self._chunks[name] = Chunk(View(whole.name, start, end - start), self._chunking.kept)
        return View(name, 0, end - start)


def _bounds(cuts: Iterable[int], size: int) -> list[int]:
    """Equal chunks of at most `size` channels between one cut and the next."""
    bounds = [0]
    for start, end in pairwise(sorted(cuts)):
        count = -(-(end - start) // size)
        bounds += [start + (end - start) * number // count for number in range(1, count + 1)]
    return bounds
