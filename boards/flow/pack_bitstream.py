"""From a routed design with a model in it to a bitstream, which is unpacked again and compared word for word."""

from __future__ import annotations

import hashlib
from pathlib import Path

from firelane.boards.contents.routed_design import RoutedDesign
from firelane.boards.flow import tools
from firelane.hw.contract.memory_contents import MemoryContents

BITSTREAM = "top.bit"
_UNPACKED = "unpacked.config"


def pack(work: Path, config: str, design: RoutedDesign, contents: MemoryContents) -> int:
    """Pack file `config` of folder `work` into BITSTREAM and `top.svf` there; returns how many words were compared.

    Raises
    ------
    ConfigError
        If a tool is missing or fails.
    MismatchError
        If the bitstream holds other words than `contents`.
    """
    tools.ecppack().run("--compress", "--input", config, "--bit", BITSTREAM, "--svf", "top.svf",
                        cwd=work, log=work / "ecppack.log")
    tools.ecpunpack().run("--input", BITSTREAM, "--textcfg", _UNPACKED, cwd=work, log=work / "ecpunpack.log")
    unpacked = work / _UNPACKED
    words = design.check(unpacked.read_text(), contents, BITSTREAM)
    unpacked.unlink()
    return words


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
