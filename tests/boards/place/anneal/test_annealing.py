"""Annealing shortens wires, looks at time, loses nobody, and leaves every tile allowed."""

import random
from dataclasses import replace

import numpy as np
import pytest

from firelane.boards.place.anneal import tables
from firelane.boards.place.anneal.annealing import Annealer, Cooling
from firelane.boards.place.anneal.layout import CLOSED, FIXED
from firelane.boards.place.blocks.sites import Site
from firelane.boards.place.ecp5 import annealing_tables
from firelane.boards.place.ecp5.block_sites import BLOCK_RAM, MULTIPLIER
from firelane.boards.place.ecp5.ecp5_timing import ECP5_TIMING
from firelane.boards.place.ecp5.movable_units import movable_units
from firelane.boards.place.ecp5.slice_rules import LogicTiles
from firelane.boards.place.netlist.placed_netlist import COMB, PlacedNetlist
from firelane.boards.place.timing.sdf import read_delays
from firelane.boards.place.timing.timing_graph import TimingGraph
from tests.boards.place.placed import distributed_ram, flip_flop, lut, scattered, write_placed

SITES = {
    BLOCK_RAM: tuple(Site(x, y, f"X{x}/Y{y}/EBR0") for y in (0, 35) for x in range(2, 30, 4)),
    MULTIPLIER: tuple(Site(x, 36, f"X{x}/Y36/MULT18_0") for x in range(2, 30, 4))}
SHORT = Cooling(rounds=50, temperature=500, reach=6)
PERIOD = 6000


class Placement:
    """The cells, and what annealing makes of them."""

    def __init__(self, tmp_path, cells):
        files = write_placed(tmp_path, cells)
        self.netlist = PlacedNetlist(files[0])
        self.graph = TimingGraph(self.netlist, read_delays(files[1]), ECP5_TIMING)
        self.tiles = LogicTiles(self.netlist)
        self.units = movable_units(self.netlist, self.tiles)

    def annealer(self, seed: int = 1) -> Annealer:
        device = annealing_tables.device_tables(self.netlist, self.tiles, self.units, SITES)
        return Annealer(self.netlist, self.graph, device, seed=seed)

    def where(self, name: str):
        cell = [one.name for one in self.netlist.cells].index(name)
        return self.netlist.x[cell], self.netlist.y[cell], self.netlist.lut[cell]

    def length(self) -> int:
        """Counted anew."""
        low_x, high_x, low_y, high_y = tables.nets(self.netlist).box.astype(np.int64).T
        return int((high_x - low_x + high_y - low_y).sum())

    def check(self):
        """Nobody shares a place, every tile is allowed, and units are as they were."""
        tiles = LogicTiles(self.netlist)
        held = [cell for places in tiles.tiles.values() for kind in places for cell in kind if cell >= 0]
        assert sorted(held) == np.flatnonzero(self.netlist.kind >= 0).tolist()
        assert all(map(tiles.is_allowed, tiles.tiles))
        assert sorted(unit.cells for unit in movable_units(self.netlist, tiles)) == sorted(
            unit.cells for unit in self.units)


def anchor(tile: str, output: int, *inputs: int, place: str = "SLICEA.K0"):
    """Distributed RAM that nobody writes, which stays."""
    return lut(f"{tile}/{place}", output, *inputs, MODE="DPRAM")


def chain(name: str, tile: str, length: int, *, first: int, inputs: int):
    """A carry chain from a tile on to the right; nets from `first` on, all bits read the net `inputs`."""
    column, row = int(tile[1:tile.index("/")]), tile[tile.index("/"):]
    return {f"{name} bit {n}": (
        "TRELLIS_COMB", {"MODE": "CCU2"}, f"X{column + n // 8}{row}/SLICE{'ABCD'[n // 2 % 4]}.K{n % 2}",
        {"F": first + n, "A": inputs, "FCO": first + 51 + n} | ({"FCI": first + 50 + n} if n else {}))
        for n in range(length)}


