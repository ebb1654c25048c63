"""From a compiled program and a board to a bitstream: synthesis, place and route, packing, report."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from boards import tools
from boards.block_sites import block_sites
from boards.board import Board
from boards.build_report import BuildReport, read_report
from boards.carry_ends import open_carry_ends
from boards.floorplan import fix_blocks
from boards.pll import plan_pll
from compiler.errors import ConfigError, FirelaneError
from hw.pipeline import KEEP_COPIES_SCRIPT

NEXTPNR_OPTIONS = ("--placer", "static", "--router", "router2", "--tmg-ripup", "--timing-allow-fail")
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

Say = Callable[[str], None]


class TimingError(FirelaneError):
    """Routed, but slower than the clock that the PLL would make."""


@dataclass(frozen=True)
class Build:
    """Where a finished build is, and what it holds."""

    folder: Path
    bitstream: Path
    report: BuildReport
    tool_versions: dict[str, str]


def build_bitstream(board: Board, top, folder: Path, *, seed: int, say: Say) -> Build:
    """Build `top` (an Elaboratable for `board`'s platform) into `folder`, all of it or nothing.

    Parameters
    ----------
    seed : int
        Of the placer. The same sources, tools and seed give the same bitstream.
    say : function of a line
        Told before each step.

    Raises
    ------
    ConfigError
        If a tool is missing or fails.
    TimingError
        If the slowest path is slower than the engine's clock. The folder is written, without a bitstream.
    """
    with _all_or_nothing(folder) as work:
        options = _write_sources(board, top, work)
        say(f"synthesis ({tools.version(tools.yosys_script())})")
        tools.yosys_script().run("top.ys", cwd=work, log=work / "yosys.log")
        open_carry_ends(work / "top.json")
        if sites := block_sites(board.device.name):
            say("sites of block RAMs and multipliers")
            fix_blocks(work / "top.json", sites)
        say("place and route (several minutes for a large device)")
        tools.nextpnr_ecp5().run(*options.split(), *NEXTPNR_OPTIONS, "--seed", str(seed), "--json", "top.json",
                                 "--lpf", "top.lpf", "--textcfg", "top.config", "--report", "report.json",
                                 cwd=work, log=work / "nextpnr.log")
        target_hz = plan_pll(board.platform().default_clk_frequency, board.clock_hz).output_hz
        report = read_report(work / "report.json", target_hz=target_hz)
        if report.meets_timing:
            say("packing")
            tools.ecppack().run("--compress", "--input", "top.config", "--bit", "top.bit", "--svf", "top.svf",
                                cwd=work, log=work / "ecppack.log")
    if not report.meets_timing:
        raise TimingError(board.name, f"timing missed: {report.achieved_hz / 1e6:.1f} MHz of "
                                      f"{report.target_hz / 1e6:.1f} MHz",
                          hint=f"try another --seed or a lower --clock; worst path: {_summary(report)}")
    versions = {tool.name: tools.version(tool)
                for tool in (tools.yosys_script(), tools.nextpnr_ecp5(), tools.ecppack())}
    return Build(folder, folder / "top.bit", report, versions)


def program(board: Board, bitstream: Path, *, say: Say) -> None:
    """Send a bitstream to the connected board with openFPGALoader."""
    if not bitstream.exists():
        raise ConfigError(str(bitstream), "there is no bitstream", hint=f"make bitstream BOARD={board.name} first")
    loader = tools.open_fpga_loader()
    say(f"openFPGALoader -b {board.programmer} {bitstream}")
    loader.run("-b", board.programmer, "-m", str(bitstream.resolve()), cwd=bitstream.parent,
               log=bitstream.parent / "openFPGALoader.log")


def _write_sources(board: Board, top, work: Path) -> str:
    """RTLIL, constraints and script of `top` into `work`; returns nextpnr's device options."""
    plan = board.platform().build(top, do_build=False)
    for name in ("top.il", "top.lpf"):
        content = plan.files[name]
        (work / name).write_text(content if isinstance(content, str) else content.decode())
    (work / "top.ys").write_text("\n".join(SYNTHESIS_SCRIPT) + "\n")
    script = plan.files["build_top.sh"]
    found = _DEVICE_OPTIONS.search(script if isinstance(script, str) else script.decode())
    assert found, "amaranth's build script no longer names the device as expected"
    return found.group()


@contextmanager
def _all_or_nothing(folder: Path) -> Iterator[Path]:
    """A working folder beside `folder` that takes its place on success and vanishes on failure.

    The logs of a failed build are moved to `folder` + ".failed".
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise ConfigError(str(folder), f"cannot be written: {error.strerror}",
                          hint="choose another folder with -o") from error
    try:
        yield work
    except BaseException:
        failed = folder.with_name(folder.name + ".failed")
        shutil.rmtree(failed, ignore_errors=True)
        os.replace(work, failed)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(work, folder)


def _summary(report: BuildReport) -> str:
    path = report.worst_path
    return f"{path[0]} ... {path[-1]}" if path else "not reported"
