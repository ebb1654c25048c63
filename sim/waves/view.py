"""How GTKWave shows waveforms of the engine: a .gtkw file beside them, signals in groups by block.

Only signals that the waveform file has are named. Each block of the engine is a group with its ports and states, closed
at first, in one of four groups by what the block does; opcodes and states are shown by their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from firelane.hw.contract.config import EngineConfig
from firelane.sim.waves.enum_names import Names, enum_names
from firelane.sim.waves.state_names import state_names
from firelane.sim.waves.vcd_header import Wave, read_waves

ENGINE = ("firelane_bench", "engine")        #: the scope of the engine's module
MODULE = "firelane_engine"                          #: and its name in the Verilog
BENCH = ("clk", "cycle", "frames_done", "tile_start", "tile_done", "pc", "s_valid", "s_ready", "s_data", "s_last",
         "m_valid", "m_ready", "m_data", "m_last")  #: of the bench: where in the frame we are
GROUPS = {                                          #: blocks in the engine, by the folders of `hw/` that they are from
    "control": ("sequencer", "stages", "program_memory", "integrity", "csr", "counters", "fault", "load_port"),
    "taps": ("tap_path",),
    "pixels": ("datapath",),
    "streams": ("loader", "results"),
}
WIDEST = 64                     #: bits; wider ones are bundles that nobody can read
SIGNED = ("sum", "sums", "product", "bias")
DECIMAL = ("cycle", "pc", "address", "count", "rows", "columns", "row", "column", "channel", "frames_done", "length")
HEX_FLAG, DECIMAL_FLAG, BINARY_FLAG, SIGNED_FLAG = "@22", "@24", "@28", "@420"
TRANSLATED_FLAG = "@2022"       #: hexadecimal, through a file
OPEN, OPEN_CLOSED, CLOSE, CLOSE_CLOSED = "@800200", "@c00200", "@1000200", "@1401200"
_PRIVATE = re.compile(r"^(_|\$|clk$|rst$)|\$\d+")


def write_view(waves: Path, verilog: Path, cfg: EngineConfig) -> Path:
    """Write the .gtkw beside a VCD file, and the names of opcodes and states; returns the .gtkw.

    Parameters
    ----------
    verilog : Path
        The engine's.
    cfg : EngineConfig
        What that was made of.
    """
    found = read_waves(waves)
    names = enum_names(verilog) | {(MODULE, "engine", *path): states for path, states in state_names(cfg).items()}
    tables = Tables(waves.parent)
    bench = [wave for wave in found if wave.scope == ENGINE[:-1] and wave.name in BENCH]
    lines = ["[*]", f'[dumpfile] "{waves.name}"', "[sst_expanded] 1",
             *_group("bench", [line for wave in bench for line in _signal(wave, None, tables)])]
    for title, blocks in GROUPS.items():
        inside: list[str] = []
        for block in blocks:
            for scope in _scopes_below(found, (*ENGINE, "engine", block)):
                signals = [line for wave in _shown(found, scope)
                           for line in _signal(wave, names.get(_in_verilog(wave)), tables)]
                inside += _group(".".join(scope[len(ENGINE) + 1:]), signals, closed=True)
        lines += _group(title, inside)
    view = waves.with_suffix(".gtkw")
    view.write_text("\n".join(lines) + "\n")
    return view


class Tables:
    """Files with names of values, one for each different set of them.

    GTKWave reads each once for every signal that is shown by it, and counts them.
    """

    def __init__(self, folder: Path):
        self._folder, self._uses = folder, 0
        self._files: dict[tuple[tuple[int, str], ...], Path] = {}

    def use(self, names: Names) -> str:
        """The line of a .gtkw that names the file for the signal that follows."""
        key = tuple(sorted(names.items()))
        if key not in self._files:
            file = self._folder / f"names{len(self._files)}.txt"
            file.write_text("".join(f"{value:x} {name}\n" for value, name in key))
            self._files[key] = file
        self._uses += 1
        return f"^{self._uses} {self._files[key].name}"


def _scopes_below(found: Iterable[Wave], block: tuple[str, ...]) -> list[tuple[str, ...]]:
    """A block and the blocks in it, those aside that are many of a kind."""
    scopes = dict.fromkeys(wave.scope for wave in found if wave.scope[:len(block)] == block)
    return [scope for scope in scopes if not re.search(r"_\d+$", scope[-1])]


def _shown(found: Iterable[Wave], scope: tuple[str, ...]) -> Iterator[Wave]:
    """Signals of a block that say something by their names."""
    for wave in found:
        if wave.scope == scope and wave.width <= WIDEST and not _PRIVATE.search(wave.name):
            yield wave


def _in_verilog(wave: Wave) -> tuple[str, ...]:
    return (MODULE, *wave.scope[len(ENGINE):], wave.name)


def _signal(wave: Wave, names: Names | None, tables: Tables) -> list[str]:
    if names:
        return [TRANSLATED_FLAG, tables.use(names), wave.full_name]
    return [_radix(wave), wave.full_name]


def _radix(wave: Wave) -> str:
    last = re.split(r"\W|__", wave.name)[-1]
    if wave.width == 1:
        return BINARY_FLAG
    if last in SIGNED:
        return SIGNED_FLAG
    return DECIMAL_FLAG if last.endswith(DECIMAL) else HEX_FLAG


def _group(title: str, lines: Sequence[str], *, closed: bool = False) -> list[str]:
    """Lines in a group that can be opened and closed; nothing if there are none."""
    if not lines:
        return []
    begin, end = (OPEN_CLOSED, CLOSE_CLOSED) if closed else (OPEN, CLOSE)
    return [begin, f"-{title}", *lines, end, f"-{title}"]
