"""Place and route with one seed or several, of which the first that meets timing wins.

nextpnr first only places; then the placement is annealed (`boards.place.refine.refine_placement`), and nextpnr places
what is left, and routes. What it has routed must be the netlist that it placed first.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from firelane.boards.flow import tools
from firelane.boards.flow.same_netlist import check_same_netlist
from firelane.boards.place.ecp5.block_sites import Sites
from firelane.boards.place.refine.refine_placement import refine_placement
from firelane.boards.report.build_report import BuildReport, read_report
from firelane.boards.report.placement import PLACEMENT_FILE, write_placement
from firelane.compiler.support.errors import ConfigError

NEXTPNR_OPTIONS = ("--placer", "static", "--router", "router2", "--timing-allow-fail")
RIPUP = "--tmg-ripup"
SYNTHESISED = "../top.json"
CONFIG, LOG, REPORT = "top.config", "nextpnr.log", "report.json"
PLACED, DELAYS, PLACER_LOG = "placed.json", "placed.sdf", "placer.log"
REFINED, ROUTED = "refined.json", "routed.json"
TIMES_TOLD = 6          #: how far annealing is
MARGIN = 0.14           #: of the period, that paths should have left before routing; router2 leads wires around crowds

Say = Callable[[str], None]


@dataclass(frozen=True)
class Routed:
    """What one seed gave."""

    seed: int
    report: BuildReport


def nextpnr_options(device: str, *, ripup: bool) -> list[str]:
    """What all runs have in common: the options for the device, and with `ripup` wires make way for slow ones."""
    return [*device.split(), *NEXTPNR_OPTIONS, *([RIPUP] if ripup else [])]


def place_and_route(work: Path, options: Sequence[str], seeds: Sequence[int], *, sites: Sites | None,
                    target_hz: float, say: Say) -> Routed:
    """Route `top.json` and `top.lpf` of `work`; leaves CONFIG, LOG, REPORT and PLACEMENT_FILE of the winner there.

    As many seeds at a time as there are cores. The first in the order of `seeds` that meets timing wins, whichever
    is ready first, so that the result does not depend on the machine; none after it is begun. If none meets timing,
    the fastest wins.

    Parameters
    ----------
    options : of `nextpnr_options`
    sites : of the device's blocks, where they are known

    Raises
    ------
    ConfigError
        If nextpnr is missing, or fails with every seed.
    """
    nextpnr = tools.nextpnr_ecp5()
    met: list[int] = []
    failures: list[ConfigError] = []
    stopped = threading.Event()

    def tell(text: str) -> None:
        if stopped.is_set():
            raise ConfigError("place and route", "was ended")
        say(text)

    def attempt(place: int) -> Routed | None:
        seed = seeds[place]
        if any(other < place for other in met):
            return None
        folder = work / f"seed_{seed}"
        folder.mkdir()
        try:
            common = [*options, "--seed", str(seed), "--lpf", "../top.lpf"]
            nextpnr.run(*common, "--json", SYNTHESISED, "--no-route", "--write", PLACED, "--sdf", DELAYS,
                        cwd=folder, log=folder / PLACER_LOG)
            _refine(folder, sites, seed, target_hz, lambda text: tell(f"seed {seed}: {text}"))
            nextpnr.run(*common, "--json", REFINED, "--textcfg", CONFIG, "--report", REPORT, "--write", ROUTED,
                        cwd=folder, log=folder / LOG)
            check_same_netlist(folder / PLACED, folder / ROUTED)
        except ConfigError as failure:
            failures.append(failure)
            return None
        report = read_report(folder / REPORT, target_hz=target_hz)
        if report.meets_timing:
            met.append(place)
        say(f"seed {seed}: {report.achieved_hz / 1e6:.1f} MHz of {target_hz / 1e6:.1f} MHz")
        return Routed(seed, report)

    with ThreadPoolExecutor(min(len(seeds), tools.usable_cores())) as pool:
        try:
            routed = [result for result in pool.map(attempt, range(len(seeds))) if result]
        except BaseException:           # Ctrl-C, SIGTERM: nobody waits for hours for what nobody wants
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            tools.end_all()
            raise
    if not routed:
        raise failures[0]
    for failure in failures:
        say(f"passed over: {failure}")
    winner = choose(routed)
    for name in (CONFIG, LOG, PLACER_LOG, REPORT):
        os.replace(work / f"seed_{winner.seed}" / name, work / name)
    write_placement(work / f"seed_{winner.seed}" / ROUTED, work / PLACEMENT_FILE)
    for seed in seeds:
        shutil.rmtree(work / f"seed_{seed}", ignore_errors=True)
    return winner


def _refine(folder: Path, sites: Sites | None, seed: int, target_hz: float, say: Say) -> None:
    """From PLACED and DELAYS to REFINED."""
    period = round(1e12 / target_hz)

    def progress(stage: str, done: int, total: int) -> None:
        if done * TIMES_TOLD // total > (done - 1) * TIMES_TOLD // total:
            say(f"{stage}: {done} of {total} rounds")
    refined = refine_placement(folder / SYNTHESISED, folder / PLACED, folder / DELAYS, folder / REFINED,
                               sites=sites, period=period, margin=round(MARGIN * period), seed=seed,
                               progress=progress)
    say(f"placed, {refined.before_hz / 1e6:.1f} MHz expected; {refined.after_hz / 1e6:.1f} MHz after annealing and "
        f"{refined.moves} moves, {refined.length_after} tiles of wire for {refined.length_before}")


def choose(routed: Sequence[Routed]) -> Routed:
    """The first that meets timing, else the fastest."""
    return next((one for one in routed if one.report.meets_timing),
                max(routed, key=lambda one: one.report.achieved_hz))
