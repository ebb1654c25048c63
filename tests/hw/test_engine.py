"""The whole engine: a small program by hand, loaded through the CSRs, against arithmetic in Python."""

import random

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import data

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import (
    CODE_WORDS,
    DESCRIPTOR_WORDS,
    HEADER_WORDS,
    KERNEL_ENTRY,
    SECOND_STREAMS,
    Destination,
    Opcode,
    Source,
    descriptor_total_words,
    instruction_words,
)
from firelane.hw.contract.issue import ChannelTaps
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.contract.registers import LoadTarget, Register
from firelane.hw.contract.timeline import Timeline
from firelane.hw.contract.timing import (
    FAULT_LATENCY,
    average_cycles,
    load_cycles,
    output_cycles,
)
from firelane.hw.engine import Engine
from firelane.hw.pixels.datapath import Datapath
from firelane.hw.taps.tap_path import TapPath
from tests.hw.engine_bench import EngineBench
from tests.hw.programs import descriptor, instruction, to_words, with_header
from tests.hw.support import lint, simulate

SIZES = {"activation_words": 32, "weight_words": 64, "program_words": 128, "value_symbols": 16, "run_symbols": 16,
         "average_channels": 8}
COLUMNS, CHANNELS_OUT = 5, 3
WEIGHTS = [[3, 6], [-2, 5], [7, -4]]       # of each output channel; as many image channels as taps a cycle
IMAGE_ADDRESS, MAP_ADDRESS = 2, 8
MULTIPLIER, SHIFT, BIAS = 1 << 15, 16, 40


def requantize(acc):
    return max(0, min(255, ((acc + BIAS) * MULTIPLIER + (1 << (SHIFT - 1))) >> SHIFT))


def small_program(cfg):
    """LOAD an image of `banks` rows, a dense 1x1 convolution to three channels, OUTPUT it, average it, AVERAGE."""
    channels, weights = cfg.taps_per_cycle, small_weights(cfg)
    requantization = {"multiplier": MULTIPLIER, "shift": SHIFT, "bias": BIAS,
                      "clamp_high": 255, "channels_out": CHANNELS_OUT, "columns": COLUMNS, "out_columns": COLUMNS}
    kernel = KERNEL_ENTRY.const({"weight": 1}).as_value().value
    convolution = descriptor(source=Source.STREAM, dense=1, raw_values=1, kernel_taps=1, channels_in=channels,
                             group_channels=CHANNELS_OUT, **requantization) + [0] * CODE_WORDS
    if cfg.taps_per_cycle == 2:
        convolution += [SECOND_STREAMS.const({"value_address": 1}).as_value().value]
    convolution += [kernel]
    summing = descriptor(source=Source.WINDOW, destination=Destination.AVERAGE, kernel_taps=1, channels_in=1,
                         group_channels=1, **{**requantization, "bias": 0, "multiplier": 1 << 15, "shift": 15})
    summing += [kernel]
    averaging = descriptor(destination=Destination.AVERAGE, **requantization)
    image = descriptor(image_columns=COLUMNS, channels_in=channels)
    layers, place = {}, HEADER_WORDS + 6 * instruction_words(cfg)
    for name, words in (("image", image), ("convolution", convolution), ("summing", summing),
                        ("averaging", averaging)):
        layers[name] = place
        place += len(words)
    rows = cfg.banks
    code = [
        instruction(cfg, Opcode.LOAD, layer=layers["image"], address=IMAGE_ADDRESS, rows=rows, slot_rows=rows, last=1),
        instruction(cfg, Opcode.TILE, layer=layers["convolution"], wait_load=1, address=MAP_ADDRESS, rows=rows,
                    slot_rows=rows, slot_address=IMAGE_ADDRESS),
        instruction(cfg, Opcode.OUTPUT, layer=layers["convolution"], slot_rows=rows, slot_address=MAP_ADDRESS),
        instruction(cfg, Opcode.TILE, layer=layers["summing"], first=1, rows=rows, slot_rows=rows,
                    slot_address=MAP_ADDRESS),
        instruction(cfg, Opcode.AVERAGE, layer=layers["averaging"], last=1),
        instruction(cfg, Opcode.END),
    ]
    body = [word for words in (*code, image, convolution, summing, averaging) for word in words]
    return with_header(cfg, body, weights=weights), weights


