"""Place and route with one seed or several, of which the first that meets timing wins.

nextpnr first only places; then the placement is annealed (`boards.place.refine.refine_placement`), and nextpnr places
what is left, and routes. What it has routed must be the netlist that it placed first.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from firelane.boards.flow import tools
from firelane.boards.flow.file_names import CONFIG, LOG, REPORT
from firelane.boards.flow.router_settings import set_router
from firelane.boards.flow.same_netlist import check_same_netlist
from firelane.boards.flow.stages import Stages
from firelane.boards.flow.tool_progress import Nextpnr
from firelane.boards.place.anneal.annealing import THOROUGH, Cooling
from firelane.boards.place.blocks.sites import Sites
from firelane.boards.place.refine.refine_placement import PlacementFiles, Target, refine_placement
from firelane.boards.report.build_report import BuildReport, read_report
from firelane.boards.report.placement import PLACEMENT_FILE, write_placement
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest

NEXTPNR_OPTIONS = ("--placer", "static", "--router", "router2", "--timing-allow-fail")
RIPUP = "--tmg-ripup"
SYNTHESISED = "../top.json"
PLACED, DELAYS, PLACER_LOG = "placed.json", "placed.sdf", "placer.log"
REFINED, REFINED_WORDS, ROUTED = "refined.json", "refined.txt", "routed.json"
MADE_BY = ("firelane.boards.flow", "firelane.boards.place", "firelane.boards.report", "firelane.compiler.support")
LIBRARIES = ("numpy", "numba")          #: that annealing computes with
MARGIN = 0.14           #: of the period, that paths should have left before routing; router2 leads wires around crowds

STAGE_FILES = {"placed": (PLACED, DELAYS, PLACER_LOG), "refined": (REFINED, REFINED_WORDS),
               "routed": (CONFIG, REPORT, ROUTED, LOG)}


@dataclass(frozen=True)
class Routed:
    """The result of one seed."""

    seed: int
    report: BuildReport


@dataclass(frozen=True)
class Goal:
    """What place and route are to reach, and how.

    Members
    -------
    hz : the clock
    cooling : how long and how hot placements are annealed
    margin : of the period, that paths should have left before routing
    router : settings of `router_settings.set_router`
    """

    hz: float
    cooling: Cooling = THOROUGH
    margin: float = MARGIN
    router: Mapping[str, str] = field(default_factory=dict)


def nextpnr_options(device: str, *, ripup: bool) -> list[str]:
    """What all runs have in common: the options for the device, and with `ripup` wires make way for slow ones."""
    return [*device.split(), *NEXTPNR_OPTIONS, *([RIPUP] if ripup else [])]


@dataclass(frozen=True)
class SeedRun:
    """One seed's way from `top.json` to a routed design, in a folder of its own beside that.

    Members
    -------
    options : of `nextpnr_options`
    sites : of the device's blocks, where they are known
    goal : what is to be reached
    stages : that are kept
    made_by : texts that decide what nextpnr does, besides its inputs
    tell : told what was reached
    progress : told how far it is
    """

    seed: int
    folder: Path
    nextpnr: tools.Tool
    options: Sequence[str]
    sites: Sites | None
    goal: Goal
    stages: Stages
    made_by: Sequence[str]
    tell: tools.Say
    progress: Progress

    def run(self) -> Routed:
        """Place, refine and route.

        Raises
        ------
        ConfigError
            If nextpnr fails, or has routed something else than it placed.
        """
        self.folder.mkdir()
        inputs = [self.folder / SYNTHESISED, self.folder / "../top.lpf"]
        self._stage("placed", inputs, self.place)
        self._stage("refined", [self.folder / PLACED, self.folder / DELAYS, repr(self._target), repr(self.goal.router)],
                    self.refine)
        self.say((self.folder / REFINED_WORDS).read_text())
        self._stage("routed", [self.folder / REFINED, *inputs], self.route)
        report = read_report(self.folder / REPORT, target_hz=self.goal.hz)
        self.say(f"{report.achieved_hz / 1e6:.1f} MHz of {self.goal.hz / 1e6:.1f} MHz")
        return Routed(self.seed, report)

    @property
    def _target(self) -> Target:
        period = round(1e12 / self.goal.hz)
        return Target(period=period, margin=round(self.goal.margin * period), seed=self.seed, cooling=self.goal.cooling)

    def _stage(self, name: str, made_by: Sequence[str | Path], make: Callable[[], None]) -> None:
        parts = [*self.made_by, *self.options, f"{self.seed}", *made_by]
        if self.stages.stage(f"seed_{self.seed}-{name}", parts, STAGE_FILES[name], self.folder, make):
            self.say(f"{name} before, kept")

    def place(self) -> None:
        """From SYNTHESISED to PLACED and DELAYS."""
        self._run_nextpnr("--json", SYNTHESISED, "--no-route", "--write", PLACED, "--sdf", DELAYS, log=PLACER_LOG,
                          begins="placing: reading the netlist")

    def refine(self) -> None:
        """From PLACED and DELAYS to REFINED, and what that brought to REFINED_WORDS."""
        files = PlacementFiles(*(self.folder / name for name in (SYNTHESISED, PLACED, DELAYS, REFINED)))
        refined = refine_placement(files, self._target, sites=self.sites, progress=self._told)
        set_router(self.folder / REFINED, self.goal.router)
        (self.folder / REFINED_WORDS).write_text(
            f"placed, {refined.before_hz / 1e6:.1f} MHz expected; {refined.after_hz / 1e6:.1f} MHz after annealing and "
            f"{refined.moves} moves, {refined.length_after} tiles of wire for {refined.length_before}")

    def route(self) -> None:
        """From REFINED to CONFIG, REPORT and LOG."""
        self._run_nextpnr("--json", REFINED, "--textcfg", CONFIG, "--report", REPORT, "--write", ROUTED, log=LOG,
                          begins="routing: reading the netlist")
        check_same_netlist(self.folder / PLACED, self.folder / ROUTED)

    def say(self, text: str) -> None:
        self.tell(f"seed {self.seed}: {text}")

    def _run_nextpnr(self, *options: str, log: str, begins: str) -> None:
        self.nextpnr.run(*self.options, "--seed", str(self.seed), "--lpf", "../top.lpf", *options,
                         cwd=self.folder, log=self.folder / log, watch=Nextpnr(self._told, begins))

    def _told(self, stage: str, done: float, total: float | None) -> None:
        self.progress(f"seed {self.seed}: {stage}", done, total)


class _Race:
    """Runs of seeds in the order in which they are preferred, whichever is ready first."""

    def __init__(self, runs: Sequence[SeedRun]):
        self._runs = runs
        self._met: list[int] = []               # runs that meet timing

    def attempt(self, number: int) -> Routed | ConfigError | None:
        """The run, or why it failed; None if one that is preferred has met timing already."""
        if any(other < number for other in self._met):
            return None
        try:
            routed = self._runs[number].run()
        except ConfigError as failure:
            return failure
        if routed.report.meets_timing:
            self._met.append(number)
        return routed


def place_and_route(work: Path, options: Sequence[str], seeds: Sequence[int], *, sites: Sites | None,
                    goal: Goal, stages: Stages, say: tools.Say, progress: Progress = silent) -> Routed:
    """Route `top.json` and `top.lpf` of `work`; leaves CONFIG, LOG, REPORT and PLACEMENT_FILE of the winner there.

    As many seeds at a time as there are cores. The first in the order of `seeds` that meets timing wins, whichever
    is ready first, so that the result does not depend on the machine; none after it is begun. If none meets timing,
    the fastest wins.

    Parameters
    ----------
    options, sites, goal, stages : see `SeedRun`

    Raises
    ------
    ConfigError
        If nextpnr is missing, or fails with every seed.
    """
    nextpnr = tools.nextpnr_ecp5()
    stopped = threading.Event()

    def tell(text: str) -> None:
        if stopped.is_set():
            raise ConfigError("place and route", "was ended")
        say(text)

    def told(stage: str, done: float, total: float | None) -> None:
        if stopped.is_set():
            raise ConfigError("place and route", "was ended")
        progress(stage, done, total)

    made_by = [source_digest(*MADE_BY), tools.version(nextpnr), *map(version, LIBRARIES)]
    runs = [SeedRun(seed, work / f"seed_{seed}", nextpnr, options, sites, goal, stages, made_by, tell,
                    told) for seed in seeds]
    with ThreadPoolExecutor(min(len(runs), tools.usable_cores())) as pool:
        try:
            results = list(pool.map(_Race(runs).attempt, range(len(runs))))
        except BaseException:           # Ctrl-C, SIGTERM: nobody waits for hours for what nobody wants
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            tools.end_all()
            raise
    failures = [result for result in results if isinstance(result, ConfigError)]
    routed = [result for result in results if isinstance(result, Routed)]
    if not routed:
        raise failures[0]
    for failure in failures:
        say(f"passed over: {failure}")
    winner = choose(routed)
    folder = next(run.folder for run in runs if run.seed == winner.seed)
    for name in (CONFIG, LOG, PLACER_LOG, REPORT):
        os.replace(folder / name, work / name)
    write_placement(folder / ROUTED, work / PLACEMENT_FILE)
    for run in runs:
        shutil.rmtree(run.folder, ignore_errors=True)
    return winner


def choose(routed: Sequence[Routed]) -> Routed:
    """The first that meets timing, else the fastest."""
    return next((one for one in routed if one.report.meets_timing),
                max(routed, key=lambda one: one.report.achieved_hz))
