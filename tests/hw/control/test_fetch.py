"""Fetch: fields, tables, when a descriptor is fetched again, and cycles."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import (
    CODE_WORDS,
    DESCRIPTOR,
    DESCRIPTOR_WORDS,
    HEADER_WORDS,
    Opcode,
    Source,
    descriptor_total_words,
    instruction_layout,
    instruction_words,
)
from firelane.hw.contract.timing import fetch_cycles
from firelane.hw.control.fetch import KERNEL_WORDS, Fetch
from firelane.hw.control.program_memory import ProgramMemory
from tests.hw.programs import descriptor, instruction
from tests.hw.support import lint, pulse, simulate

CFG = EngineConfig(banks=2, program_words=256)
RNG = random.Random(5)
CODES = [RNG.randrange(1 << 36) for _ in range(CODE_WORDS)]
KERNEL = [RNG.randrange(1 << 36) for _ in range(KERNEL_WORDS)]


def layer(source=Source.STREAM, kernel_taps=9, **fields):
    """A descriptor with tables behind it."""
    codes = CODES if source is Source.STREAM else []
    return descriptor(source=source, kernel_taps=kernel_taps, **fields) + codes + KERNEL[:-(-kernel_taps // 2)]


def fetch_all(cfg, memory, fetches, length):
    """Per (pc, forget): (cycles, tile, layer, codes, kernel, range errors) as the block shows them."""
    m = Module()
    m.submodules.fetch = dut = Fetch(cfg)
    m.submodules.memory = words = ProgramMemory(cfg, init=[memory.get(n, 0) for n in range(cfg.program_words)])
    connect(m, dut.program, words.read)
    seen = []

    async def bench(ctx):
        ctx.set(dut.program_length, length)
        for pc, forget in fetches:
            if forget:
                await pulse(ctx, dut.forget)
            ctx.set(dut.pc, pc)
            await pulse(ctx, dut.start)
            cycles, codes, kernel, errors = 1, {}, {}, 0
            while not ctx.get(dut.done):
                for write, words in ((dut.code_write, codes), (dut.kernel_write, kernel)):
                    if ctx.get(write.valid):
                        word = ctx.get(write.payload)
                        words[word.index] = word.data
                errors += ctx.get(dut.range_error)
                await ctx.tick()
                cycles += 1
            tile, layer = ctx.get(dut.tile).as_bits(), ctx.get(dut.layer).as_bits()
            seen.append((cycles, tile, layer, codes, kernel, errors))
            await ctx.tick()

    simulate(m, bench)
    return seen


def place(memory, address, words):
    memory.update(enumerate(words, address))


def to_bits(words):
    return sum(word << 36 * n for n, word in enumerate(words))


def test_lint():
    lint(Fetch(CFG))


@pytest.mark.parametrize("banks", [1, 2, 8])
def test_fields_arrive(banks):
    cfg = EngineConfig(banks=banks, program_words=256)
    rng = random.Random(banks)
    memory = {}
    fields = {name: rng.randrange(1 << DESCRIPTOR[name].width)
              for name in ("columns", "pad", "multiplier", "image_columns")}
    words = instruction(cfg, Opcode.TILE, layer=100, address=77, rows=1, slots=[{"address": 9, "rows": 1}] * 4)
    place(memory, 8, words)
    place(memory, 100, layer(kernel_taps=9, **fields))
    (_, tile, got, codes, kernel, errors), = fetch_all(cfg, memory, [(8, 1)], 256)
    assert tile == to_bits(words)
    assert tile < 1 << instruction_layout(cfg).size
    assert got == to_bits(descriptor(source=Source.STREAM, kernel_taps=9, **fields))
    assert codes == dict(enumerate(CODES))
    assert kernel == dict(enumerate(KERNEL[:5]))
    assert errors == 0


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("kernel_taps", [1, 2, 9, 64])
def test_cycles_with_tables(source, kernel_taps):
    memory = {}
    place(memory, 8, instruction(CFG, Opcode.TILE, layer=100))
    place(memory, 100, layer(source, kernel_taps))
    (cycles, _, _, codes, kernel, _), = fetch_all(CFG, memory, [(8, 1)], 256)
    assert cycles == fetch_cycles(CFG, descriptor_total_words(CFG, source, kernel_taps))
    assert codes == (dict(enumerate(CODES)) if source is Source.STREAM else {})
    assert kernel == dict(enumerate(KERNEL[:-(-kernel_taps // 2)]))


@pytest.mark.parametrize("kernel_taps, words", [(0, 1), (65, 32), (127, 32)])
def test_a_bad_kernel_table_is_cut(kernel_taps, words):
    memory = {}
    place(memory, 8, instruction(CFG, Opcode.TILE, layer=100))
    place(memory, 100, descriptor(source=Source.WINDOW, kernel_taps=kernel_taps) + KERNEL)
    (_, _, _, _, kernel, _), = fetch_all(CFG, memory, [(8, 1)], 256)
    assert kernel == dict(enumerate(KERNEL[:words]))


def test_a_descriptor_is_fetched_only_when_it_must_be():
    step = instruction_words(CFG)
    full, fixed = descriptor_total_words(CFG, Source.WINDOW, 3), DESCRIPTOR_WORDS
    script = [      # opcode, layer, words fetched
        (Opcode.TILE, 100, full), (Opcode.TILE, 100, 0), (Opcode.OUTPUT, 100, 0), (Opcode.LOAD, 150, fixed),
        (Opcode.AVERAGE, 150, 0), (Opcode.TILE, 150, full), (Opcode.OUTPUT, 150, 0), (Opcode.TILE, 100, full),
        (Opcode.END, 0, 0), (Opcode.TILE, 100, 0),
    ]
    memory = {}
    for n, (opcode, address, _) in enumerate(script):
        place(memory, HEADER_WORDS + n * step, instruction(CFG, opcode, layer=address))
    for address in (100, 150):
        place(memory, address, layer(Source.WINDOW, 3))
    fetches = [(HEADER_WORDS + n * step, n == 0) for n in range(len(script))]
    expected = [fetch_cycles(CFG, words) for _, _, words in script]
    assert [cycles for cycles, *_ in fetch_all(CFG, memory, fetches, 256)] == expected
    # After `forget` even the same layer is fetched again.
    again = [(HEADER_WORDS, 1), (HEADER_WORDS, 1)]
    assert [cycles for cycles, *_ in fetch_all(CFG, memory, again, 256)] == [expected[0]] * 2


def test_kernel_tables_take_turns():
    """A new one goes to the other memory; what needs no table changes nothing."""
    step = instruction_words(CFG)
    script = [(Opcode.TILE, 100, 1), (Opcode.TILE, 100, 1), (Opcode.TILE, 150, 0), (Opcode.LOAD, 100, 0),
              (Opcode.TILE, 150, 1), (Opcode.END, 0, 1)]
    memory = {}
    for n, (opcode, address, _) in enumerate(script):
        place(memory, HEADER_WORDS + n * step, instruction(CFG, opcode, layer=address))
    for address in (100, 150):
        place(memory, address, layer(Source.WINDOW, 3))
    m = Module()
    m.submodules.fetch = dut = Fetch(CFG)
    m.submodules.memory = words = ProgramMemory(CFG, init=[memory.get(n, 0) for n in range(CFG.program_words)])
    connect(m, dut.program, words.read)

    async def bench(ctx):
        ctx.set(dut.program_length, 256)
        for n, (_, _, table) in enumerate(script):
            ctx.set(dut.pc, HEADER_WORDS + n * step)
            await pulse(ctx, dut.start)
            while not ctx.get(dut.done):
                assert not ctx.get(dut.kernel_write.valid) or ctx.get(dut.table) == table
                await ctx.tick()
            assert ctx.get(dut.table) == table
            await ctx.tick()
    simulate(m, bench)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_words_beyond_the_program_are_errors(missing):
    memory = {}
    place(memory, 8, instruction(CFG, Opcode.END))
    assert fetch_all(CFG, memory, [(8, 1)], 8 + instruction_words(CFG) - missing)[0][-1] == missing


def test_a_descriptor_beyond_the_program_is_an_error():
    memory = {}
    place(memory, 8, instruction(CFG, Opcode.OUTPUT, layer=250))
    assert fetch_all(CFG, memory, [(8, 1)], 256)[0][-1] == 250 + DESCRIPTOR_WORDS - 256
