"""From a compiled program and a board to a bitstream: synthesis, place and route, packing, report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amaranth.build.run import BuildPlan

from firelane.boards.board import Board
from firelane.boards.contents.routed_design import MAP_FILE, RoutedDesign, recognise_design
from firelane.boards.flow import tools
from firelane.boards.flow.build_plan import plan_text, write_plan_files
from firelane.boards.flow.crowding import wire_effort
from firelane.boards.flow.file_names import CONFIG
from firelane.boards.flow.pack_bitstream import BITSTREAM, pack, sha256
from firelane.boards.flow.place_route import nextpnr_options, place_and_route
from firelane.boards.flow.stages import Stages
from firelane.boards.flow.synthesis import synthesise
from firelane.boards.place.ecp5.block_sites import block_sites
from firelane.boards.report.build_record import Digests, ModelFacts, record
from firelane.boards.report.build_report import BuildReport
from firelane.boards.top.clock import plan_clock
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.problems import raise_all
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.work_folder import adopt, all_or_nothing
from firelane.hw.blocks.pipeline import KEEP_COPIES_SCRIPT
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.benchmark.builds import RECORD_FILE

FAMILY = "ecp5"
_DEVICE_OPTIONS = re.compile(r"--(?:um5g-|um-)?\d+k --package \S+ --speed \d")

# What abc9 makes of long names of wires collides now and then, and Yosys ends with a failed assertion. So the wires get
# short names first, but for the clock; the cells, which reports name, get theirs from the wires before that.
SYNTHESIS_SCRIPT = (
    "read_rtlil top.il",
    "hierarchy -top top",
    *KEEP_COPIES_SCRIPT.split("; "),
    "synth_ecp5 -top top -run begin:map_luts",
    "autoname",
    "rename -hide w:* w:clk %d",
    "rename -enumerate -pattern wire_% w:*",
    "synth_ecp5 -top top -run map_luts:",
    "tee -o stat.txt stat",
    "write_json top.json",
)


class TimingError(FirelaneError):
    """Routed, but slower than the clock that the PLL would make."""


@dataclass(frozen=True)
class Build:
    """Where a finished build is, and what it holds."""

    folder: Path
    bitstream: Path
    digests: Digests
    seed: int
    report: BuildReport
    tool_versions: dict[str, str]


def build_bitstream(board: Board, top, contents: MemoryContents, model: ModelFacts, folder: Path, *,
                    seeds: Sequence[int], say: tools.Say, progress: Progress = silent) -> Build:
    """Build `top` with the model's `contents` into `folder`, all of it or nothing.

    The same sources, tools and seeds give the same bitstream, wherever and on however many cores. Everything up to
    place and route knows nothing of the model: `boards.flow.patch` puts another one into the result.

    Parameters
    ----------
    top : Elaboratable
        For `board`'s platform, with `boards.contents.memory_key.key_contents` in its memories.
    contents : MemoryContents
        Of the compiled model.
    model : ModelFacts
        For `build.json`.
    seeds : sequence of int
        Of the placer; the first that meets timing wins.
    say : function of a line
        Told before each step.
    progress : callable
        Told the name of a step, how much is done, and of how much.

    A build that is interrupted, or fails, leaves its finished stages in build/stages; the next one takes them.

    Raises
    ------
    ConfigError
        If the device is no ECP5, or a tool is missing or fails.
    TimingError
        If the slowest path is slower than the engine's clock. The folder is written, without a bitstream.
    """
    raise_all(check_tools(board))
    stages = Stages(folder)
    with all_or_nothing(folder) as work:
        progress("writing the netlist of the engine", 0, None)
        options = _write_sources(board, top, work)
        device = block_sites(board.device.name)
        effort = wire_effort(board)
        synthesise(work, board.device.name, stages, search=effort.search, say=say, progress=progress)
        say("place and route (several minutes for a large device)")
        target_hz = plan_clock(board.platform(), board.clock_hz).output_hz
        routed = place_and_route(work, nextpnr_options(options, ripup=effort.ripup), seeds, stages=stages,
                                 sites=device.sites if device else None, goal=effort.goal(target_hz), say=say,
                                 progress=progress)
        report = routed.report
        progress("putting the model in", 0, None)
        design = _fill(work, board, contents)
        if report.meets_timing:
            progress("packing", 0, None)
            pack(work, CONFIG, design, contents)
        digests = Digests(design.digest, sha256(work / BITSTREAM) if report.meets_timing else None)
        versions = {tool.name: tools.version(tool)
                    for tool in (tools.yosys_script(), tools.nextpnr_ecp5(), tools.ecppack())}
        (work / RECORD_FILE).write_text(record(board, model, report, seed=routed.seed, tools=versions, digests=digests))
    if not report.meets_timing:
        raise TimingError(board.name, f"timing missed: {report.achieved_hz / 1e6:.1f} MHz of "
                                      f"{report.target_hz / 1e6:.1f} MHz",
                          hint=f"try more --seeds or a lower --clock; worst path: {report.limit}")
    stages.remove()
    return Build(folder, folder / BITSTREAM, digests, routed.seed, report, versions)


def check_tools(board: Board) -> list[FirelaneError]:
    """What stands in the way of a bitstream for that board on this machine, before anything is done."""
    if board.device.family != FAMILY:
        return [ConfigError(board.name, f"no place and route for the {board.device.name}",
                            hint=f"`firelane vivado-project MODEL --board {board.name}` writes a project for Vivado")]
    problems: list[FirelaneError] = []
    for tool in (tools.yosys_script, tools.nextpnr_ecp5, tools.ecppack, tools.ecpunpack):
        try:
            tool()
        except ConfigError as problem:
            problems.append(problem)
    return problems


def _fill(work: Path, board: Board, contents: MemoryContents) -> RoutedDesign:
    """Put the model in place of the key in CONFIG; leaves the map that `boards.flow.patch` needs beside it."""
    keyed = (work / CONFIG).read_text()
    design = recognise_design(keyed, board, board.engine, CONFIG)
    (work / CONFIG).write_text(design.fill(keyed, contents))
    (work / MAP_FILE).write_text(design.to_json())
    return design


def program(board: Board, bitstream: Path, *, say: tools.Say) -> None:
    """Send a bitstream to the connected board with openFPGALoader."""
    if not bitstream.exists():
        raise ConfigError(str(bitstream), "there is no bitstream",
                          hint=f"`firelane bitstream MODEL --board {board.name}` makes one")
    loader = tools.open_fpga_loader()
    say(f"openFPGALoader -b {board.programmer} {bitstream}")
    log = bitstream.parent / "openFPGALoader.log"
    loader.run("-b", board.programmer, "-m", str(bitstream.resolve()), cwd=bitstream.parent, log=log)
    adopt(log.parent, [log.name])


def _write_sources(board: Board, top, work: Path) -> str:
    """RTLIL, constraints and script of `top` into `work`; returns nextpnr's device options."""
    plan = board.platform().build(top, do_build=False)
    write_plan_files(plan, ("top.il", "top.lpf"), work)
    (work / "top.ys").write_text("\n".join(SYNTHESIS_SCRIPT) + "\n")
    return device_options(plan)


def device_options(plan: BuildPlan) -> str:
    """Options of nextpnr: device, package and speed, as amaranth's build script has them."""
    found = _DEVICE_OPTIONS.search(plan_text(plan, "build_top.sh"))
    assert found, "amaranth's build script no longer names the device as expected"
    return found.group()
