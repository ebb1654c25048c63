"""boards.place.blocks.block_placement: legal, short, the same each time; and better than taking the nearest free
site."""

from dataclasses import replace

import numpy as np
import pytest

from firelane.boards.place.blocks.block_placement import Effort, NoSiteError, place_blocks
from firelane.boards.place.ecp5.block_sites import BLOCK_RAM, MULTIPLIER, block_sites
from firelane.boards.place.ecp5.logic_types import ECP5_LOGIC
from firelane.boards.place.netlist.netlist_graph import netlist_graph
from tests.boards.place.netlists import chains, module

DEVICE = block_sites("LFE5U-85F")
EFFORT = Effort(spreading=12, improving=6)


def positions(graph, placement):
    """(x, y) of each placed cell."""
    where = {}
    for cell, number in placement.sites.items():
        site = DEVICE.sites[str(graph.types[cell])][number]
        where[graph.names[cell]] = site.x, site.y
    return where


def test_blocks_that_belong_together_are_near_each_other():
    graph = netlist_graph(chains(60, 6), ECP5_LOGIC)
    placement = place_blocks(graph, DEVICE, effort=EFFORT)
    for kind in (BLOCK_RAM, MULTIPLIER):
        taken = [placement.sites[int(cell)] for cell in graph.of_type(kind)]
        assert len(taken) == 60 == len(set(taken)) and max(taken) < len(DEVICE.sites[kind])
    where = positions(graph, placement)
    apart = [abs(where[f"ram_{n}"][0] - where[f"mul_{n}"][0]) + abs(where[f"ram_{n}"][1] - where[f"mul_{n}"][1])
             for n in range(60)]
    assert np.mean(apart) < 25          # rows of block RAMs and of multipliers are 12 tiles apart; at random: 70


def test_the_same_netlist_gets_the_same_places():
    graph = netlist_graph(chains(20, 3), ECP5_LOGIC)
    first, second = (place_blocks(graph, DEVICE, effort=EFFORT) for _ in range(2))
    assert first.sites == second.sites and first.wire_length == second.wire_length


def test_improving_makes_wires_shorter():
    rng = np.random.default_rng(5)
    cells = {f"lut_{n}": ("LUT4", (n + rng.integers(1, 30, 4)).tolist()) for n in range(1000)}
    cells |= {f"ram_{n}": ("DP16KD", (5 * n + rng.integers(1, 60, 20)).tolist()) for n in range(200)}
    graph = netlist_graph(module(cells), ECP5_LOGIC)
    lengths = [place_blocks(graph, DEVICE, effort=Effort(spreading=8, improving=rounds)).wire_length
               for rounds in (1, 12)]
    assert lengths[1] < lengths[0]


def test_wires_of_logic_that_is_spread():
    """It is longer than as it settles, all in one heap, and what is compared is that."""
    cells = {f"lut_{n}": ("LUT4", [n, n + 1, 10_000 + n % 7]) for n in range(3000)}
    cells |= {f"ram_{n}": ("DP16KD", [10_000 + n, 10_001 + n]) for n in range(6)}
    graph = netlist_graph(module(cells), ECP5_LOGIC)
    settled, spread = (place_blocks(graph, DEVICE, effort=replace(EFFORT, improving=1, spread=spread))
                       for spread in (False, True))
    assert spread.sites == settled.sites and spread.wire_length > 1.02 * settled.wire_length
    best = place_blocks(graph, DEVICE, effort=replace(EFFORT, spread=True))
    assert best.wire_length <= spread.wire_length


def test_more_blocks_than_sites():
    graph = netlist_graph(chains(157, 1), ECP5_LOGIC)
    with pytest.raises(NoSiteError, match=r"^157 MULT18X18D, and 156 sites for them$"):
        place_blocks(graph, DEVICE, effort=EFFORT)
