"""The top level of a simulated board as Verilog without what its memories hold, kept from run to run."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from amaranth.back import rtlil
from amaranth.hdl import Signal

from firelane.boards.simulated.contents import Piece, marked_contents, pieces_from_json, pieces_to_json, take_out
from firelane.compiler.support.files import build_root, digest, locked
from firelane.hw.contract.config import EngineConfig
from firelane.hw.engine import Engine
from firelane.hw.verilog import write_rtlil_as_verilog, yosys_version
from firelane.sim.simulator.engine_verilog import without_zero_contents


class Top(Protocol):
    """A top level; `ports` has all that it is connected by, besides clock and reset."""

    @property
    def ports(self) -> list[Signal]: ...


def kept_verilog(name: str, key: Sequence[str],
                 make: Callable[[Path], tuple[str, list[Piece]]]) -> tuple[Path, list[Piece]]:
    """The Verilog file and the pieces that `make` returns, made again only if anything in `key` or a tool has changed.

    `make` is given a path that it may write to; `name` begins that of the folder.
    """
    kept = digest([*key, importlib.metadata.version("amaranth"), yosys_version()])
    directory = build_root() / "verilog" / f"{name}-{kept}"
    verilog, pieces = directory / "engine.v", directory / "pieces.json"
    with locked(directory):
        if not pieces.exists():
            directory.mkdir(exist_ok=True)
            text, found = make(directory / "full.v")
            verilog.write_text(text)
            fresh = pieces.with_suffix(".fresh")
            fresh.write_text(pieces_to_json(found))
            fresh.rename(pieces)
    return verilog, pieces_from_json(pieces.read_text())


def top_verilog(name: str, cfg: EngineConfig, make: Callable[[Engine], Top], scratch: Path) -> tuple[str, list[Piece]]:
    """The module `name`, which is what `make` puts around an engine of `cfg`, and what its memories must be given."""
    marks = marked_contents(cfg)
    top = make(Engine(cfg, marks))
    write_rtlil_as_verilog(rtlil.convert(top, name=name, ports=top.ports, emit_src=False), scratch)
    text, pieces = take_out(scratch.read_text(), marks)
    scratch.unlink()
    return without_zero_contents(text), pieces
