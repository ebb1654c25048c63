"""Parts of a layer: some of its output channels, with all that belongs to them."""

from __future__ import annotations

from dataclasses import replace

from compiler.ir import Requantize
from compiler.layers import Map, Network, TileLayer, View


def slice_requantize(requantize: Requantize, start: int, channels: int) -> Requantize:
    """The parameters of a range of channels."""
    arrays = {name: array if len(array) == 1 else array[start:start + channels]
              for name in ("bias", "multiplier", "shift") for array in [getattr(requantize, name)]}
    return replace(requantize, **arrays)


def slice_channels(layer: TileLayer, start: int, channels: int) -> TileLayer:
    """Output channels [start, start + channels) of a layer without groups."""
    changes = {"name": f"{layer.name}[{start}:{start + channels}]", "channels_out": channels,
               "requantize": slice_requantize(layer.requantize, start, channels),
               "output": layer.output and layer.output.part(start, channels)}
    if layer.weights is None:
        return replace(layer, inputs=tuple(view.part(start, channels) for view in layer.inputs), **changes)
    return replace(layer, weights=layer.weights[start:start + channels], **changes)


def can_chunk(network: Network, name: str) -> bool:
    """Whether `chunked` can do map `name`: one channel-wise layer reads it, all of it, and plain layers write it."""
    layers = [layer for layer in network.layers if isinstance(layer, TileLayer)]
    readers = [layer for layer in network.layers
               if any(view.map == name for view in getattr(layer, "inputs", (getattr(layer, "input", None),)) if view)]
    writers = [layer for layer in network.layers if getattr(layer, "output", None) and layer.output.map == name]
    return (len(readers) == 1 and readers[0] in layers and readers[0].weights is None
            and readers[0].inputs == (View(name, 0, network.maps[name].channels),) and readers[0].output is not None
            and all(layer in layers and layer.groups == 1 and layer.chunk == 0 for layer in [*writers, *readers]))


def chunked(network: Network, name: str, size: int) -> Network:
    """`network` with map `name` and its reader in chunks of `size` channels.

    A channel-wise reader needs one chunk at a time, so only that one lives. Chunks whose rows are needed for a second
    row group of the reader's output are computed again. Layers get a descriptor, and weight streams, for each chunk.
    """
    reader = next(layer for layer in network.layers if isinstance(layer, TileLayer)
                  and any(view.map == name for view in layer.inputs))
    writers = [layer for layer in network.layers if isinstance(layer, TileLayer) and layer.output
               and layer.output.map == name]
    maps, pieces, chunks = dict(network.maps), [], dict(network.chunks)
    whole = maps.pop(name)
    for writer in sorted(writers, key=lambda layer: layer.output.channel):
        for start in range(0, writer.channels_out, size):
            channels, first = min(size, writer.channels_out - start), writer.output.channel + start
            part = Map(f"{name}[{first}:{first + channels}]", channels, whole.height, whole.width, whole.parts_log2)
            maps[part.name], chunks[part.name] = part, View(name, first, channels)
            pieces += _piece(writer, start, reader, first, View(part.name, 0, channels), len(chunks))
    layers = []
    for layer in network.layers:
        layers += pieces if layer is reader else [] if layer in writers else [layer]
    return replace(network, layers=tuple(layers), maps=maps, chunks=chunks)


def _piece(writer: TileLayer, start: int, reader: TileLayer, first: int, view: View, chunk: int) -> list[TileLayer]:
    """The layers of one chunk: it is written, then read."""
    writes, reads = slice_channels(writer, start, view.channels), slice_channels(reader, first, view.channels)
    return [replace(writes, output=view, chunk=chunk), replace(reads, inputs=(view,), chunk=chunk)]
