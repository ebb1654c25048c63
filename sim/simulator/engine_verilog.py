"""The Verilog of an engine, kept from run to run."""

from __future__ import annotations

import importlib.metadata
import json
import re
from dataclasses import asdict
from pathlib import Path

from firelane.compiler.support.files import build_root, digest, locked
from firelane.compiler.support.sources import source_digest
from firelane.hw.contract.config import EngineConfig
from firelane.hw.verilog import write_verilog, yosys_version

MADE_BY = ("firelane.hw", "firelane.sim.simulator", "firelane.compiler.support")     #: packages
ZERO_WORD = re.compile(r"\S+\s*\[\d+\] = \d+'h0+;")


def engine_verilog(cfg: EngineConfig) -> Path:
    """The engine as Verilog, made again only if `cfg` or a file of `MADE_BY` has changed."""
    key = digest([json.dumps(asdict(cfg), sort_keys=True), importlib.metadata.version("amaranth"),
                  yosys_version(), source_digest(*MADE_BY)])
    path = build_root() / "verilog" / key / "engine.v"
    with locked(path.parent):
        if not path.exists():
            fresh = path.with_name("engine.fresh.v")
            write_verilog(cfg, None, fresh)
            fresh.write_text(without_zero_contents(fresh.read_text()))
            fresh.rename(path)
    return path


def without_zero_contents(text: str) -> str:
    """Verilog without `initial` statements that fill memories with zeros, one by one, which is what they hold anyway.

    They are nine tenths of the lines of an engine with large memories, and most of the time of its build.
    """
    kept, initial = [], False
    for line in text.splitlines(keepends=True):
        word = line.strip()
        initial = word == "initial begin" or (initial and word != "end")
        if not (initial and ZERO_WORD.fullmatch(word)):
            kept.append(line)
    return "".join(kept)
