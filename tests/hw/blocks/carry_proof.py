"""A proof that what is instantiated on ECP5 is the portable block, by Yosys' model of carry cells."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from amaranth.back import rtlil

MITER = """
read_verilog ccu2c.v +/lattice/common_sim.vh
read_rtlil portable.il
read_rtlil ecp5.il
setattr -mod -unset top portable ecp5
hierarchy
proc
flatten
equiv_make portable ecp5 both
hierarchy -top both
async2sync
equiv_simple -seq 1
equiv_status -assert
"""


class Ecp5:
    family = "ecp5"


def prove_equal(make: Callable, folder: Path) -> str:
    """The RTLIL of a block for ECP5, when it has been proved equal to the portable one, register by register."""
    import pyosys
    model = Path(pyosys.__file__).parent / "share" / "lattice" / "ccu2c_sim.vh"
    (folder / "ccu2c.v").write_text(re.sub(r"specify.*?endspecify", "", model.read_text(), flags=re.S))
    for name, platform in (("portable", None), ("ecp5", Ecp5())):
        text = rtlil.convert(make(), name=name, platform=platform, emit_src=False)
        (folder / f"{name}.il").write_text(text)
    (folder / "miter.ys").write_text(MITER)
    code = "from pyosys import libyosys; libyosys.run_pass('script miter.ys', libyosys.Design())"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "Equivalence successfully proven!" in done.stdout
    return text
