"""Energy of a frame, modelled: events that the schedule counts, times picojoules from measurements of others.

Nothing here was measured on this engine. docs/energy.md says where each coefficient is from; they are an estimate to a
factor of two either way, and every figure has its low and its high beside it. The coefficients stand here and nowhere
else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from firelane.compiler.fit.report import LayerLine, Report
from firelane.compiler.fit.resources import engine_resources
from firelane.hw.contract.config import BANK_PIXELS, MEMORY_BITS, PIXEL_BITS, WEIGHT_BITS, EngineConfig
from firelane.hw.contract.timing import COLUMN_MOVE_LATENCY

__all__ = ["COEFFICIENTS", "KINDS", "FrameEnergy", "LayerEnergy", "Range", "frame_energy"]

PICO, MILLI = 1e-12, 1e-3
READ_BITS = 18          #: of a block RAM, for which its coefficient is
PRODUCT_BITS = PIXEL_BITS + WEIGHT_BITS
# Share of bits that change from a cycle to the next, on the published v1.0 in the engine's order.
PIXEL_TOGGLES, PRODUCT_TOGGLES, SUM_TOGGLES, WEIGHT_TOGGLES = 0.268, 0.365, 0.161, 0.446


@dataclass(frozen=True)
class Range:
    """Low, middle and high of one figure."""

    low: float
    mid: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.mid + other.mid, self.high + other.high)

    def __mul__(self, factor: float) -> Range:
        return Range(self.low * factor, self.mid * factor, self.high * factor)

    def rounded(self, digits: int) -> dict[str, float]:
        """The three by name, with so many digits behind the point."""
        return {name: round(value, digits) for name, value in asdict(self).items()}


NONE = Range(0, 0, 0)
COEFFICIENTS = {            # picojoules of an event; docs/energy.md
    "toggle": Range(0.25, 0.45, 0.8),               # of a flip-flop and its net
    "long_toggle": Range(0.25, 0.6, 1.0),           # of a wire from a multiplier to its sum
    "multiplication": Range(0.7, 1.5, 3.0),         # of a MULT18X18D with data of 8 x 8 bits
    "block_ram_read": Range(2.5, 5.0, 10.0),        # of 18 bits
    "block_ram_idle": Range(1.0, 5.0, 10.0),        # of a block that is clocked and not read, a cycle
}
AT_REST = {                 # W of a whole board that does nothing, by device: measured on boards of these
    "LFE5U-85F": 0.202, "LFE5U-25F": 0.147,
}
LIKE = {                    # devices of which nobody has published it: taken as the next larger one that is known
    "LFE5U-12F": "LFE5U-25F", "LFE5U-45F": "LFE5U-85F", "LFE5UM5G-85F": "LFE5U-85F",
}
KINDS = ("multipliers", "sums", "pixels", "weights", "activation memory", "idle block RAM", "board at rest")


@dataclass(frozen=True)
class LayerEnergy:
    """A layer's part of a frame.

    Parameters
    ----------
    name : str
        Of the layer; empty for the end of the frame.
    kinds : dict
        Kind -> millijoules.
    """

    name: str
    kinds: dict[str, Range]

    @property
    def total(self) -> Range:
        """Millijoules."""
        return sum(self.kinds.values(), NONE)


@dataclass(frozen=True)
class FrameEnergy:
    """A frame on a device, without the time between frames.

    Parameters
    ----------
    layers : tuple of LayerEnergy
    seconds : float
        That the frame takes.
    measured_at_rest : bool
        Whether a board with this very device was measured at rest.
    """

    layers: tuple[LayerEnergy, ...]
    seconds: float
    measured_at_rest: bool

    @property
    def total(self) -> Range:
        """Millijoules of a frame."""
        return sum((layer.total for layer in self.layers), NONE)

    @property
    def watts(self) -> Range:
        """Watts, while it computes."""
        return self.total * (MILLI / self.seconds)

    @property
    def kinds(self) -> dict[str, Range]:
        """Millijoules of a frame by kind."""
        return {kind: sum((layer.kinds[kind] for layer in self.layers), NONE) for kind in KINDS}

    def to_dict(self) -> dict[str, Any]:
        """The figures for programs."""
        return {"millijoules": self.total.rounded(3), "watts": self.watts.rounded(3),
                "measured_at_rest": self.measured_at_rest,
                "kinds": {kind: value.rounded(3) for kind, value in self.kinds.items()},
                "layers": [{"name": layer.name, **layer.total.rounded(4)} for layer in self.layers]}


def frame_energy(report: Report, cfg: EngineConfig, clock_hz: float, device: str) -> FrameEnergy | None:
    """What a frame takes on a device; None if nothing is known of it, or of the clock."""
    known = device in AT_REST
    if not clock_hz or not (known or device in LIKE):
        return None
    blocks = engine_resources(cfg).ebr_total
    at_rest = AT_REST[device if known else LIKE[device]] / clock_hz        # joules a cycle
    layers = [LayerEnergy(line.name, _kinds(line, cfg, blocks, at_rest)) for line in report.layers]
    layers.append(LayerEnergy("", _idle(report.cost.end, blocks, at_rest)))
    return FrameEnergy(tuple(layers), report.cost.total / clock_hz, known)


def _kinds(line: LayerLine, cfg: EngineConfig, blocks: int, at_rest: float) -> dict[str, Range]:
    """Millijoules of a layer by kind."""
    reads = line.taps * line.instructions               # of taps: words of all banks
    cycles = min(reads / (cfg.taps_per_cycle if line.weights else 1), line.cycles)
    read_blocks = cfg.banks * -(-BANK_PIXELS * PIXEL_BITS // READ_BITS)
    words = line.coded_bits / MEMORY_BITS * line.instructions
    found = _idle(line.cycles, blocks, at_rest)
    found["idle block RAM"] += COEFFICIENTS["block_ram_idle"] * (-reads * read_blocks * PICO / MILLI)
    for kind, coefficient, events in _events(line, cfg, reads, cycles, read_blocks, words):
        found[kind] += COEFFICIENTS[coefficient] * (events * PICO / MILLI)
    return found


def _events(line: LayerLine, cfg: EngineConfig, reads: float, cycles: float, read_blocks: int,
            words: float) -> Iterator[tuple[str, str, float]]:
    """Kind, coefficient and number of events of a layer's taps."""
    # With two taps a block multiplies the pixels of two lanes, so blocks and reads are as many a tap and lane, or half.
    products = reads * cfg.lanes
    yield "multipliers", "multiplication", products / cfg.taps_per_cycle
    yield "multipliers", "long_toggle", products * PRODUCT_BITS * PRODUCT_TOGGLES
    yield "sums", "toggle", cycles * cfg.lanes * cfg.accumulator_bits * SUM_TOGGLES
    # From the memory's outputs through mask, row move and column move to the operand: nets of each bit.
    nets = 3 + COLUMN_MOVE_LATENCY
    yield "pixels", "toggle", reads * cfg.lanes * PIXEL_BITS * nets * PIXEL_TOGGLES
    if line.weights:
        yield "weights", "toggle", reads * cfg.lanes * WEIGHT_BITS * WEIGHT_TOGGLES
        yield "weights", "block_ram_read", words * MEMORY_BITS / READ_BITS
    yield "activation memory", "block_ram_read", reads * read_blocks


def _idle(cycles: float, blocks: int, at_rest: float) -> dict[str, Range]:
    """Millijoules that go by whatever is computed."""
    rest = cycles * at_rest / MILLI
    return dict.fromkeys(KINDS, NONE) | {
        "idle block RAM": COEFFICIENTS["block_ram_idle"] * (cycles * blocks * PICO / MILLI),
        "board at rest": Range(rest, rest, rest)}
