"""Several seeds: who wins does not depend on who is ready first."""

import json
import shutil

import pytest

from firelane.boards.flow import tools
from firelane.boards.flow.place_route import (
    CONFIG,
    DELAYS,
    LOG,
    PLACED,
    PLACER_LOG,
    REFINED,
    REPORT,
    SYNTHESISED,
    Goal,
    nextpnr_options,
    place_and_route,
)
from firelane.boards.flow.stages import Stages
from firelane.boards.place.ecp5.block_sites import block_sites
from firelane.boards.place.refine.refine_placement import Refined, Target
from firelane.boards.report.placement import PLACEMENT_FILE
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.progress import silent

DAMAGED = 9             #: a seed with which another netlist is routed than was placed


def write_netlist(path, kind: str):
    cell = {"type": kind, "parameters": {}, "attributes": {}, "port_directions": {}, "connections": {}}
    path.write_text(json.dumps({"modules": {"top": {"cells": {"a": cell}}}}))


class FakeNextpnr:
    """Reaches the clock that is listed for a seed; fails where there is none."""

    def __init__(self, megahertz: dict[int, float | None]):
        self.megahertz, self.seeds, self.placed = megahertz, [], []

    def run(self, *arguments, cwd, log, watch):
        watch("Info: Running main router loop...")
        seed = int(arguments[arguments.index("--seed") + 1])
        netlist = arguments[arguments.index("--json") + 1]
        log.write_text("log")
        if "--no-route" in arguments:
            assert netlist == SYNTHESISED
            (cwd / DELAYS).write_text(str(seed))
            write_netlist(cwd / PLACED, "LUT4")
            self.placed.append(seed)
            return
        self.seeds.append(seed)
        assert (cwd / netlist).read_text() == f"refined {seed}"
        if self.megahertz[seed] is None:
            raise ConfigError("nextpnr-ecp5", f"failed: seed {seed}")
        write_netlist(cwd / arguments[arguments.index("--write") + 1], "TRELLIS_FF" if seed == DAMAGED else "LUT4")
        (cwd / CONFIG).write_text(f"seed {seed}")
        (cwd / REPORT).write_text(json.dumps({"utilization": {}, "fmax": {"clk": {"achieved": self.megahertz[seed]}}}))


@pytest.fixture
def route(tmp_path, monkeypatch):
    def refined_placement(files, target, *, sites, progress):
        assert files.synthesised.resolve() == tmp_path / "top.json"
        assert [path.name for path in (files.placed, files.delays, files.refined)] == [PLACED, DELAYS, REFINED]
        assert files.placed.exists() and files.delays.read_text() == str(target.seed)
        assert (sites, target) == (known, Target(period=13_333, margin=1867, seed=target.seed))
        progress("annealing", 150, 300)
        files.refined.write_text(f"refined {target.seed}")
        return Refined(60e6, 70e6, 600, 500, 12)

    known = block_sites("LFE5U-85F").sites

    for name in ("top.json", "top.lpf"):
        (tmp_path / name).write_text(name)

    def run(megahertz: dict[int, float | None], cores: int = 1, progress=silent):
        nextpnr = FakeNextpnr(megahertz)
        monkeypatch.setattr("firelane.boards.flow.place_route.refine_placement", refined_placement)
        monkeypatch.setattr(tools, "nextpnr_ecp5", lambda: nextpnr)
        monkeypatch.setattr(tools, "version", lambda tool: "1")
        monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
        monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(cores)))
        said = []
        run.last = nextpnr
        routed = place_and_route(tmp_path, [], list(megahertz), sites=known, goal=Goal(75e6),
                                 stages=Stages(tmp_path / "target"), say=said.append, progress=progress)
        assert (tmp_path / CONFIG).read_text() == f"seed {routed.seed}"
        left = {path.name for path in tmp_path.iterdir()} - {"build", "top.json", "top.lpf"}
        assert left == {CONFIG, LOG, REPORT, PLACER_LOG, PLACEMENT_FILE}
        return routed, nextpnr.seeds, said
    return run


