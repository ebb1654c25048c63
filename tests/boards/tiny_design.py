"""The four memories of a model and some ECP5 cells, behind three pins: what a build does with them, in a minute."""

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import io

from firelane.boards.top.clock import add_clock, plan_clock
from firelane.hw.blocks.accumulator import Accumulator
from firelane.hw.blocks.multiplexer import Multiplexer
from firelane.hw.contract.config import WEIGHT_BITS, EngineConfig
from firelane.hw.contract.instruction import RUN_ENTRY_BITS
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.control.program_memory import ProgramMemory
from firelane.hw.taps.symbol_table import SymbolTable
from firelane.hw.taps.weight_memory import WeightMemory

CONFIG = EngineConfig(banks=1, weight_words=3072, program_words=1024, value_symbols=2048, run_symbols=1024)
CLOCK_HZ = 75e6


class TinyDesign(Elaboratable):
    """Addresses and writes come in from a button through a shift register, all data goes out to one LED.

    Parameters
    ----------
    contents : MemoryContents
    button : str
        The platform's name of it.
    """

    def __init__(self, contents: MemoryContents, button: str = "button_fire"):
        self._button = button
        self._memories = (WeightMemory(CONFIG.weight_words, contents.weights),
                          ProgramMemory(CONFIG, init=contents.program),
                          SymbolTable(width=WEIGHT_BITS, depth=CONFIG.value_symbols, init=contents.values),
                          SymbolTable(width=RUN_ENTRY_BITS, depth=CONFIG.run_symbols, init=contents.runs))

    def elaborate(self, platform):
        m = Module()
        m.submodules.weights, m.submodules.program, m.submodules.values, m.submodules.runs = self._memories
        weights, program, values, runs = self._memories
        m.submodules.oscillator = clock_in = io.Buffer("i", platform.request(platform.default_clk, dir="-"))
        add_clock(m, platform, plan_clock(platform, CLOCK_HZ), clock_in.i)
        button = platform.request(self._button, 0, dir="-")
        led = platform.request("led", 0, dir="-")
        m.submodules.button = button = io.Buffer("i", button)
        m.submodules.led = led = io.Buffer("o", led)
        writes = [memory.write for memory in self._memories]
        m.submodules.accumulator = accumulator = Accumulator(16, CONFIG.accumulator_bits)
        m.submodules.multiplexer = multiplexer = Multiplexer(WEIGHT_BITS)
        inputs = [*(write.valid for write in writes), *(write.payload for write in writes),
                  weights.read.address, program.read.address, values.scan_address, runs.scan_address,
                  accumulator.term, accumulator.load, accumulator.enable,
                  *(getattr(multiplexer, name) for name in ("select", "choice_0", "choice_1", "choice_2", "choice_3"))]
        bits = Cat(*(Signal.cast(value) if isinstance(value, Signal) else value.as_value() for value in inputs))
        shift = Signal(len(bits))
        outputs = Cat(weights.read.data, program.read.data, values.entry, runs.entry, accumulator.total,
                      multiplexer.chosen)
        out = Signal(len(outputs))
        m.d.sync += [shift.eq(Cat(button.i, shift)), out.eq(out.rotate_left(1) ^ outputs), led.o.eq(out[-1])]
        m.d.comb += [bits.eq(shift), values.scan.eq(1), runs.scan.eq(1)]
        return m
