"""The network in engine terms: maps in memory, and layers that each become one descriptor and a row of tiles.

`compiler.lower` makes these from the graph; scheduling, addressing and emission read them. Nothing here knows about
addresses or order. All records are frozen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from firelane.compiler.ir.graph import IDENTITY, Requantize
from firelane.compiler.tiles.kernel_table import KernelTable, Place
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.instruction import Destination, Operation, Source
from firelane.hw.contract.issue import ChannelTaps, taken_alone


@dataclass(frozen=True)
class Map:
    """A feature map as it is stored in activation memory; row group t is a block of `channels` words.

    Several tensors of the graph may share one map: the inputs of a concatenation are channel ranges of its result.
    """

    name: str
    channels: int
    height: int
    width: int
    parts_log2: int = 0         #: row class: a row takes 2**parts_log2 banks
    first_column: int = 0       #: where column 0 is stored; what is to the left of it is garbage that nobody reads

    @property
    def columns(self) -> int:
        """Stored columns of a row, up to the map's last."""
        return self.first_column + self.width

    def rows_per_word(self, cfg: EngineConfig) -> int:
        """Rows of the map in each of its words."""
        return cfg.banks >> self.parts_log2

    def groups(self, cfg: EngineConfig) -> int:
        """Row groups: blocks that hold the whole map."""
        return -(-self.height // self.rows_per_word(cfg))


@dataclass(frozen=True)
class View:
    """A tensor: channels [channel, channel + channels) of a map."""

    map: str
    channel: int
    channels: int

    def overlaps(self, other: View) -> bool:
        """Whether the two have a channel in common."""
        return (self.map == other.map and self.channel < other.channel + other.channels
                and other.channel < self.channel + self.channels)

    def part(self, channel: int, channels: int) -> View:
        """Some of its channels, counted from its first."""
        return View(self.map, self.channel + channel, channels)


@dataclass(frozen=True, eq=False)
class Layer:
    """What all layers have in common: a name, and the tensors in activation memory that they read and write."""

    name: str                   #: unique; for messages it begins with the node's name

    @property
    def kind(self) -> str:
        """tile, load, average or output."""
        return type(self).__name__.removesuffix("Layer").lower()

    @property
    def reads(self) -> tuple[View, ...]:
        """The tensors that it reads from activation memory."""
        return ()

    @property
    def writes(self) -> View | None:
        """The tensor that it writes to activation memory, if any."""
        return None

    @property
    def channels_summed(self) -> int:
        """Channels of its result where that is not stored: of the channel sums, or of their averages."""
        return 0

    def rank(self, first_row: int) -> tuple[int, ...]:
        """The order of its steps within a row group, by the first row that each makes."""
        return (0, first_row)


@dataclass(frozen=True, eq=False)
class TileLayer(Layer):
    """A layer that runs as tiles: every output channel accumulates taps over all lanes.

    Lane (Y, X) of the input's geometry reads rows Y + dy and columns X + dx. Without `subsample` it makes output pixel
    (Y, X), with it output pixel (y, x) is lane (2 y + row_phase, 2 x + column_phase), or, with `block_rows`, the
    maximum of lanes 2 x and 2 x + 1 of row 2 y, and of two rows of row 2 y + 1 (`instruction.makes_blocks`; then phases
    are 0). Columns X and x are those of the words, in which a map begins at its `first_column`.
    """

    inputs: tuple[View, ...]
    output: View | None                     #: None with Destination.AVERAGE
    places: tuple[Place, ...]
    channels_out: int
    out_height: int
    out_width: int
    requantize: Requantize
    weights: np.ndarray | None = None       #: int8 (O, channels in of a group, places); None: Source.WINDOW
    groups: int = 1
    operation: Operation = Operation.MULTIPLY
    destination: Destination = Destination.MEMORY
    pad: int = 0
    subsample: bool = False
    row_phase: int = 0
    column_phase: int = 0
    block_rows: int = 0                     #: of lanes that a maximum by blocks merges, 1 or 2; 0 without blocks
    first_column: int = 0                   #: of the output map
    chunk: int = 0                          #: number of the chunk of channels that it writes or reads, from 1
    rows_first: bool = False                #: all chunks of a row group, then the next; else all rows of a chunk first
    continues: bool = False                 #: with Destination.AVERAGE: adds to the sums of the layer before
    table: KernelTable | None = None        #: of its places, once the row classes of the maps are known

    @property
    def reads(self) -> tuple[View, ...]:
        return self.inputs

    @property
    def writes(self) -> View | None:
        return self.output

    @property
    def channels_summed(self) -> int:
        return self.channels_out

    def rank(self, first_row: int) -> tuple[int, ...]:
        return (first_row, self.chunk) if self.rows_first else (self.chunk, first_row)

    @property
    def source(self) -> Source:
        return Source.WINDOW if self.weights is None else Source.STREAM

    @property
    def alone(self) -> bool:
        """Whether its taps are issued one by one in any engine."""
        channels_in = 1 if self.weights is None else self.weights.shape[1]
        return taken_alone(self.source, self.operation, channels_in, len(self.places))

    @cached_property
    def channel_taps(self) -> ChannelTaps:
        """What its channels take at least: one tap, or two where they are taken in pairs."""
        if self.weights is None:
            return ChannelTaps((len(self.places),) * self.channels_out, alone=True, blocks=self.block_rows > 0)
        counts = np.count_nonzero(self.weights.reshape(self.channels_out, -1), axis=1)
        return ChannelTaps(tuple(np.maximum(counts, 1 if self.alone else 2).tolist()), self.alone)

    @property
    def kernel(self) -> KernelTable:
        """The kernel table of a layer whose maps have row classes."""
        assert self.table is not None, f"{self.name}: row classes were not assigned"
        return self.table

    @property
    def stride(self) -> int:
        return 2 if self.subsample else 1

    @property
    def out_columns(self) -> int:
        """Columns of a result's row that the layer makes, from column 0 of the words."""
        return self.first_column + self.out_width

    @property
    def lane_width(self) -> int:
        """Lanes of a row that the layer uses, from column 0."""
        return self.stride * (self.out_columns - 1) + self.column_phase + 1


@dataclass(frozen=True, eq=False)
class LoadLayer(Layer):
    """The image stream into a map, a row group at a time."""

    output: View
    channels: int               #: of the image
    height: int
    width: int
    space_to_depth: bool = False
    pad: int = 0                #: for the pixel or row that an odd image lacks in its last 2x2 block

    @property
    def writes(self) -> View:
        return self.output


@dataclass(frozen=True, eq=False)
class AverageLayer(Layer):
    """Requantized channel sums: the end of the tiles of the layers in `sources`."""

    sources: tuple[str, ...]    #: the TileLayers with Destination.AVERAGE that it completes; all but the first continue
    output: View | None         #: a 1x1 map, or None: the result stream
    channels: int
    requantize: Requantize
    last: bool = False          #: ends the result

    @property
    def writes(self) -> View | None:
        return self.output

    @property
    def channels_summed(self) -> int:
        return self.channels


@dataclass(frozen=True, eq=False)
class OutputLayer(Layer):
    """A map to the result stream, a row group at a time."""

    input: View

    @property
    def reads(self) -> tuple[View, ...]:
        return (self.input,)


AnyLayer = TileLayer | LoadLayer | AverageLayer | OutputLayer       #: for `match`: that there are no others


@dataclass(frozen=True)
class Chunk:
    """A map that holds some channels of one that would be too large.

    `kept`: each of its row groups is computed once and lives until its last reader; else once for each row group of
    what is made of the chunks.
    """

    whole: View
    kept: bool


@dataclass(frozen=True, eq=False)
class TiledNetwork:
    """Layers in an order in which each reads what earlier ones wrote."""

    name: str
    layers: tuple[AnyLayer, ...]
    maps: dict[str, Map]
    tensors: dict[str, View] = field(default_factory=dict)      #: where each tensor of the graph is stored
    chunks: dict[str, Chunk] = field(default_factory=dict)      #: by map

    def tile_layer(self, name: str) -> TileLayer:
        """The layer of that name, which runs as tiles."""
        return next(layer for layer in self.layers if isinstance(layer, TileLayer) and layer.name == name)

    def origin(self, view: View) -> View:
        """`view` in terms of the maps that hold the graph's tensors."""
        chunk = self.chunks.get(view.map)
        return chunk.whole.part(view.channel, view.channels) if chunk else view


def copy_layer(name: str, source: View, output: View | None, height: int, width: int, **options) -> TileLayer:
    """A layer that moves a tensor, pixel by pixel (with `subsample`, every second row and column of it)."""
    return TileLayer(name=name, inputs=(source,), output=output, places=(Place(0, 0, weight=1),),
                     channels_out=source.channels, out_height=height, out_width=width,
                     requantize=options.pop("requantize", IDENTITY), **options)


def narrowest_row_class(width: int, cfg: EngineConfig) -> int | None:
    """The least row class whose rows hold `width` pixels; None if no row does."""
    return next((k for k in range(cfg.classes) if width <= BANK_PIXELS << k), None)
