"""Sequencer with fake blocks: order, waits, cycles, frames, halt."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import (
    DESCRIPTOR_WORDS,
    HEADER_WORDS,
    Opcode,
    Source,
    descriptor_total_words,
    instruction_words,
)
from firelane.hw.contract.timing import CHECK_LAG, LOAD_SETTLE_CYCLES, NEXT_LAG, START_LAG, fetch_cycles
from firelane.hw.control.program_memory import ProgramMemory
from firelane.hw.control.sequencer import Sequencer
from tests.hw.programs import descriptor, instruction
from tests.hw.support import lint, simulate

CFG = EngineConfig(banks=1, program_words=256)
STEP = instruction_words(CFG)
TILE_LAYER, LOAD_LAYER = 128, 160
WORDS = {Opcode.TILE: descriptor_total_words(CFG, Source.WINDOW, 1), Opcode.LOAD: DESCRIPTOR_WORDS}
LEAD, TAIL = 3, 30           #: of fake tiles
STARTS = {Opcode.TILE: "tile_start", Opcode.LOAD: "load_start", Opcode.AVERAGE: "average_start",
          Opcode.OUTPUT: "output_start"}


def program(script):
    """Words of instructions (opcode, wait_load, perhaps beside) and the two layers."""
    words = [0] * CFG.program_words
    layer = {"channels_out": 1, "shift": 1, "columns": 1, "out_columns": 1, "channels_in": 1}
    words[TILE_LAYER:TILE_LAYER + DESCRIPTOR_WORDS] = descriptor(source=Source.WINDOW, kernel_taps=1, **layer)
    words[LOAD_LAYER:LOAD_LAYER + DESCRIPTOR_WORDS] = descriptor(image_columns=1, **layer)
    for n, (opcode, wait_load, *beside) in enumerate(script):
        place = HEADER_WORDS + n * STEP
        words[place:place + STEP] = instruction(
            CFG, opcode, wait_load=wait_load, beside=int(any(beside)), rows=1, slot_rows=1,
            layer=LOAD_LAYER if opcode is Opcode.LOAD else TILE_LAYER)
    return words


def make(words, length=CFG.program_words):
    m = Module()
    m.submodules.sequencer = dut = Sequencer(CFG)
    m.submodules.memory = memory = ProgramMemory(CFG, init=words)
    connect(m, dut.program, memory.read)
    m.d.comb += dut.program_length.eq(length)
    return m, dut


async def fake_blocks(ctx, dut, log, durations, *, cycles, results=0):
    """Plays all other blocks for `cycles` cycles; `durations` per opcode; logs (cycle, what, pc).

    A tile is written TAIL cycles after its taps, which take its duration; the next one may start LEAD cycles before
    these are over.
    """
    left = dict.fromkeys(STARTS, 0)
    taps = []                       # cycles in which the taps of tiles are over
    for cycle in range(cycles):
        ctx.set(dut.tile_ready, all(cycle >= end - LEAD for end in taps))
        ctx.set(dut.tiles_crowded, sum(cycle <= end for end in taps) > 1)
        ctx.set(dut.tile_busy, any(cycle <= end + TAIL for end in taps))
        ctx.set(dut.tile_settled, all(cycle > end + TAIL for end in taps[:-1]))
        ctx.set(dut.load_busy, left[Opcode.LOAD] > 0)
        ctx.set(dut.average_done, left[Opcode.AVERAGE] == 1)
        ctx.set(dut.output_done, left[Opcode.OUTPUT] == 1)
        ctx.set(dut.result_idle, not results or cycle % results == 0)
        for opcode in left:
            left[opcode] = max(0, left[opcode] - 1)
        for opcode, name in STARTS.items():
            if ctx.get(getattr(dut, name)):
                assert ctx.get(dut.step_start) == (opcode in (Opcode.AVERAGE, Opcode.OUTPUT))
                assert ctx.get(dut.work).pc == ctx.get(dut.pc)
                log.append((cycle, opcode, ctx.get(dut.pc)))
                left[opcode] = durations[opcode]
                if opcode is Opcode.TILE:
                    taps.append(max([cycle, *taps[-1:]]) + durations[opcode])
        for name in ("frame_start", "frame_end", "check_start", "stall_input"):
            if ctx.get(getattr(dut, name)):
                log.append((cycle, name, ctx.get(dut.pc)))
        await ctx.tick()


def predicted(script, durations):
    """The log of one frame that begins in cycle 0, by the rules of `hw.contract.timing`."""
    log = [(0, "frame_start", None)]
    now, present, load_end = 1, None, 0
    taps, written, settled = -LEAD, 0, 0        # the taps of the last tile are over, it is written, it is the only one
    for n, (opcode, wait_load, *beside) in enumerate(script):
        words = 0
        if opcode is Opcode.LOAD:
            words, present = (0, present) if present == "load" else (WORDS[Opcode.LOAD], "load")
        elif opcode is not Opcode.END:
            ready = present == "tile" or (present == "tile, no tables" and opcode is not Opcode.TILE)
            if not ready:
                words = WORDS[Opcode.TILE] if opcode is Opcode.TILE else DESCRIPTOR_WORDS
                present = "tile" if opcode is Opcode.TILE else "tile, no tables"
        checked = now + fetch_cycles(CFG, words) + CHECK_LAG
        if wait_load or opcode in (Opcode.LOAD, Opcode.END):
            while checked < load_end + (LOAD_SETTLE_CYCLES if opcode is Opcode.END and load_end else 0):
                if checked >= written:
                    log.append((checked, "stall_input", HEADER_WORDS + n * STEP))
                checked += 1
        if opcode is Opcode.END:
            log.append((max(checked, written), "frame_end", HEADER_WORDS + n * STEP))
            continue
        started = checked + START_LAG - CHECK_LAG
        if opcode is Opcode.TILE:
            started, before, settled = max(started, taps - LEAD + 1), taps, written
            taps = max(started, before) + durations[opcode]
            written, through = taps + TAIL + 1, max(started, before) + 1
        else:
            started = max(started, (settled if any(beside) else written) + 1)
            through = started + (1 if opcode is Opcode.LOAD else durations[opcode])
            load_end = started + 1 + durations[opcode] if opcode is Opcode.LOAD else load_end
        log.append((started, opcode, HEADER_WORDS + n * STEP))
        now = through + NEXT_LAG
    return log


def test_lint():
    lint(Sequencer(CFG))


@pytest.mark.parametrize("seed", range(6))
def test_a_random_program_runs_as_predicted(seed):
    rng = random.Random(seed)
    opcodes = [*STARTS, Opcode.TILE, Opcode.TILE, Opcode.TILE]
    opcodes = [rng.choice(opcodes) for _ in range(14)]
    script = [(opcode, rng.randrange(4) == 0, opcode is Opcode.LOAD and rng.randrange(2)) for opcode in opcodes]
    script += [(Opcode.END, 0)]
    durations = {Opcode.TILE: rng.choice([5, 20, 60]), Opcode.LOAD: 70, Opcode.AVERAGE: 3, Opcode.OUTPUT: 9}
    m, dut = make(program(script))
    log = []

    async def bench(ctx):
        ctx.set(dut.checked, 1)
        ctx.set(dut.run, 1)
        await fake_blocks(ctx, dut, log, durations, cycles=3600)

    simulate(m, bench)
    frame = predicted(script, durations)
    length = frame[-1][0] + 1       # a frame starts in the cycle after the end of the one before
    entries = [(cycle, what, None if what == "frame_start" else pc) for cycle, what, pc in log]
    assert entries[:len(frame)] == frame
    second = [(cycle + length, what, pc) for cycle, what, pc in frame]
    assert entries[len(frame):2 * len(frame)] == second


def test_check_comes_before_the_first_frame():
    m, dut = make(program([(Opcode.END, 0)]))
    log = []

    async def bench(ctx):
        assert ctx.get(dut.idle)
        ctx.set(dut.run, 1)
        await fake_blocks(ctx, dut, log, {}, cycles=10)
        assert [what for _, what, _ in log] == ["check_start"]
        ctx.set(dut.checked, 1)
        ctx.set(dut.check_done, 1)
        await ctx.tick()
        ctx.set(dut.check_done, 0)
        assert not ctx.get(dut.idle)
        ctx.set(dut.run, 0)         # nothing has begun
        await ctx.tick()
        assert ctx.get(dut.idle)
        ctx.set(dut.run, 1)
        await fake_blocks(ctx, dut, log, {}, cycles=1)
        ctx.set(dut.run, 0)         # the frame in hand is the last
        await fake_blocks(ctx, dut, log, {}, cycles=40)
        assert [what for _, what, _ in log] == ["check_start", "frame_start", "frame_end"]
        assert ctx.get(dut.idle)

    simulate(m, bench)


def test_end_waits_for_results():
    m, dut = make(program([(Opcode.END, 0)]))
    log = []

    async def bench(ctx):
        ctx.set(dut.checked, 1)
        ctx.set(dut.run, 1)
        await fake_blocks(ctx, dut, log, {}, cycles=30, results=25)

    simulate(m, bench)
    assert [entry[:2] for entry in log] == [(0, "frame_start"), (25, "frame_end"), (26, "frame_start")]


def test_halt_stops_everything_and_load_pc_is_kept():
    m, dut = make(program([(Opcode.LOAD, 0), (Opcode.TILE, 0), (Opcode.END, 0)]))
    log = []

    async def bench(ctx):
        ctx.set(dut.checked, 1)
        ctx.set(dut.run, 1)
        await fake_blocks(ctx, dut, log, {Opcode.LOAD: 3, Opcode.TILE: 5}, cycles=36)
        assert [what for _, what, _ in log] == ["frame_start", Opcode.LOAD]
        ctx.set(dut.halt, 1)        # seen a cycle later
        await fake_blocks(ctx, dut, log, {}, cycles=50)
        assert [what for _, what, _ in log] == ["frame_start", Opcode.LOAD]
        assert (ctx.get(dut.load_pc), ctx.get(dut.pc)) == (HEADER_WORDS, HEADER_WORDS + STEP)
        assert not ctx.get(dut.idle)

    simulate(m, bench)


def test_a_bad_instruction_goes_no_further():
    words = program([(Opcode.LOAD, 0), (Opcode.END, 0)])
    words[LOAD_LAYER:LOAD_LAYER + DESCRIPTOR_WORDS] = [0] * DESCRIPTOR_WORDS
    m, dut = make(words)
    log = []

    async def bench(ctx):
        ctx.set(dut.checked, 1)
        ctx.set(dut.run, 1)
        await fake_blocks(ctx, dut, log, {}, cycles=60)
        assert ctx.get(dut.bad_instruction)
        assert ctx.get(dut.pc) == HEADER_WORDS

    simulate(m, bench)
    assert [what for _, what, _ in log] == ["frame_start"]


def test_an_error_waits_for_the_tile_before():
    words = program([(Opcode.TILE, 0), (Opcode.LOAD, 0), (Opcode.END, 0)])
    words[LOAD_LAYER:LOAD_LAYER + DESCRIPTOR_WORDS] = [0] * DESCRIPTOR_WORDS
    m, dut = make(words)

    async def bench(ctx):
        ctx.set(dut.checked, 1)
        ctx.set(dut.run, 1)
        while ctx.get(dut.pc) != HEADER_WORDS + STEP:
            ctx.set(dut.tile_ready, 1)
            await ctx.tick()
        ctx.set(dut.tile_busy, 1)
        for _ in range(60):
            assert not ctx.get(dut.bad_instruction)
            await ctx.tick()
        ctx.set(dut.tile_busy, 0)
        assert ctx.get(dut.bad_instruction)
        assert ctx.get(dut.pc) == HEADER_WORDS + STEP

    simulate(m, bench)


def test_program_range_is_passed_on():
    m, dut = make(program([(Opcode.END, 0)]), length=HEADER_WORDS + STEP - 1)
    seen = []

    async def bench(ctx):
        ctx.set(dut.checked, 1)
        ctx.set(dut.run, 1)
        for cycle in range(STEP + 12):
            assert not ctx.get(dut.bad_instruction)
            if ctx.get(dut.program_range):
                seen.append(cycle)
            await ctx.tick()

    simulate(m, bench)
    assert seen and seen == list(range(seen[0], seen[0] + len(seen)))