def network(source: random.Random, count: int = 240):
    """LUTs, registers behind some, with several enables, wide multiplexers, carry chains, distributed RAM, blocks."""
    cells = {}
    places = scattered(source, range(1, 31), count)
    for number, (_, _, n, place) in enumerate(places):
        inputs = [source.randrange(99, 100 + number) for _ in range(3)]
        if number % 3:
            cells[f"lut {number}"] = lut(f"{place}.K{n % 2}", 100 + number, *inputs)
        else:
            cells[f"register {number}"] = flip_flop(f"{place}.FF{n % 2}", 100 + number, inputs[0], port="M")
        if number % 3 == 1:
            cells[f"behind {number}"] = flip_flop(f"{place}.FF{n % 2}", 600 + number, 100 + number, CE=40 + number % 3)
    for n in range(4):
        place = f"X{4 + 6 * n}/Y31/SLICEB"
        cells[f"low {n}"] = lut(f"{place}.K1", 900 + n, 100 + n)
        cells[f"high {n}"] = ("TRELLIS_COMB", {}, f"{place}.K0", {"F": 920 + n, "F1": 900 + n, "A": 130 + n})
        cells |= chain(f"adder {n}", f"X{9 + 2 * n}/Y32", 4 + 3 * n, first=2000 + 100 * n, inputs=150 + n)
        cells[f"block {n}"] = (BLOCK_RAM, {}, f"X{2 + 4 * n}/Y{0 if n % 2 else 35}/EBR0",
                               {"DOB0": 960 + n, "A": 160 + n, "B": 170 + n})
    cells["multiplier"] = (MULTIPLIER, {}, "X6/Y36/MULT18_0", {"P0": 980, "A": 130})
    cells |= {f"ram {n}": anchor(f"X{20 + n}/Y33", 990 + n, 110 + n) for n in range(2)}
    cells["corner"] = lut("X1/Y34/SLICEA.K0", 997, 998)
    return cells


@pytest.mark.parametrize("seed", range(4))
def test_shorter_and_sound(tmp_path, seed):
    placement = Placement(tmp_path, network(random.Random(seed)))
    fixed = {name: placement.where(name) for name in ("ram 0", "ram 1")}
    annealer, told = placement.annealer(), []
    before = annealer.length()
    assert before == placement.length()
    annealer.run(SHORT, period=PERIOD, progress=lambda *so_far: told.append(so_far))
    assert annealer.length() == placement.length() < 0.75 * before
    assert told == [("annealing", done, 50) for done in range(1, 51)]
    assert {name: placement.where(name) for name in fixed} == fixed
    placement.check()