def small_weights(cfg):
    """Words of weight memory: every tap, or every second one and then the others, each with one more to end with."""
    streams = ([taps[n] & 0xFF for taps in WEIGHTS] + [0] for n in range(cfg.taps_per_cycle))
    return [word for stream in streams for word in to_words(data.ArrayLayout(8, len(stream)), stream)]


def expected_result(cfg, image):
    channels = [image[n::cfg.taps_per_cycle] for n in range(cfg.taps_per_cycle)]
    maps = [[requantize(sum(weight * pixel for weight, pixel in zip(taps, pixels))) for pixels in zip(*channels)]
            for taps in WEIGHTS]
    return to_stream([pixel for pixels in maps for pixel in pixels] + [requantize(sum(pixels)) for pixels in maps])


def random_image(cfg, seed):
    rng = random.Random(seed)
    return [rng.randrange(256) for _ in range(cfg.banks * COLUMNS * cfg.taps_per_cycle)]


def to_stream(image):
    return [(byte, int(n == len(image) - 1)) for n, byte in enumerate(image)]


def predicted_frame(cfg):
    """FRAME_CYCLES when neither image nor results ever stall."""
    timeline, channels = Timeline(cfg), cfg.taps_per_cycle
    timeline.fetch(DESCRIPTOR_WORDS)
    loading = load_cycles(cfg, map_rows=cfg.banks, image_columns=COLUMNS, channels=channels, space_to_depth=False)
    timeline.load(loading, beside=False)
    timeline.fetch(descriptor_total_words(cfg, Source.STREAM, 1))
    timeline.wait_for_load()
    timeline.tile(ChannelTaps((channels,) * CHANNELS_OUT), streamed=True, dense=True, averages=False)
    timeline.fetch(0)
    timeline.spend(output_cycles(channels=CHANNELS_OUT, rows=cfg.banks, columns=COLUMNS))
    timeline.fetch(descriptor_total_words(cfg, Source.WINDOW, 1))
    timeline.tile(ChannelTaps((1,) * CHANNELS_OUT, alone=True), streamed=False, dense=False, averages=True)
    timeline.fetch(DESCRIPTOR_WORDS)
    timeline.spend(average_cycles(cfg, CHANNELS_OUT))
    return timeline.finish_frame()


@pytest.mark.parametrize("banks, trace, taps", [(1, True, 1), (2, False, 1), (2, True, 2)])
def test_lint(banks, trace, taps):
    lint(Engine(EngineConfig(banks=banks, trace=trace, taps_per_cycle=taps, **SIZES)))


@pytest.mark.parametrize("banks, taps, stalls", [
    (1, 1, False), (2, 1, False), (2, 1, True), (1, 2, False), (2, 2, False), (2, 2, True)])
def test_small_program(banks, taps, stalls):
    """Three frames; the first after loading through the CSRs."""
    cfg = EngineConfig(banks=banks, taps_per_cycle=taps, **SIZES)
    engine = Engine(cfg)
    bench = EngineBench(engine)
    images = [random_image(cfg, seed) for seed in range(3)]
    bench.image_bytes = [byte for image in images for byte in to_stream(image)]
    if stalls:
        rng = random.Random(7)
        bench.ready, bench.offer = (lambda: rng.random() < 0.4), (lambda: rng.random() < 0.4)
    program, weights = small_program(cfg)

    async def run(ctx):
        await bench.load_all(ctx, program, weights)
        await bench.write(ctx, Register.CONTROL, 1)
        for _ in range(4000):
            if await bench.read(ctx, Register.FRAMES) == 3:
                break
        assert await bench.error(ctx) == (ErrorCode.NONE, 0)
        assert await bench.read(ctx, Register.FRAMES) == 3
        assert (await bench.status(ctx)).checked
        assert bench.received == [byte for image in images for byte in expected_result(cfg, image)]
        assert await bench.read(ctx, Register.TAPS) >= (1 + taps) * CHANNELS_OUT
        cycles = await bench.read(ctx, Register.FRAME_CYCLES)
        if stalls:
            assert cycles > predicted_frame(cfg)
            assert await bench.read(ctx, Register.STALL_OUTPUT) > 0
        else:
            assert await bench.read(ctx, Register.STALL_OUTPUT) == 0
            assert cycles == predicted_frame(cfg)

    simulate(engine, run, background=(bench.image, bench.results), cycles=10_000)


