"""When each instruction of a frame begins and ends, from the promises of `hw.contract.timing`.

Compiler and emulator both walk along it, and the Verilog is tested against it. It assumes that image bytes are always
there, that results are always taken, and that the drain, which writes through the same ports, never stalls the loader.
"""

from dataclasses import dataclass, field
from functools import cached_property

from firelane.hw.contract import timing
from firelane.hw.contract.config import EngineConfig

LONG_AGO = -1 << 30


@dataclass(frozen=True)
class InstructionCycles:
    """The time that an instruction takes, in cycles from the start of the frame.

    `start`: the one before is through, or the frame begins; `end`: it is through; `waited`: of these, cycles that it
    waited for a load and nothing else.
    """

    pc: int
    start: int
    end: int
    waited: int


@dataclass
class Timeline:
    """The instructions of a frame one after the other: `fetch`, perhaps `wait_for_load`, then what it does, `finish`.

    Members
    -------
    fetching : the next fetch begins
    ready : the instruction in hand could start, were it its turn
    through : the instruction before is through, or, if that is a tile, the first cycle in which it is written
    last_tap : the terminator of the tile before is issued
    settled : that tile has got the data path
    load_end : the first cycle in which the loader is idle again
    waited : what the instruction in hand has waited for the loader
    """

    cfg: EngineConfig
    fetching: int = 0
    ready: int = 0
    through: int = -timing.NEXT_LAG
    last_tap: int = LONG_AGO
    settled: int = LONG_AGO
    load_end: int = 0
    waited: int = 0
    done: list[InstructionCycles] = field(default_factory=list)

    def fetch(self, descriptor_words: int) -> None:
        """Fetch an instruction, with its descriptor or 0 words of it."""
        self.ready = self.fetching + timing.fetch_cycles(self.cfg, descriptor_words) + timing.START_LAG
        self.waited = 0

    def wait_for_load(self, settle: int = 0) -> None:
        """Go on when no load has been under way for `settle` cycles."""
        checked = self.ready - timing.START_LAG + timing.CHECK_LAG
        until = max(self.load_end + (settle if self.load_end else 0), checked)
        self.waited = max(until - max(checked, self.through), 0)
        self.ready += until - checked

    @cached_property
    def _gap(self) -> int:
        return timing.tile_gap_cycles(self.cfg)

    def tile(self, channel_cycles: int, *, streamed: bool, dense: bool, averages: bool) -> None:
        """A TILE whose channels take `timing.channel_cycles`."""
        cfg, before = self.cfg, self.last_tap
        decoded = self.ready + timing.decoder_start_cycles(cfg, streamed=streamed, dense=dense)
        self.last_tap = max(decoded, before + self._gap) + channel_cycles
        self.settled = max(self.ready + timing.PIXELS_LAG, self.through + 1)
        self.through = self.last_tap + timing.ADDRESS_CYCLES + timing.tile_tail_cycles(cfg, averages)
        self.fetching = max(self.ready, before + timing.ADDRESS_CYCLES) + 1 + timing.NEXT_LAG

    def load(self, cycles: int, *, beside: bool) -> None:
        """A LOAD that takes so many cycles, perhaps `beside` the tile before; the program goes on."""
        start = max(self.ready, (self.settled if beside else self.through) + 1)
        self.load_end = start + cycles + 1
        self.through, self.fetching = max(start + 1, self.through), start + 1 + timing.NEXT_LAG

    def spend(self, cycles: int) -> None:
        """Anything else, which takes so many cycles from its start."""
        self.through = max(self.ready, self.through + 1) + cycles
        self.fetching = self.through + timing.NEXT_LAG

    def finish(self, pc: int) -> None:
        """The instruction at `pc` is through."""
        start = self.done[-1].end if self.done else 0
        self.done.append(InstructionCycles(pc, start, self.through + timing.NEXT_LAG, self.waited))

    def finish_frame(self) -> int:
        """END; returns the cycles of the frame. The first instruction begins one cycle after the frame."""
        self.fetch(0)
        self.wait_for_load(timing.LOAD_SETTLE_CYCLES)
        return max(self.ready - timing.START_LAG + timing.END_LAG, self.through) + 1
