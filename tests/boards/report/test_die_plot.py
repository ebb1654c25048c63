"""The picture of the die: each cell in its place and in the colour of its part; the names are those of the hardware."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Fragment
from matplotlib.colors import to_rgb
from PIL import Image

from firelane.boards import get_board
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from firelane.boards.report.die_plot import BLOCKS, DIES, SHADE, SPOTS, block_of, die_plot, draw_die
from firelane.boards.report.placement import Placement, placement_of, read_placement
from firelane.boards.top.top import BoardTop
from firelane.hw.contract.config import EngineConfig
from firelane.hw.engine import Engine
from tests.boards.place.placed import flip_flop, lut, write_placed
from tests.hw.test_engine import SIZES

LANES, LINK = "linked.engine.datapath.lanes", "linked.link"
COLOURS = {block.name: np.round(np.array(to_rgb(block.colour)) * 255) for block in BLOCKS}


def test_where_everything_is(tmp_path):
    cells = {f"{LANES}.a": lut("X3/Y4/SLICEC.K1", 10), f"{LANES}.b": flip_flop("X3/Y4/SLICEC.FF1", 11, 10),
             f"{LINK}.c": ("DP16KD", {}, "X1/Y22/EBR0", {"DOB0": 30}), "wire_1": lut("", 12),
             "clock": ("DCCA", {}, "X5/Y5/DCC0", {"CLKO": 1})}
    found = placement_of(PlacedNetlist(write_placed(tmp_path, cells)[0]))
    assert found.cells == {LANES: {"LUT": [(3, 4, 5)], "FF": [(3, 4, 5)]}, LINK: {"EBR": [(1, 22, 0)]}}
    assert [found.count(kind) for kind in ("LUT", "FF", "EBR", "DSP")] == [1, 1, 1, 0]


def test_the_picture():
    picture = draw_die(Placement({LANES: {"LUT": [(2, 1, 7)], "FF": [(2, 1, 0)]}, LINK: {"EBR": [(0, 3, 0)]}}), 6, 5)
    tile = picture.shape[0] // 5
    spot = tile // SPOTS
    assert picture.shape == (5 * tile, 6 * tile, 3)
    assert (picture[tile + 3 * spot, 2 * tile + spot] == COLOURS["lanes"]).all()
    assert (picture[tile, 2 * tile + 2 * spot] == np.round(COLOURS["lanes"] * SHADE)).all()
    assert (picture[3 * tile:4 * tile - 1, :2 * tile - 1] == COLOURS["serial link"]).all()
    lanes = (picture == COLOURS["lanes"]).all(axis=2).sum()
    assert lanes == spot * spot                                          # no cell is drawn anywhere else


@pytest.mark.parametrize("instance, name", [
    ("linked.engine.sequencer.fetch", "control"), ("linked.engine.datapath.sums$162", "drain, requantize"),
    ("linked.engine.datapath.mask", "row and column moves"), ("linked.engine.tap_path.weights", "weight memory"),
    ("linked.engine.tap_path.weightsmith", "decoding of taps"), ("linked.receiver", "serial link"), ("", "clock, pads"),
    ("reset", "clock, pads")])
def test_blocks(instance: str, name: str):
    assert block_of(instance).name == name


def test_the_hardware_has_these_instances():
    """An instance that is renamed would fall to the block around it, and nobody would see it."""
    board = replace(get_board("ulx3s_25f"), engine=EngineConfig(banks=1, **SIZES))
    top = BoardTop(board, Engine(board.engine))
    paths = set()
    collect(Fragment.get(top, board.platform()), "", paths)
    named = [start for block in BLOCKS for start in block.instances if start]
    assert named and [start for start in named if start not in paths] == []


def collect(fragment: Fragment, path: str, paths: set[str]) -> None:
    for inner, name, _ in fragment.subfragments:
        if name:
            below = f"{path}.{name}" if path else name
            paths.add(below)
            collect(inner, below, paths)


def test_a_real_build(tiny_build):
    """Everything that nextpnr counted is drawn, and twice the same."""
    record = json.loads((tiny_build / "build.json").read_text())["resources"]
    placement = read_placement(tiny_build)
    assert placement.count("EBR") == record["EBR"]["used"] == 10 and placement.count("FF") == record["FF"]["used"]
    assert placement.count("LUT") >= record["LUT"]["used"] > 0
    pictures = [die_plot(placement, "LFE5U-12F", "tiny") for _ in range(2)]
    assert pictures[0] == pictures[1] and len(pictures[0]) < 200_000
    with Image.open(io.BytesIO(pictures[0])) as picture:
        assert picture.width >= DIES["12F"][0] * SPOTS


def test_a_device_without_a_known_die():
    with pytest.raises(Exception, match="XC7A100T: the size of its die is not known"):
        die_plot(Placement({}), "XC7A100T", "")