@pytest.mark.parametrize("taps", [1, 2])
@pytest.mark.parametrize("after", [160, 200, 240, 300, 350])
def test_reset_in_the_middle_of_a_frame(after, taps):
    """Whatever was going on, the next frame is right."""
    cfg = EngineConfig(banks=1, taps_per_cycle=taps, **SIZES)
    program, weights = small_program(cfg)
    engine = Engine(cfg, MemoryContents(program, weights), auto_run=True)
    bench = EngineBench(engine)
    images = [random_image(cfg, seed) for seed in range(2)]
    bench.image_bytes = to_stream(images[0])

    async def run(ctx):
        await ctx.tick().repeat(after)
        assert not (await bench.status(ctx)).idle
        await bench.write(ctx, Register.CONTROL, 2)
        await ctx.tick().repeat(3)
        assert (await bench.status(ctx)).idle
        bench.received.clear()
        bench.image_bytes += to_stream(images[1])
        await bench.write(ctx, Register.CONTROL, 1)
        for _ in range(1500):
            if await bench.read(ctx, Register.FRAMES) == 1:
                break
        assert bench.received == expected_result(cfg, images[1])

    simulate(engine, run, background=(bench.image, bench.results))


class FakeTapPath(TapPath):
    """Finishes every tile at once and raises the errors that it is told to; scans read zeros."""

    errors = ("bad_code", "weight_range", "address_range")

    def elaborate(self, platform):
        m = fake_errors(self)
        m.d.comb += self.ready.eq(1)
        m.d.sync += self.last.eq(self.start)
        return m


class FakeDatapath(Datapath):
    """Takes every write, averages nothing, and raises the errors that it is told to."""

    errors = ("address_range", "parameter_underrun", "drain_overrun")

    def elaborate(self, platform):
        m = fake_errors(self)
        m.d.comb += [self.load_write.ready.eq(1), self.ends.eq(1), self.average_done.eq(self.average_start)]
        return m


def fake_errors(block):
    m = Module()
    block.raised = Signal(len(block.errors))
    m.d.comb += [getattr(block, name).eq(raised) for name, raised in zip(block.errors, block.raised)]
    return m


@pytest.fixture
def fakes(monkeypatch):
    """Engines are made with fakes; the list gets them, tap path first."""
    made = []

    def make(fake):
        def build(*args, **kwargs):
            made.append(fake(*args, **kwargs))
            return made[-1]
        return build

    monkeypatch.setattr("firelane.hw.engine.TapPath", make(FakeTapPath))
    monkeypatch.setattr("firelane.hw.engine.Datapath", make(FakeDatapath))
    return made


CFG = EngineConfig(banks=1, **SIZES)


def small_without_weights(**changes):
    return with_header(CFG, small_program(CFG)[0][HEADER_WORDS:], **changes)


def test_errors_of_the_blocks_are_kept_with_their_place(fakes):
    """Each error stops the engine, reset starts it anew (with a check), and the image is refused meanwhile.

    The place is that of the last instruction at work; the LOAD of the next frame is in hand when the error comes.
    """
    engine = Engine(CFG, MemoryContents(small_without_weights()))
    bench = EngineBench(engine)
    bench.image_bytes = to_stream(random_image(CFG, 1))
    raised = [(0, "bad_code", ErrorCode.BAD_CODE), (0, "weight_range", ErrorCode.WEIGHT_RANGE),
              (0, "address_range", ErrorCode.ADDRESS_RANGE), (1, "address_range", ErrorCode.ADDRESS_RANGE),
              (1, "parameter_underrun", ErrorCode.PARAMETER_UNDERRUN),
              (1, "drain_overrun", ErrorCode.DRAIN_OVERRUN)]

    async def run(ctx):
        for number, name, code in raised:
            block = fakes[number]
            await bench.write(ctx, Register.CONTROL, 1)
            await bench.wait(ctx, "checked")
            await bench.wait_for_frame(ctx)
            await ctx.tick().repeat(40)         # now it waits for the next image
            ctx.set(block.raised, 1 << block.errors.index(name))
            await ctx.tick()
            ctx.set(block.raised, 0)
            await ctx.tick().repeat(FAULT_LATENCY)
            bench.image_bytes += to_stream(random_image(CFG, 2))
            for _ in range(30):
                assert not ctx.get(engine.image.ready) and not ctx.get(engine.result.valid)
                await ctx.tick()
            assert ctx.get(engine.image.valid)
            assert await bench.error(ctx) == (code, LAST_OF_ALL)
            status = await bench.status(ctx)
            assert (status.error, status.busy, status.idle) == (1, 0, 0)
            await bench.write(ctx, Register.CONTROL, 2)
            await ctx.tick().repeat(2)
            assert await bench.error(ctx) == (ErrorCode.NONE, 0)
            status = await bench.status(ctx)
            assert (status.error, status.busy, status.idle, status.checked) == (0, 0, 1, 0)

    simulate(engine, run, background=(bench.image, bench.results))