def test_the_first_that_meets_timing_wins_and_no_other_is_begun(route):
    routed, tried, said = route({3: 70.0, 4: 76.0, 5: 90.0})
    assert routed.seed == 4 and routed.report.achieved_hz == pytest.approx(76e6) and tried == [3, 4]
    assert [line for line in said if line.endswith(" of 75.0 MHz")] == ["seed 3: 70.0 MHz of 75.0 MHz",
                                                                        "seed 4: 76.0 MHz of 75.0 MHz"]


def test_the_placement_is_annealed(route):
    routed, tried, said = route({3: 70.0, 4: 76.0})
    assert routed.seed == 4 and tried == [3, 4]
    assert said[2:] == ["seed 4: placed, 60.0 MHz expected; 70.0 MHz after annealing and 12 moves, 500 tiles of wire "
                        "for 600", "seed 4: 76.0 MHz of 75.0 MHz"]


def test_every_step_tells_how_far_it_is(route):
    told = []
    route({4: 76.0}, progress=lambda *stage: told.append(stage))
    assert told == [("seed 4: placing: reading the netlist", 0, None), ("seed 4: routing", 0.0, 1.0),
                    ("seed 4: annealing", 150, 300), ("seed 4: routing: reading the netlist", 0, None),
                    ("seed 4: routing", 0.0, 1.0)]


@pytest.mark.parametrize("stage, placed, refined", [
    ("placing: reading the netlist", [4], True), ("annealing", [], True), ("routing: reading the netlist", [], False)])
def test_what_was_finished_is_not_done_again(route, tmp_path, stage, placed, refined):
    """Stopped in a step, the next run begins with that step, and ends as if nothing had been."""
    def stop(name, done, total):
        if name == f"seed 4: {stage}":
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        route({4: 76.0}, progress=stop)
    shutil.rmtree(tmp_path / "seed_4")
    told = []
    routed, tried, said = route({4: 76.0}, progress=lambda name, *done: told.append(name))
    assert routed.seed == 4 and tried == [4] and route.last.placed == placed
    assert ("seed 4: annealing" in told) == refined and ("seed 4: placed before, kept" in said) == (not placed)
    assert said[-2].endswith("500 tiles of wire for 600") and said[-1] == "seed 4: 76.0 MHz of 75.0 MHz"


def test_another_netlist_is_placed_anew(route, tmp_path):
    assert route({4: 76.0})[1] == [4] and route({4: 76.0})[1] == []
    (tmp_path / "top.json").write_text("changed")
    assert route({4: 76.0})[1] == [4]


def test_what_was_routed_must_be_what_was_placed(route):
    with pytest.raises(ConfigError, match="^a: has changed from LUT4 {} to TRELLIS_FF {};"):
        route({DAMAGED: 90.0})


def test_the_same_seed_wins_on_many_cores(route):
    assert route({3: 70.0, 4: 76.0, 5: 90.0}, cores=3)[0].seed == 4


def test_the_fastest_if_all_miss(route):
    routed, tried, _ = route({1: 70.0, 2: 74.0, 3: 73.0})
    assert routed.seed == 2 and not routed.report.meets_timing and tried == [1, 2, 3]


def test_a_seed_that_cannot_be_routed_is_passed_over(route):
    routed, _, said = route({1: None, 2: 80.0})
    assert routed.seed == 2 and said[-1] == "passed over: nextpnr-ecp5: failed: seed 1"


def test_all_fail(route):
    with pytest.raises(ConfigError, match="^nextpnr-ecp5: failed: seed 1$"):
        route({1: None, 2: None})


def test_boards_that_do_not_bear_ripping_up_are_spared():
    ripping, sparing = (nextpnr_options("--25k --speed 6", ripup=ripup) for ripup in (True, False))
    assert ripping == [*sparing, "--tmg-ripup"] and sparing[:3] == ["--25k", "--speed", "6"]
