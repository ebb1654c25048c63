"""Late paths become shorter, and nothing else changes."""

import json
import random
import re

import pytest

from firelane.boards.place.anneal.annealing import Cooling
from firelane.boards.place.ecp5.ecp5_timing import ECP5_TIMING
from firelane.boards.place.ecp5.slice_rules import LogicTiles
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from firelane.boards.place.refine.refine_placement import PlacementFiles, Refiner, Target, refine_placement
from firelane.boards.place.timing.sdf import read_delays
from firelane.boards.place.timing.timing_graph import TimingGraph
from tests.boards.place.placed import flip_flop, lut, scattered, write_placed

PERIOD, MARGIN = 6000, 300
SHORT = Cooling(rounds=50, temperature=200, reach=4)


def refine(tmp_path, cells, period: int = PERIOD):
    """(what came out, the placement before, and after)."""
    files = write_placed(tmp_path, cells)
    before, after = PlacedNetlist(files[0]), PlacedNetlist(files[0])
    kinds = {"TRELLIS_COMB": "LUT4", "TRELLIS_FF": "TRELLIS_FF"}
    (tmp_path / "top.json").write_text(json.dumps({"modules": {"top": {"cells": {
        cell.name: {"type": kinds[cell.type], "connections": {
            "DI" if port == "M" else port: [net] for port, net in cell.nets.items()}} for cell in before.cells}}}}))
    result = refine_placement(PlacementFiles(tmp_path / "top.json", *files, tmp_path / "refined.json"),
                              Target(period=period, margin=MARGIN, seed=1, cooling=SHORT), sites=None)
    places = json.loads((tmp_path / "refined.json").read_text())["modules"]["top"]["cells"]
    for number, cell in enumerate(after.cells):
        place = re.fullmatch(r"X(\d+)/Y(\d+)/SLICE([A-D])\.(?:K|FF)([01])", places[cell.name]["attributes"]["BEL"])
        after.x[number], after.y[number] = int(place[1]), int(place[2])
        after.lut[number] = 2 * "ABCD".index(place[3]) + int(place[4])
    return result, before, after


def detour(steps: int):
    """From a register at (10, 10) to one at (20, 10), over LUTs far to the south and north."""
    cells = {"launch": flip_flop("X10/Y10/SLICEA.FF0", 100, 50, port="M"),
             "capture": flip_flop("X20/Y10/SLICEA.FF0", 300, 100 + steps, port="M"),
             "corner": lut("X1/Y1/SLICEA.K0", 400, 300), "other corner": lut("X30/Y30/SLICEA.K0", 401, 300)}
    for n in range(steps):
        cells[f"lut {n}"] = lut(f"X{12 + n}/Y{30 if n % 2 else 1}/SLICEA.K0", 101 + n, 100 + n)
    return cells


def test_a_detour_is_straightened(tmp_path):
    result, _, after = refine(tmp_path, detour(3))
    assert result.before_hz < 130e6 and result.after_hz > 1e12 / (PERIOD - MARGIN / 2)
    assert result.length_after < result.length_before - 60
    graph = TimingGraph(after, read_delays(tmp_path / "placed.sdf"), ECP5_TIMING)
    assert 1e12 / (PERIOD - graph.end_slacks(PERIOD).min()) == pytest.approx(result.after_hz)


def refiner(tmp_path, cells, period: int):
    netlist, delays = write_placed(tmp_path, cells)
    netlist = PlacedNetlist(netlist)
    return netlist, Refiner(netlist, TimingGraph(netlist, read_delays(delays), ECP5_TIMING), period, MARGIN)


def test_late_paths_come_first_even_if_other_wires_become_longer(tmp_path):
    """A LUT of the path is drawn away by three others that have time."""
    cells = detour(1) | {f"far {n}": lut(f"X12/Y{28 + n}/SLICEB.K0", 500 + n, 101) for n in range(3)}
    cells["lut 0"] = lut("X12/Y28/SLICEA.K0", 101, 100)
    netlist, late = refiner(tmp_path, cells, 3500)
    before, length = late.clock_hz(), late.graph.wire_delays().sum()
    assert late.shorten_late_paths(5) > 0
    assert late.clock_hz() > before and netlist.y[list(cells).index("lut 0")] < 20
    assert late.graph.wire_delays().sum() > length


def test_what_is_fast_enough_stays(tmp_path):
    netlist, fast = refiner(tmp_path, detour(3), 20_000)
    before = [*netlist.x.tolist(), *netlist.y.tolist(), *netlist.lut.tolist()]
    assert fast.shorten_late_paths(5) == 0
    assert [*netlist.x.tolist(), *netlist.y.tolist(), *netlist.lut.tolist()] == before


@pytest.mark.parametrize("seed", range(4))
def test_random_netlists_become_faster_and_stay_sound(tmp_path, seed):
    source = random.Random(seed)
    cells = {}
    for number, (_, _, n, place) in enumerate(scattered(source, range(1, 25), 120)):
        inputs = [source.randrange(100, 100 + number) for _ in range(2)] if number else [50]
        cells[f"lut {number}"] = lut(f"{place}.K{n % 2}", 500 + number, *inputs)
        cells[f"register {number}"] = flip_flop(f"{place}.FF{n % 2}", 100 + number, 500 + number)
    result, before, after = refine(tmp_path, cells, period=2500)
    assert result.after_hz > result.before_hz and result.length_after < result.length_before
    tiles = LogicTiles(after)
    assert all(map(tiles.is_allowed, tiles.tiles))
    taken = list(zip(after.x.tolist(), after.y.tolist(), after.kind.tolist(), after.lut.tolist()))
    assert len(set(taken)) == len(taken) == len(before.cells)


def test_the_same_every_time(tmp_path):
    first, second = ([axis.tolist() for axis in (after.x, after.y, after.lut)]
                     for after in (refine(tmp_path, detour(3))[2] for _ in range(2)))
    assert first == second
