"""The main program of simulators that write waveforms: cocotb's, which asks the bench in each step whether to write.

cocotb's writes every step of a run. Ours is its text with one line more, so that it stays what belongs to the installed
version.
"""

from __future__ import annotations

from pathlib import Path

import cocotb_tools.config

COCOTBS = "verilator.cpp"
DUMP = "            tfp->dump(main_time);\n"
WHERE_DEFINED = "int main(int argc, char **argv) {\n"
ASK = """\
static bool is_wanted() {        // `waves` of the bench; a bench without it is always written
    static vpiHandle const waves = vpi_handle_by_name(const_cast<PLI_BYTE8 *>("firelane_bench.waves"), nullptr);
    if (!waves) return true;
    s_vpi_value value;
    value.format = vpiIntVal;
    vpi_get_value(waves, &value);
    return value.value.integer != 0;
}

"""


def write_wave_main(directory: Path) -> Path:
    """Write the main program to a folder; returns the file."""
    text = (cocotb_tools.config.share_dir / "lib" / "verilator" / COCOTBS).read_text()
    assert text.count(DUMP) == text.count(WHERE_DEFINED) == 1, "the installed cocotb has another main program"
    text = text.replace(DUMP, f"            if (is_wanted()) {DUMP.strip()}\n")
    text = text.replace(WHERE_DEFINED, ASK + WHERE_DEFINED)
    file = directory / "wave_main.cpp"
    file.write_text(text)
    return file