def test_chains_go_where_their_nets_are_and_stay_chains(tmp_path):
    """Three chains whose inputs come from afar, one of them from where another chain is in the way."""
    cells = {f"source {n}": anchor(f"X{6 + 8 * n}/Y30", 10 + n, 20 + n) for n in range(3)}
    for n, length in enumerate((8, 10, 22)):
        cells |= chain(f"chain {n}", f"X{20 - 6 * n}/Y{3 + n}", length, first=1000 * (n + 1), inputs=10 + n)
    cells |= {"low": lut("X1/Y1/SLICEA.K0", 50, 99), "high": lut("X30/Y31/SLICEA.K0", 51, 98)}
    cells |= {f"row {y}": lut(f"X1/Y{y}/SLICEB.K0", 60 + y, 59 + y) for y in range(1, 32)}
    placement = Placement(tmp_path, cells)
    placement.annealer().run(SHORT, period=100_000)
    for n, length in enumerate((8, 10, 22)):
        bits = [placement.where(f"chain {n} bit {bit}") for bit in range(length)]
        x, y, first = bits[0]
        assert (first, y >= 27, abs(x - (6 + 8 * n)) <= 4) == (0, True, True)
        assert bits == [(x + bit // 8, y, bit % 8) for bit in range(length)]
    placement.check()


def test_ram_goes_where_its_nets_are_with_all_of_its_tile(tmp_path):
    """One RAM whose address comes from afar, with two flip-flops beside it; a LUT may leave its tile."""
    cells = {f"source {n}": anchor(f"X{20 + n}/Y30", 20 + n, 80 + n) for n in range(1, 5)}
    cells |= distributed_ram("ram", "X3/Y4", first=0)
    cells |= {"word": flip_flop("X3/Y4/SLICEA.FF0", 90, 31), "beside": flip_flop("X3/Y4/SLICED.FF1", 91, 90, port="M")}
    cells |= {"goes": lut("X3/Y4/SLICED.K0", 92, 97)}
    cells |= {f"row {y}": lut(f"X1/Y{y}/SLICEB.K0", 160 + y, 159 + y) for y in range(1, 32)}
    cells |= {"low": lut("X1/Y1/SLICEA.K0", 98, 99), "high": lut("X30/Y31/SLICEA.K0", 97, 96)}
    placement = Placement(tmp_path, cells)
    placement.annealer().run(SHORT, period=100_000)
    x, y, _ = placement.where("ram$DPRAM_COMB0")
    assert abs(x - 22) <= 4 and y >= 27
    places = {f"ram$DPRAM_COMB{bit}": bit for bit in range(4)} | {"ram$RAMW_BLOCK0": 4, "ram$RAMW_BLOCK1": 5,
                                                                 "word": 0, "beside": 7}
    assert {name: placement.where(name) for name in places} == {name: (x, y, n) for name, n in places.items()}
    assert placement.where("ram$RAMW_SLICE")[:2] == (x, y) != placement.where("goes")[:2]
    placement.check()


def test_a_writer_beside_luts_does_not_hide_them(tmp_path):
    """All flip-flops of a tile with RAM are there, so its writer is entered at two LUTs, which must still be known."""
    cells = distributed_ram("ram", "X3/Y4", first=0)
    cells |= {f"full {n}": flip_flop(f"X3/Y4/SLICE{'ABCD'[n // 2]}.FF{n % 2}", 100 + n, 110 + n, port="M")
              for n in range(8)}
    cells |= {f"pair {n}": lut(f"X3/Y4/SLICED.K{n}", 92 + n, 97) for n in range(2)}
    cells |= {"low": lut("X1/Y1/SLICEA.K0", 98, 99), "high": lut("X30/Y31/SLICEA.K0", 97, 98)}
    placement = Placement(tmp_path, cells)
    where = annealing_tables.places(placement.netlist, placement.tiles)
    names = {placement.netlist.cells[cell].name for cell in where.luts if cell >= 0}
    assert names >= {"pair 0", "pair 1"}
    writer = next(n for n, one in enumerate(placement.netlist.cells) if one.type == "TRELLIS_RAMW")
    assert writer in where.carries.tolist()


def test_what_strips_may_not_have(tmp_path):
    cells = chain("long", "X2/Y2", 50, first=1000, inputs=10) | chain("short", "X20/Y2", 12, first=2000, inputs=11)
    cells |= chain("beside RAM", "X20/Y4", 12, first=3000, inputs=12)
    cells["ram"] = anchor("X10/Y4", 13, 14)
    cells["written"] = ("TRELLIS_RAMW", {}, "X10/Y4/SLICEC.RAMW", {"A0": 15, "WDO0": 16})
    cells["reader"] = ("TRELLIS_COMB", {"MODE": "DPRAM"}, "X22/Y4/SLICEA.K0", {"F": 17, "WD": 3005})
    placement = Placement(tmp_path, cells)
    where = annealing_tables.places(placement.netlist, placement.tiles)
    chains = annealing_tables.chains(placement.netlist, placement.units, where)
    assert chains.length.tolist() == [7, 2, 2, 1]       # the last is the tile with RAM that is written
    closed = {(int(where.tile_x[tile]), int(where.tile_y[tile])) for tile in np.flatnonzero(chains.closed)}
    assert closed == {*((2 + n, 2) for n in range(7)), (20, 4), (21, 4), (22, 4)}


def test_the_same_seed_gives_the_same_places_and_another_others(tmp_path):
    def places(seed):
        placement = Placement(tmp_path, network(random.Random(1)))
        placement.annealer(seed).run(SHORT, period=PERIOD)
        return [axis.tolist() for axis in (placement.netlist.x, placement.netlist.y, placement.netlist.lut)]
    assert places(1) == places(1) != places(2)


def test_blocks_go_where_their_nets_are_and_keep_their_kind(tmp_path):
    cells = {f"block {n}": (BLOCK_RAM, {}, f"X{2 + 4 * n}/Y0/EBR0", {"DOB0": 10 + n}) for n in range(7)}
    cells["multiplier"] = (MULTIPLIER, {}, "X26/Y36/MULT18_0", {"P0": 20})
    cells |= {f"ram {n}": anchor(f"X1/Y{20 + n}", 30 + n, 10 + n) for n in range(7)}
    cells["other"] = anchor("X3/Y30", 40, 20)
    cells["register"] = flip_flop("X3/Y30/SLICEA.FF0", 41, 40)
    cells["behind"] = lut("X3/Y31/SLICEA.K0", 42, 41)
    placement = Placement(tmp_path, cells)
    placement.annealer().run(SHORT, period=PERIOD)
    bels = {one.name: placement.netlist.block_bel[cell] for cell, one in enumerate(placement.netlist.cells)
            if cell in placement.netlist.block_bel}
    assert {bels[f"block {n}"] for n in range(4)} <= {site.bel for site in SITES[BLOCK_RAM]}
    assert len(set(bels.values())) == 8 and bels["multiplier"] == "X2/Y36/MULT18_0"
    assert sum(bel.endswith("/Y35/EBR0") for bel in bels.values()) >= 5


def test_a_late_path_is_worth_more_than_other_wires(tmp_path):
    """A LUT between two registers that cannot move is drawn away by three others, which have time."""
    cells = {"launch": anchor("X10/Y10", 50, 49), "launched": flip_flop("X10/Y10/SLICEA.FF0", 100, 50),
             "own": lut("X12/Y28/SLICEA.K0", 101, 100, 500, 501, 502),
             "capture": anchor("X20/Y10", 200, 101), "captured": flip_flop("X20/Y10/SLICEA.FF0", 201, 200)}
    cells |= {f"far {n}": anchor(f"X{12 + n}/Y30", 500 + n, 400 + n) for n in range(3)}
    cells |= {f"row {y}": lut(f"X30/Y{y}/SLICEA.K0", 600 + y, 700 + y) for y in range(5, 31)}
    rows = {}
    for period in (3_500, 100_000):
        placement = Placement(tmp_path, cells)
        placement.annealer().run(SHORT, period=period)
        rows[period] = placement.where("own")[1]
        placement.check()
    assert rows[3_500] <= 12 and rows[100_000] >= 28


def crowd():
    """120 LUTs of 18 nets, in as few tiles as hold them, and a corner that is far."""
    cells = {f"lut {n}": lut(f"X{10 + n // 8 % 4}/Y{10 + n // 32}/SLICE{'ABCD'[n // 2 % 4]}.K{n % 2}", 200 + n,
                             *(100 + n // 20 * 3 + k for k in range(3))) for n in range(120)}
    drivers = {f"register {n}": flip_flop(f"X20/Y{10 + n}/SLICEA.FF0", 100 + n, 50, port="M") for n in range(18)}
    return cells | drivers | {"low": lut("X1/Y1/SLICEA.K0", 50, 100), "high": lut("X30/Y30/SLICEA.K0", 402, 403)}


def fullest(netlist) -> int:
    """LUTs in the fullest tile."""
    return int(np.unique((netlist.x * 64 + netlist.y)[netlist.kind == COMB], return_counts=True)[1].max())


def test_what_is_crowded_spreads(tmp_path):
    dense, spread = Placement(tmp_path, crowd()), Placement(tmp_path, crowd())
    dense.annealer().run(replace(SHORT, crowd_price=0, toll=0), period=100_000)
    spread.annealer().run(replace(SHORT, pins_a_tile=6, toll=0), period=100_000)
    assert fullest(spread.netlist) < fullest(dense.netlist)
    assert dense.length() < spread.length()
    spread.check()


def test_wires_across_a_square_have_a_toll(tmp_path):
    free, tolled = Placement(tmp_path, crowd()), Placement(tmp_path, crowd())
    free.annealer().run(replace(SHORT, crowd_price=0, toll=0), period=100_000)
    tolled.annealer().run(replace(SHORT, crowd_price=0, wires_a_tile=1), period=100_000)

    def most(placement):
        where = annealing_tables.places(placement.netlist, LogicTiles(placement.netlist))
        return tables.demand(tables.nets(placement.netlist), where, np.arange(len(where.tile_x))).max()
    assert most(tolled) < most(free)
    tolled.check()


def test_demand_is_the_wire_of_each_net_over_what_it_spans(tmp_path):
    cells = {"a": lut("X3/Y4/SLICEA.K0", 10, 99), "b": lut("X6/Y5/SLICEA.K0", 11, 10),
             "c": lut("X1/Y9/SLICEA.K0", 12, 98)}
    netlist = PlacedNetlist(write_placed(tmp_path, cells)[0])
    where, nets = annealing_tables.places(netlist, LogicTiles(netlist)), tables.nets(netlist)
    demand = tables.demand(nets, where, np.arange(len(where.tile_x)))
    inside = (where.tile_x >= 3) & (where.tile_x <= 6) & (where.tile_y >= 4) & (where.tile_y <= 5)
    assert set(demand[inside].tolist()) == {tables.LENGTH_PRICE * 6 // 8} and not demand[~inside].any()


def test_what_is_closed(tmp_path):
    placement = Placement(tmp_path, network(random.Random(1)))
    places = annealing_tables.places(placement.netlist, placement.tiles)
    rules = annealing_tables.rules(placement.netlist, placement.tiles, placement.units, places)
    number = {one.name: cell for cell, one in enumerate(placement.netlist.cells)}
    assert rules.grain[number["low 0"]] == rules.grain[number["high 0"]] == 2
    assert {rules.grain[number[name]] for name in ("adder 0 bit 0", "ram 0", "block 0")} == {FIXED}
    adders, ram = places.tile_at[9, 32], places.tile_at[20, 33]
    assert (places.luts[8 * adders:][:8] == CLOSED).tolist() == [True] * 4 + [False] * 4
    assert (places.luts[8 * ram:][:8] == CLOSED).tolist() == [True] * 2 + [False] * 6
    assert (places.flip_flops[8 * ram:][:8] == CLOSED).all()


@pytest.mark.parametrize("field, value", [("rounds", 0), ("pins_a_tile", 0), ("wires_a_tile", 0), ("memory", 256)])
def test_no_such_cooling(field, value):
    with pytest.raises(ValueError, match=f"^{field} must be "):
        replace(SHORT, **{field: value})


def test_nothing_to_move(tmp_path):
    placement = Placement(tmp_path, {"a": anchor("X3/Y4", 1, 2), "b": flip_flop("X3/Y4/SLICEA.FF0", 2, 1)})
    placement.annealer().run(SHORT, period=PERIOD)
    assert placement.where("a") == (3, 4, 0)
