"""A picture of the die: every LUT, flip-flop, block RAM and multiplier of a build, coloured by what it is part of."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from firelane.boards.report.placement import BLOCK_RAM, FLIP_FLOP, KINDS, LUT, MULTIPLIER, Placement
from firelane.compiler.support.errors import ConfigError


@dataclass(frozen=True)
class Block:
    """A part of the design that has one colour: a name for the legend, and where its instances begin."""

    name: str
    colour: str
    instances: tuple[str, ...]


OTHER = Block("clock, pads", "#8b949e", ("",))
BLOCKS = (
    Block("control", "#f2cc60", ("linked.engine",)),
    Block("weight memory", "#f0883e", ("linked.engine.tap_path.weights",)),
    Block("decoding of taps", "#ff5c57", ("linked.engine.tap_path",)),
    Block("activation memory", "#2f81f7", ("linked.engine.datapath.memory", "linked.engine.datapath.load_register",
                                           "linked.engine.datapath.write_back")),
    Block("row and column moves", "#39c5cf", ("linked.engine.datapath",)),
    Block("lanes", "#3fb950", ("linked.engine.datapath.lanes",)),
    Block("drain, requantize", "#d2a8ff", ("linked.engine.datapath.drain", "linked.engine.datapath.requantize",
                                           "linked.engine.datapath.results", "linked.engine.datapath.sums")),
    Block("image in, result out", "#f778ba", ("linked.engine.loader", "linked.engine.results")),
    Block("serial link", "#ffffff", ("linked",)),
    OTHER,
)
"""An instance is part of the block with the longest beginning of its path."""

DIES = {"12F": (73, 51), "25F": (73, 51), "45F": (91, 72), "85F": (127, 96)}
"""Columns and rows of tiles of ECP5 devices, by the end of their names; from Project Trellis' `devices.json`."""

GROUND, TILE, FREE_BLOCK, TEXT = "#0d1117", "#161b22", "#30363d", "#e6edf3"
WIDTH = 1016            #: pixels of the die, more or less: as wide as a README is shown
SPOTS = 4               #: a tile is 4 x 4 spots: LUTs in its two columns on the left, flip-flops on the right
SHADE = 0.62            #: of a flip-flop's colour
NOTE = "Bright: LUTs. Dark: flip-flops. Bars in the gray rows: block RAMs and multipliers. Percent: share of the LUTs."
DPI, FONT_SIZE, LEGEND_HEIGHT, NOTE_HEIGHT, TITLE_HEIGHT = 100, 11, 88, 26, 40
COLOURS = 64            #: of the image; there are few, and the edges of letters
BLOCK_COLUMNS = {BLOCK_RAM: 2, MULTIPLIER: 1}       #: how wide one is drawn, in tiles


def die_plot(placement: Placement, device: str, title: str) -> bytes:
    """The picture as PNG; the same bytes for the same placement.

    Parameters
    ----------
    device : name of an ECP5 as `boards.board.Device` has it
    title : a line above the die

    Raises
    ------
    ConfigError
        If the size of the device's die is not known.
    """
    die = DIES.get(device.rpartition("-")[2])
    if die is None:
        raise ConfigError(device, "the size of its die is not known", hint=f"LFE5U or LFE5UM5G: {', '.join(DIES)}")
    picture = draw_die(placement, *die)
    height, width = picture.shape[:2]
    below = LEGEND_HEIGHT + NOTE_HEIGHT
    total = height + below + TITLE_HEIGHT
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": FONT_SIZE, "text.color": TEXT}):
        figure = Figure(figsize=(width / DPI, total / DPI), dpi=DPI, facecolor=GROUND)
        figure.figimage(np.flipud(picture), 0, below, origin="lower")
        figure.text(8 / width, 1 - TITLE_HEIGHT / 2 / total, title, va="center", fontsize=FONT_SIZE + 2)
        figure.text(8 / width, (below - NOTE_HEIGHT / 2) / total, NOTE, va="center", fontsize=FONT_SIZE - 2)
        figure.legend(handles=_legend(placement), loc="lower left", ncols=4, frameon=False, borderaxespad=0.4,
                      handlelength=1, handleheight=1, columnspacing=1.6)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    file = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def block_of(instance: str) -> Block:
    """The block that an instance is part of."""
    fitting = [(len(start), block) for block in BLOCKS for start in block.instances
               if not start or instance == start or instance.startswith((f"{start}.", f"{start}$"))]
    return max(fitting, key=lambda pair: pair[0])[1]


def draw_die(placement: Placement, columns: int, rows: int) -> np.ndarray:
    """Tiles and all that is in them: uint8 (height, width, 3), row 0 of the device on top."""
    spot = max(1, round(WIDTH / columns / SPOTS))
    tile = SPOTS * spot
    picture = np.empty((rows * tile, columns * tile, 3), dtype=np.uint8)
    picture[:] = _rgb(GROUND)
    grid = picture.reshape(rows, tile, columns, tile, 3)
    grid[:, :-1, :, :-1] = _rgb(TILE)
    places = _by_block(placement)
    for kind in (BLOCK_RAM, MULTIPLIER):
        for y in {place[1] for kinds in places.values() for place in kinds[kind]}:
            grid[y, 1:-1] = _rgb(FREE_BLOCK)
    for block, kinds in places.items():
        for kind in KINDS:
            for place in kinds[kind]:
                _fill(picture, kind, place, tile, _rgb(block.colour, SHADE if kind == FLIP_FLOP else 1.0))
    return picture


def _by_block(placement: Placement) -> dict[Block, dict[str, list]]:
    places: dict[Block, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for instance, kinds in placement.cells.items():
        for kind, there in kinds.items():
            places[block_of(instance)][kind] += there
    return places


def _fill(picture: np.ndarray, kind: str, place: tuple[int, int, int], tile: int, colour: np.ndarray) -> None:
    x, y, number = place
    spot = tile // SPOTS
    left, top = x * tile, y * tile
    if kind in BLOCK_COLUMNS:
        picture[top:top + tile - 1, left:left + BLOCK_COLUMNS[kind] * tile - 1] = colour
        return
    left += (number % 2 + (2 if kind == FLIP_FLOP else 0)) * spot
    top += number // 2 * spot
    picture[top:top + spot, left:left + spot] = colour


def _legend(placement: Placement) -> list[Patch]:
    """The blocks that there are, in the order of BLOCKS, with their share of the LUTs."""
    luts: Counter[Block] = Counter()
    for block, kinds in _by_block(placement).items():
        luts[block] += len(kinds[LUT])
    total = max(sum(luts.values()), 1)
    return [Patch(color=block.colour, label=f"{block.name} {luts[block] / total:.0%}")
            for block in BLOCKS if block in luts]


def _rgb(colour: str, brightness: float = 1.0) -> np.ndarray:
    return np.round(np.array(to_rgb(colour)) * 255 * brightness).astype(np.uint8)
