"""The commands that build a simulator."""

from __future__ import annotations

from firelane.sim.simulator.build import FRAME_BENCH
from firelane.sim.simulator.verilator import PortsOnlyRunner


def test_no_wire_is_public():
    """Public wires make builds and runs several times slower."""
    runner = PortsOnlyRunner()
    runner._set_sources([*FRAME_BENCH.control_files, *FRAME_BENCH.sources])
    runner._set_verilog_sources([])
    runner._set_build_args([])
    runner.hdl_toplevel, runner.waves, runner.timescale = FRAME_BENCH.top, False, None
    runner.defines = runner.parameters = {}
    runner.includes = []
    verilate, make = runner._build_command()
    assert "--vpi" in verilate
    assert not [argument for argument in verilate if "public" in argument]
    assert "CFG_CXXFLAGS_PCH_I=-include" in make
