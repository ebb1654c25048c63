"""Which kind of waveform files simulators can write here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

FST_HEADERS = ("zlib.h", "lz4.h")


def wave_format(notify: Callable[[str], None]) -> str:
    """FST if its writer can be compiled here."""
    include = [argument for header in FST_HEADERS for argument in ("-include", header)]
    probe = subprocess.run(["g++", "-fsyntax-only", "-x", "c++", *include, os.devnull], capture_output=True,
                           check=False)
    if probe.returncode == 0:
        return "fst"
    notify("writing VCD; for the smaller FST files install zlib and lz4 headers (Debian: zlib1g-dev liblz4-dev)")
    return "vcd"
