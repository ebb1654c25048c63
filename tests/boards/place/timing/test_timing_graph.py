"""Static timing: by hand, and beside nextpnr's own."""

import re
import shutil

import numpy as np
import pytest

from firelane.boards.flow import tools
from firelane.boards.flow.place_route import NEXTPNR_OPTIONS
from firelane.boards.place.ecp5.ecp5_timing import ECP5_TIMING, ECP5_WIRES
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from firelane.boards.place.timing.sdf import read_delays
from firelane.boards.place.timing.timing_graph import NEVER, TimingGraph
from firelane.boards.place.timing.wire_estimate import wire_units
from firelane.compiler.support.errors import ConfigError
from tests.boards.place.placed import CELL_DELAYS, flip_flop, lut, write_placed

FF_DELAY, LUT_DELAY, RESET_SETUP = CELL_DELAYS["TRELLIS_FF"], CELL_DELAYS["TRELLIS_COMB"], 424

# launch -> lut (4 tiles on) -> capture in the same place, and a reset 10 tiles down
CELLS = {
    "launch": flip_flop("X10/Y10/SLICEA.FF0", 10, 99, port="M"),
    "lut": lut("X14/Y10/SLICEA.K0", 11, 10),
    "capture": flip_flop("X14/Y10/SLICEA.FF0", 12, 11),
    "held": flip_flop("X14/Y20/SLICEA.FF0", 13, 12, port="M", LSR=11),
    "other": lut("X12/Y10/SLICEB.K0", 99, 13),
}


def graph(tmp_path, cells=CELLS) -> tuple[PlacedNetlist, TimingGraph]:
    netlist, delays = write_placed(tmp_path, cells)
    netlist = PlacedNetlist(netlist)
    return netlist, TimingGraph(netlist, read_delays(delays), ECP5_TIMING)


def test_wires_are_estimated_as_nextpnr_does():
    assert [wire_units(ECP5_WIRES, *away) for away in ((0, 0), (-1, 0), (5, 5), (10, -40))] == [6, 8, 26, 66]


def wire(dx: int, dy: int) -> int:
    return 80 * int(wire_units(ECP5_WIRES, dx, dy))


def test_slack_is_what_the_clock_leaves(tmp_path):
    _, timing = graph(tmp_path)
    at_lut = FF_DELAY + wire(4, 0) + LUT_DELAY
    expected = [at_lut, at_lut + wire(0, 10) + RESET_SETUP,           # DI is beside the LUT; LSR
                FF_DELAY + wire(0, 10),                               # capture to held
                FF_DELAY + wire(2, 10) + LUT_DELAY + wire(2, 0)]      # held through other to launch
    assert sorted(timing.end_slacks(10_000).tolist()) == sorted(10_000 - needed for needed in expected)


def test_moving_a_cell_changes_its_wires(tmp_path):
    netlist, timing = graph(tmp_path)
    before = timing.end_slacks(10_000).min()
    netlist.y[3] = 12
    assert timing.end_slacks(10_000).min() - before == 80 * (10 + 5 - 2 - 2)


def test_late_ends_are_shared_among_the_wires_that_lead_there(tmp_path):
    _, timing = graph(tmp_path)
    slacks = timing.end_slacks(4000)
    analysed = timing.analyse(4000, margin=100)
    assert analysed.end_slack.tolist() == slacks.tolist()
    late = {int(cell): int(share) for cell, share in zip(timing.driver, analysed.share)}
    squares = np.maximum(100 - slacks, 0) ** 2
    assert sum(late[cell] for cell in (0, 2, 3)) == pytest.approx(squares.sum(), rel=1e-3)      # what leaves registers
    assert analysed.slack.min() == slacks.min()


def test_what_nothing_reaches_is_never_late(tmp_path):
    cells = CELLS | {"constant": lut("X30/Y30/SLICEA.K0", 70), "end": flip_flop("X60/Y60/SLICEA.FF0", 71, 70, port="M")}
    _, timing = graph(tmp_path, cells)
    assert timing.end_slacks(10_000).max() == -NEVER


def test_a_loop_is_told(tmp_path):
    cells = {"a": lut("X1/Y1/SLICEA.K0", 10, 11), "b": lut("X2/Y1/SLICEA.K0", 11, 10),
             "register": flip_flop("X3/Y1/SLICEA.FF0", 12, 11, port="M")}
    with pytest.raises(ConfigError, match="depends on itself: the logic has a loop; put a register into it"):
        graph(tmp_path, cells)


def test_clock_wires_are_no_wires(tmp_path):
    cells = CELLS | {"buffer": ("DCCA", {}, "X0/Y0/DCC0", {"CLKO": 1})}
    _, timing = graph(tmp_path, cells)
    assert all(timing.driver != list(cells).index("buffer"))


def test_nextpnr_says_the_same(tiny_build, tmp_path):
    """Within a few per cent: it exchanges the pins of a LUT, and knows LUTs that feed their neighbours at once."""
    device = ["--12k", "--package", "CABGA381", "--speed", "6"]
    for name in ("top.json", "top.lpf"):
        shutil.copy(tiny_build / name, tmp_path)
    tools.nextpnr_ecp5().run(*device, *NEXTPNR_OPTIONS, "--seed", "1", "--json", "top.json", "--lpf", "top.lpf",
                             "--no-route", "--write", "placed.json", "--sdf", "placed.sdf",
                             cwd=tmp_path, log=tmp_path / "log")
    clocks = re.findall(r"Max frequency for clock.*?: ([0-9.]+) MHz", (tmp_path / "log").read_text())
    timing = TimingGraph(PlacedNetlist(tmp_path / "placed.json"), read_delays(tmp_path / "placed.sdf"), ECP5_TIMING)
    worst = 1e6 / (100_000 - int(timing.end_slacks(100_000).min()))
    assert worst == pytest.approx(min(map(float, clocks)), rel=0.06)
