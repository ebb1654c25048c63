"""boards.place.blocks.lane_strips: which cells belong to which strip, by the names that the hardware really has."""

import numpy as np
import pytest
from amaranth.hdl import Fragment

from firelane.boards.place.blocks.block_placement import Effort, place_blocks
from firelane.boards.place.blocks.lane_strips import lane_strips
from firelane.boards.place.ecp5.block_sites import BLOCK_RAM, block_sites
from firelane.boards.place.ecp5.logic_types import ECP5_LOGIC
from firelane.boards.place.netlist.netlist_graph import netlist_graph
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.engine import Engine
from tests.boards.place.netlists import module
from tests.hw.blocks.carry_proof import Ecp5
from tests.hw.test_engine import SIZES

DEVICE = block_sites("LFE5U-85F")


@pytest.mark.parametrize("taps", [1, 2])
def test_the_hardware_has_these_names(taps):
    """A part that is renamed would lose its strip, and nobody would see it but in the wires."""
    names = {}
    collect(Fragment.get(Engine(EngineConfig(banks=2, taps_per_cycle=taps, **SIZES)), Ecp5()), "engine", names)
    if taps == 1:       # Yosys names the blocks that it makes of a memory
        for bank in [name for name in names if name.endswith(".cells_0")]:
            names |= {f"{bank}.0.{n}": "DP16KD" for n in range(BANK_PIXELS // 2)}
    strips = lane_strips(list(names))
    kinds = np.array(list(names.values()))[strips.cells]
    columns = (strips.across * BANK_PIXELS / 2).astype(int)
    for pair in range(BANK_PIXELS // 2):
        here = columns == pair
        for bank in (0.25, 0.75):
            in_bank = here & (strips.along == bank)
            assert (kinds[in_bank] == "DP16KD").sum() == 1 and (kinds[in_bank] == "MULT18X18D").sum() == 2
        assert (kinds[here & np.isnan(strips.along)] == "MULT18X18D").sum() == 4        # requantizers


def collect(fragment: Fragment, path: str, names: dict[str, str]) -> None:
    """The instances below `fragment` and their types, '' for what is no cell."""
    for inner, name, _ in fragment.subfragments:
        if name:
            names[f"{path}.{name}"] = getattr(inner, "type", "")
            collect(inner, f"{path}.{name}", names)


def test_a_netlist_without_lanes():
    assert lane_strips(["engine.sequencer.state_TRELLIS_FF_Q", "engine.requantizer"]) is None


def test_blocks_stand_in_their_strips():
    """Nothing ties the columns to each other but their order, which only the strips tell."""
    cells = {}
    for column in range(0, BANK_PIXELS, 2):
        for bank in range(8):
            net = 100 * (8 * column + bank)
            cells[f"e.memory.bank_{bank}.block_0_{column // 2}"] = ("DP16KD", [net, 100 * column + 90])
            cells |= {f"e.lanes.hold_{bank}_{column}_{n}": ("LUT4", [net, net + 1]) for n in range(20)}
            cells[f"e.lanes.sums_{bank}_{column}.first.block"] = ("MULT18X18D", [net + 1, 100 * column + 90])
    graph = netlist_graph(module(cells), ECP5_LOGIC)
    strips = lane_strips(graph.names)
    assert len(strips.cells) == len(cells)
    for start, order in ((strips, 1), (strips.reversed(), -1)):
        placed = place_blocks(graph, DEVICE, start=start, effort=Effort(spreading=12, improving=6))
        x = np.full(len(graph), np.nan)
        for cell, site in placed.sites.items():
            x[cell] = DEVICE.sites[str(graph.types[cell])][site].x
        rams = graph.of_type(BLOCK_RAM)
        column = np.rint(strips.across * BANK_PIXELS / 2 - 0.5)[np.searchsorted(strips.cells, rams)]
        middles = [x[rams[column == n]].mean() for n in range(BANK_PIXELS // 2)][::order]
        assert middles == sorted(middles) and middles[-1] - middles[0] > DEVICE.columns / 2
