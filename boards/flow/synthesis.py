"""From the RTLIL of an engine to a netlist for nextpnr, blocks on their sites where that matters; kept as a stage."""

from __future__ import annotations

from pathlib import Path

from firelane.boards.flow import tools
from firelane.boards.flow.floorplan import FROM_ALL, Search, fix_blocks
from firelane.boards.flow.stages import Stages
from firelane.boards.flow.tool_progress import synthesis
from firelane.boards.place.ecp5.block_sites import block_sites
from firelane.boards.place.ecp5.carry_ends import open_carry_ends
from firelane.boards.place.ecp5.flip_flop_inputs import separate_flip_flops
from firelane.boards.place.ecp5.output_registers import use_output_registers
from firelane.compiler.support.progress import Progress
from firelane.compiler.support.sources import source_digest

RTLIL, SCRIPT = "top.il", "top.ys"
NETLIST, LOG, COUNTS = "top.json", "yosys.log", "stat.txt"
MADE_BY = ("firelane.boards.flow", "firelane.boards.place", "firelane.compiler.support")    #: but for what RTLIL says


def synthesise(work: Path, device_name: str, stages: Stages, *, search: Search = FROM_ALL, say: tools.Say,
               progress: Progress) -> None:
    """From RTLIL and SCRIPT in `work` to NETLIST, as it was kept, or by Yosys; `search` is for sites of blocks.

    Raises
    ------
    ConfigError
        If Yosys is missing or fails, or there are more blocks than sites.
    """
    yosys = tools.yosys_script()
    version = tools.version(yosys)

    def make() -> None:
        say(f"synthesis ({version})")
        yosys.run(SCRIPT, cwd=work, log=work / LOG, watch=synthesis(progress))
        use_output_registers(work / NETLIST)
        open_carry_ends(work / NETLIST)
        separate_flip_flops(work / NETLIST)
        device = block_sites(device_name)
        if device:
            length = fix_blocks(work / NETLIST, device, search=search, progress=progress)
            say(f"sites of block RAMs and multipliers: {length:.0f} tiles of wire are to be expected at least")
    made_by: list[str | Path] = [source_digest(*MADE_BY), version, device_name, repr(search), work / RTLIL,
                                 work / SCRIPT]
    if stages.stage("netlist", made_by, (NETLIST, LOG, COUNTS), work, make):
        say("synthesised before, kept")
