"""What the tests of the tap path have in common: one tile after another through a TapPath, every tap checked."""

import random

import numpy as np
from amaranth.hdl import Module

from firelane.hw.contract.issue import ChannelTaps
from firelane.hw.contract.timing import ADDRESS_CYCLES, decoder_start_cycles
from firelane.hw.control.stages import Stages
from firelane.hw.taps.tap_path import TapPath
from tests.hw.support import pulse, simulate
from tests.hw.tap_path_model import Images, instruction_value, layer_signal_value, matches, taps_of


def sparse(rng, shape, density: float, letters: int = 9):
    weights = rng.integers(-letters, letters + 1, shape)
    return np.where(rng.random(shape) < density, weights, 0).astype(np.int8)


async def write_tables(ctx, dut, tile):
    for port, words in ((dut.code_write, tile.code_words), (dut.kernel_write, tile.kernel_words)):
        for index, word in enumerate(words):
            ctx.set(port.payload, {"index": index, "data": word})
            ctx.set(port.valid, 1)
            await ctx.tick()
        ctx.set(port.valid, 0)


def hand_in(ctx, dut, cfg, tile):
    """A tile that has the tap path for itself."""
    for layer in (dut.coming, dut.layer, dut.address_layer):
        ctx.set(layer, type_of(dut.layer, layer_signal_value(tile)))
    ctx.set(dut.address_tile, type_of(dut.address_tile, instruction_value(cfg, tile)))


def channel_taps(tile) -> ChannelTaps:
    return ChannelTaps(tuple(tile.taps.tolist()), tile.alone, tile.blocks)


def tile_run(dut, cfg, tile, seed):
    """A testbench that runs one tile, checks each tap, and the cycle in which `busy` ends."""
    async def run(ctx):
        rng = random.Random(seed)
        await write_tables(ctx, dut, tile)
        hand_in(ctx, dut, cfg, tile)
        assert ctx.get(dut.ready)
        await pulse(ctx, dut.start)
        seen, records, cycle, stalls, taken = [], [], 1, 0, 0
        streamed = tile.streamed
        first = decoder_start_cycles(cfg, streamed=streamed, dense=bool(tile.layer.get("dense"))) + ADDRESS_CYCLES
        while ctx.get(dut.busy):
            assert not (ctx.get(dut.bad_code) or ctx.get(dut.weight_range) or ctx.get(dut.address_range))
            ctx.set(dut.parameters.ready, rng.random() < 0.3)
            stalls += ctx.get(dut.stall_decoder)
            taken += ctx.get(dut.tap_taken)
            if ctx.get(dut.taps.valid):
                if not seen:
                    assert cycle == first
                for tap in taps_of(cfg, ctx.get(dut.taps.payload)):
                    seen.append(tap)
                    assert matches(tap, tile.expected[len(seen) - 1]), f"tap {len(seen) - 1}"
            await collect(ctx, dut, records)
            cycle += 1
            assert cycle < 100_000
        assert len(seen) == len(tile.expected)
        assert taken == len(tile.expected) - 1
        assert cycle - 1 == first + channel_taps(tile).cycles(cfg)
        ctx.set(dut.parameters.ready, 1)
        for _ in range(12 * (len(tile.records) - len(records)) + 12):
            await collect(ctx, dut, records)
        ctx.set(dut.parameters.ready, 0)
        assert [{name: record[name] for name in ("bias", "multiplier", "shift")} for record in records] == tile.records
        assert stalls <= first
    return run


async def collect(ctx, dut, records):
    port = dut.parameters
    *_, valid, ready, record = await ctx.tick().sample(port.valid, port.ready, port.payload)
    if valid and ready:
        records.append(record)


def type_of(signal, bits: int):
    return signal.shape().from_bits(bits)


def run_tiles(make, cfg, *, seed=0, cycles=20_000):
    rng = np.random.default_rng(seed)
    images = Images()
    tiles = make(rng, images)
    dut = TapPath(cfg, weights=images.weights, values=images.values, runs=images.runs)

    async def all_tiles(ctx):
        for number, tile in enumerate(tiles):
            await tile_run(dut, cfg, tile, number)(ctx)
    simulate(dut, all_tiles, cycles=cycles)


def errors_of(tile, images, cfg, *, cycles=400):
    """Which error outputs were high at any time of a tile, and whether it ended."""
    dut = TapPath(cfg, weights=images.weights, values=images.values, runs=images.runs)
    seen = set()

    async def bench(ctx):
        await write_tables(ctx, dut, tile)
        hand_in(ctx, dut, cfg, tile)
        ctx.set(dut.parameters.ready, 1)
        await pulse(ctx, dut.start)
        for _ in range(cycles):
            seen.update(name for name in ("bad_code", "weight_range", "address_range") if ctx.get(getattr(dut, name)))
            await ctx.tick()
        if ctx.get(dut.busy):
            seen.add("busy")
    simulate(dut, bench)
    return seen


def staged(images, cfg):
    """A TapPath behind Stages, as in the engine: the module, and both."""
    m = Module()
    m.submodules.path = path = TapPath(cfg, weights=images.weights, values=images.values, runs=images.runs)
    m.submodules.stages = stages = Stages(cfg)
    m.d.comb += [
        path.coming.eq(stages.coming.layer), path.layer.eq(stages.decode.layer), path.start.eq(stages.tile_start),
        path.address_layer.eq(stages.address.layer), path.address_tile.eq(stages.address.tile),
        path.table.eq(stages.address.table), path.write_table.eq(stages.coming.table),
        stages.crowded.eq(path.crowded), stages.last.eq(path.last), stages.pixels_end.eq(1),
    ]
    return m, path, stages


async def start_tiles(ctx, path, stages, tiles, cfg):
    """Start each tile as soon as it may, and wait until all taps are out."""
    for number, tile in enumerate(tiles):
        ctx.set(stages.coming, {"layer": type_of(path.layer, layer_signal_value(tile)), "table": number % 2,
                                "tile": type_of(path.address_tile, instruction_value(cfg, tile))})
        await write_tables(ctx, path, tile)
        while not ctx.get(path.ready):
            await ctx.tick()
        await ctx.tick()
        await pulse(ctx, stages.tile_start)
        while ctx.get(path.crowded):
            await ctx.tick()
    await ctx.tick().until(~path.busy)


def check_records(records, tiles):
    """The parameters that were taken are those of all channels of `tiles`."""
    wanted = [record for tile in tiles for record in tile.records]
    assert [{name: record[name] for name in ("bias", "multiplier", "shift")} for record in records] == wanted