def run_to_error(fakes, program, image=()):
    """(code, pc) that `program` ends with."""
    engine = Engine(CFG, MemoryContents(program), auto_run=True)
    bench = EngineBench(engine)
    bench.image_bytes = list(image)
    found = []

    async def run(ctx):
        await bench.wait(ctx, "error")
        found.append(await bench.error(ctx))
        assert not ctx.get(engine.image.ready)

    simulate(engine, run, background=(bench.image, bench.results))
    return found[0]


def damaged(place, value):
    words = small_without_weights()[HEADER_WORDS:]
    words[place - HEADER_WORDS] = value
    return with_header(CFG, words)


LAST_OF_ALL = HEADER_WORDS + 4 * instruction_words(CFG)
FIRST, SECOND = HEADER_WORDS, HEADER_WORDS + instruction_words(CFG)
IMAGE = [(n, int(n == COLUMNS - 1)) for n in range(COLUMNS)]


@pytest.mark.parametrize("program, image, code, pc", [
    ([], [], ErrorCode.BAD_IDENTITY, 0),
    (small_without_weights(config_digest=0), [], ErrorCode.CONFIG_MISMATCH, 0),
    (small_without_weights(program_length=1000), [], ErrorCode.BAD_LENGTH, 0),
    (small_without_weights(program_crc=1), [], ErrorCode.PROGRAM_CRC, 0),
    (small_without_weights(weight_length=3), [], ErrorCode.WEIGHT_CRC, 0),
    (small_without_weights(table_crc=1), [], ErrorCode.TABLE_CRC, 0),
    (damaged(SECOND, 7), IMAGE, ErrorCode.BAD_INSTRUCTION, SECOND),
    (damaged(FIRST, instruction(CFG, Opcode.OUTPUT, layer=127)[0]), IMAGE, ErrorCode.PROGRAM_RANGE, FIRST),
    (small_without_weights(), [(1, 0), (2, 1)], ErrorCode.IMAGE_SHORT, FIRST),
    (small_without_weights(), [(1, 0)] * COLUMNS, ErrorCode.IMAGE_LONG, FIRST),
], ids=lambda value: value.name if isinstance(value, ErrorCode) else "")
def test_errors_of_programs_and_images(fakes, program, image, code, pc):
    assert run_to_error(fakes, program, image) == (code, pc)


def test_memories_are_written_only_while_idle_and_checked_again(fakes):
    engine = Engine(CFG, MemoryContents(small_without_weights()))
    bench = EngineBench(engine)

    async def run(ctx):
        await bench.write(ctx, Register.CONTROL, 1)
        await bench.wait(ctx, "checked")
        await bench.load(ctx, LoadTarget.PROGRAM, [0])
        await ctx.tick().repeat(2)
        assert (await bench.status(ctx)).refused
        assert (await bench.status(ctx)).checked
        await bench.write(ctx, Register.CONTROL, 2)
        await bench.write(ctx, Register.CONTROL, 1)         # the program is still there
        await bench.wait(ctx, "checked")
        assert not (await bench.status(ctx)).refused
        await bench.write(ctx, Register.CONTROL, 2)
        await ctx.tick().repeat(2)
        await bench.load(ctx, LoadTarget.PROGRAM, [0])
        assert not (await bench.status(ctx)).refused
        await bench.write(ctx, Register.CONTROL, 1)
        await bench.wait(ctx, "error")
        assert await bench.error(ctx) == (ErrorCode.BAD_IDENTITY, 0)

    simulate(engine, run)
