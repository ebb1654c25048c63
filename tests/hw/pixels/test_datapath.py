"""Data path: random tiles, driven tap by tap, against the tile semantics of docs/architecture.md in NumPy."""

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Destination, Operation, ParameterForm, RowMove
from firelane.hw.contract.timing import PEEK_LATENCY, PIXELS_LAG, average_cycles, tile_tail_cycles
from firelane.hw.pixels.datapath import Datapath
from tests.hw import maps
from tests.hw.support import lint, simulate

TILE_WORDS, WORDS = 12, 16          # words of tiles; the rest belongs to the loader


def config(banks, **more):
    return EngineConfig(banks=banks, activation_words=WORDS, average_channels=24, trace=True, **more)


class Machine:
    """A data path with the model of its memory and channel sums beside it."""

    def __init__(self, cfg: EngineConfig, seed: int):
        self.cfg, self.dut, self.rng = cfg, Datapath(cfg), np.random.default_rng(seed)
        self.memory = np.zeros((cfg.banks, WORDS, 14), np.int64)
        self.traced = None              # what the trace says, from the first tile on
        self.averages = np.zeros(24, np.int64)
        self.records = []
        self.errors = []
        self.loading = False
        self.cycle = 0                  # of the tile under way
        self.last_capture = -100
        self.channel_cycles = cfg.drain_cycles      # least, from a capture to the next

    def below(self, n) -> int:
        return int(self.rng.integers(n))

    async def monitor(self, ctx):
        dut, trace = self.dut, self.dut.trace
        ports = (trace.valid, trace.bank, trace.address, trace.enable, trace.data,
                 dut.address_range, dut.parameter_underrun, dut.drain_overrun)
        async for *_, valid, bank, address, enable, data, e1, e2, e3 in ctx.tick().sample(*ports):
            self.errors += [name for name, wrong in (("range", e1), ("underrun", e2), ("overrun", e3)) if wrong]
            if valid:
                for n, pixel in enumerate(maps.unpack(data, 14)):
                    if enable >> n & 1:
                        self.traced[bank, address, n] = pixel

    async def feed_records(self, ctx):
        port = self.dut.parameters
        while True:
            ctx.set(port.valid, bool(self.records))
            if self.records:
                ctx.set(port.payload, self.records[0])
                ready = ctx.get(port.ready)
                await ctx.tick()
                if ready:
                    self.records.pop(0)
            else:
                await ctx.tick()

    async def load(self, ctx, bank, address, pixel, value):
        port = self.dut.load_write
        ctx.set(port.payload, {"bank": bank, "address": address, "pixel": pixel, "data": value})
        ctx.set(port.valid, 1)
        await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)
        self.memory[bank, address, pixel] = self.traced[bank, address, pixel] = value

    async def keep_loading(self, ctx):
        """Loads beside the tiles, as long as `loading` says so."""
        while not self.loading:
            await ctx.tick()
        while self.loading:
            address = TILE_WORDS + self.below(WORDS - TILE_WORDS)
            await self.load(ctx, self.below(self.cfg.banks), address, self.below(14), self.below(256))
            await ctx.tick().repeat(1 + self.below(3))

    async def fill(self, ctx):
        self.traced = self.memory.copy()
        for bank in range(self.cfg.banks):
            for address in range(0, TILE_WORDS, 2):
                for pixel in range(14):
                    await self.load(ctx, bank, address, pixel, self.below(256))

    async def check_memory(self, ctx):
        dut, latency = self.dut, PEEK_LATENCY
        places = [(b, w, n) for b in range(self.cfg.banks) for w in range(WORDS) for n in range(14)]
        for cycle in range(len(places) + latency):
            if cycle >= latency:
                assert ctx.get(dut.peek.data) == self.memory[places[cycle - latency]], places[cycle - latency]
            ctx.set(dut.peek.enable, cycle < len(places))
            if cycle < len(places):
                for port, value in zip((dut.peek.bank, dut.peek.address, dut.peek.pixel), places[cycle]):
                    ctx.set(port, value)
            await ctx.tick()
        assert np.array_equal(self.memory, self.traced)

    def random_layer(self, k, out_k, **fixed):
        flag = lambda: self.below(2)        # noqa: E731
        parameters = (ParameterForm.FULL, ParameterForm.CONSTANT)[flag()]
        layer = {
            "operation": Operation(flag()), "destination": Destination.MEMORY, "parameters": parameters,
            "subsample": flag(), "row_phase": flag(), "column_phase": flag(), "parts_log2": k, "out_parts_log2": out_k,
            "columns": self.below((14 << k) + 1), "out_columns": self.below((14 << out_k) + 1), "pad": self.below(256),
            "zero_point": self.below(256), "clamp_low": self.below(40), "clamp_high": 255 - self.below(40),
            "multiplier": 32768 + self.below(32768), "shift": 18 + self.below(6), "bias": self.below(20000) - 10000,
        } | fixed
        if layer["operation"] == Operation.MAXIMUM and "shift" not in fixed:
            layer["shift"] = 16
        return layer

    def random_tap(self, first: bool):
        banks = self.cfg.banks
        return {"take": 1, "first": int(first), "weight": self.below(256) - 128, "row_move": RowMove(self.below(3)),
                "column_move": self.below(7) - 3, "addresses": [self.below(TILE_WORDS) for _ in range(banks)],
                "row_valid": self.below(1 << banks) | self.below(1 << banks)}

    def keep_away(self, tap, written):
        """Change addresses of words that the tile writes."""
        other = next(address for address in range(TILE_WORDS) if address not in written)
        tap["addresses"] = [a if a not in written else other for a in tap["addresses"]]

    async def idle(self, ctx):
        """A cycle without taps."""
        await ctx.tick()

    async def cycle_of(self, ctx, tap=None, capture=False):
        """One cycle: a tap, a mark, or nothing."""
        dut = self.dut
        ctx.set(dut.taps.valid, tap is not None or capture)
        shown = dict(tap) if tap is not None else {"take": 0, "first": self.below(2), "weight": 7}
        ctx.set(dut.taps.payload, shown | {"capture": int(capture), "weight": shown["weight"] & 255,
                                  "column_move": shown.get("column_move", 0) & 7})
        if tap is not None or capture:
            assert ctx.get(dut.busy)
        if capture:
            self.last_capture = self.cycle
        await ctx.tick()
        ctx.set(dut.taps.valid, 0)
        self.cycle += 1

    async def channel(self, ctx, taps, *, capture_before: bool):
        """The taps of an output channel, with pauses; not nearer to the last capture than allowed."""
        for n, tap in enumerate(taps):
            capture = n == 0 and capture_before
            while self.below(4) == 0 or (capture and self.cycle - self.last_capture < self.channel_cycles):
                await self.cycle_of(ctx)
            await self.cycle_of(ctx, tap, capture)

    async def tile(self, ctx, layer, tile, channels, taps_each=4):
        """Run a tile and its model; check when the data path is idle again."""
        dut = self.dut
        averages = layer["destination"] == Destination.AVERAGE
        records = [{"bias": (self.below(20000) - 10000) & (1 << self.cfg.accumulator_bits) - 1,
                    "multiplier": 32768 + self.below(32768), "shift": layer["shift"] + self.below(3)}
                   for _ in range(channels)]
        if layer["parameters"] is ParameterForm.CONSTANT:
            bias = layer["bias"] & (1 << self.cfg.accumulator_bits) - 1
            records = [{"bias": bias, "multiplier": layer["multiplier"], "shift": layer["shift"]}] * channels
        else:
            self.records += records
        ctx.set(dut.layer, layer | {"bias": layer["bias"] & (1 << 32) - 1})
        ctx.set(dut.tile, tile)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        snapshot = self.memory.copy()           # taps of a tile read words that it does not write
        for channel in range(channels):
            taps = [self.random_tap(n == 0) for n in range(1 + self.below(taps_each))]
            written = {tile["address"] + c for c in range(channels)}
            for tap in taps:
                self.keep_away(tap, written)
            await self.channel(ctx, taps, capture_before=channel > 0)
            self.apply(layer, tile, channel, self.accumulate(layer, taps, snapshot), records[channel])
        while self.cycle - self.last_capture < self.channel_cycles:
            await self.cycle_of(ctx)
        await self.cycle_of(ctx, capture=True)
        for cycle in range(1, tile_tail_cycles(self.cfg, averages)):
            assert ctx.get(dut.busy), cycle
            assert ctx.get(dut.ends) == (cycle == tile_tail_cycles(self.cfg, averages) - 1)
            await self.idle(ctx)
        assert not ctx.get(dut.busy)
        self.cycle += 100

    def accumulate(self, layer, taps, memory):
        k, pad = layer["parts_log2"], layer["pad"]
        total = None
        for tap in taps:
            words = np.array([memory[bank, address] for bank, address in enumerate(tap["addresses"])])
            row_valid = [tap["row_valid"] >> bank & 1 for bank in range(self.cfg.banks)]
            words = maps.mask_edges(words, k, layer["columns"], row_valid, pad)
            words = maps.move_columns(maps.move_rows(words, k, tap["row_move"].value), k, tap["column_move"], pad)
            if layer["operation"] == Operation.MAXIMUM:
                total = words if tap["first"] else np.maximum(total, words)
            else:
                total = words * tap["weight"] + (0 if tap["first"] else total)
        return total

    def apply(self, layer, tile, channel, sums, record):
        bias = record["bias"] - (record["bias"] >> self.cfg.accumulator_bits - 1 << self.cfg.accumulator_bits)
        pixels = maps.requantize(sums, bias, record["multiplier"], record["shift"], layer["zero_point"],
                                 layer["clamp_low"], layer["clamp_high"])
        rows = maps.output_rows(pixels, layer["parts_log2"], layer["subsample"], layer["row_phase"],
                                layer["column_phase"])
        if layer["destination"] == Destination.AVERAGE:
            start = 0 if tile["first"] else self.averages[channel]
            self.averages[channel] = start + rows[:tile["rows"], :layer["out_columns"]].sum()
        else:
            maps.write_rows(self.memory, rows, tile["address"] + channel, tile["row"], tile["rows"],
                            layer["out_parts_log2"])

    async def average(self, ctx, layer, tile, pause=0):
        """AVERAGE; returns cycles to `average_done` and the result bytes."""
        dut, taken, cycles = self.dut, [], 0
        count = layer["channels_out"]
        ctx.set(dut.layer, layer | {"bias": layer["bias"] & (1 << 32) - 1})
        ctx.set(dut.tile, tile)
        ctx.set(dut.average_start, 1)
        while True:
            ctx.set(dut.result.ready, self.below(pause + 1) == 0)
            done, valid, ready = ctx.get(dut.average_done), ctx.get(dut.result.valid), ctx.get(dut.result.ready)
            if valid and ready:
                taken.append((ctx.get(dut.result.payload.data), ctx.get(dut.result.payload.last)))
            await ctx.tick()
            ctx.set(dut.average_start, 0)
            if done:
                break
            cycles += 1
        ctx.set(dut.result.ready, 0)
        want = maps.requantize(self.averages[:count], layer["bias"], layer["multiplier"], layer["shift"],
                               layer["zero_point"], layer["clamp_low"], layer["clamp_high"]).tolist()
        if layer["destination"] == Destination.AVERAGE:
            assert taken == [(value, int(tile["last"] and n == count - 1)) for n, value in enumerate(want)]
            assert pause or cycles == average_cycles(self.cfg, count) - PIXELS_LAG
        else:
            assert not taken
            assert cycles == average_cycles(self.cfg, count) - PIXELS_LAG
            self.memory[tile["row"], tile["address"]:tile["address"] + count, 0] = want
        await ctx.tick()


def run(machine, *benches):
    simulate(machine.dut, *benches, background=[machine.monitor, machine.feed_records], cycles=6000)


@pytest.mark.parametrize("banks, logic_lanes, seed", [(1, 0, 1), (2, 0, 2), (2, 28, 3), (4, 12, 4)])
def test_random_tiles(banks, logic_lanes, seed):
    machine = Machine(config(banks, logic_lanes=logic_lanes), seed)

    async def bench(ctx):
        await machine.fill(ctx)
        machine.loading = True
        for _ in range(14):
            k, out_k = machine.below(banks.bit_length()), machine.below(banks.bit_length())
            row = machine.below(banks >> out_k)
            channels = 1 + machine.below(4)
            tile = {"address": machine.below(TILE_WORDS - channels), "row": row,
                    "rows": machine.below((banks >> out_k) - row + 1)}
            await machine.tile(ctx, machine.random_layer(k, out_k), tile, channels)
        machine.loading = False
        await ctx.tick().repeat(20)
        await machine.check_memory(ctx)
        assert not machine.errors and not machine.records

    run(machine, bench, machine.keep_loading)


@pytest.mark.parametrize("banks, k", [(1, 0), (2, 0), (2, 1), (4, 1)])
def test_averages(banks, k):
    machine = Machine(config(banks), 10 * banks + k)

    async def bench(ctx):
        await machine.fill(ctx)
        channels = 5
        for number in range(3):
            layer = machine.random_layer(k, 0, destination=Destination.AVERAGE, subsample=number % 2,
                                         operation=Operation.MULTIPLY)
            tile = {"address": 0, "row": 0, "rows": machine.below((banks >> k) + 1), "first": number == 0}
            await machine.tile(ctx, layer, tile, channels)
        scale = machine.random_layer(0, 0, channels_out=24, shift=18)
        for pause, last in ((0, 1), (3, 0), (3, 1)):
            await machine.average(ctx, scale | {"destination": Destination.AVERAGE}, {"last": last}, pause)
        await machine.average(ctx, scale | {"channels_out": 9}, {"address": 3, "row": banks - 1})
        await machine.check_memory(ctx)
        assert not machine.errors

    run(machine, bench)


def test_written_word_is_read_in_the_first_idle_cycle():
    cfg = config(2)
    machine = Machine(cfg, 3)
    dut = machine.dut

    async def bench(ctx):
        await machine.fill(ctx)
        layer = machine.random_layer(0, 0, operation=Operation.MULTIPLY, parameters=ParameterForm.CONSTANT, subsample=0,
                                     columns=14, bias=0, multiplier=1 << 15, shift=15, zero_point=1, clamp_low=0,
                                     clamp_high=255)
        ctx.set(dut.layer, layer)
        ctx.set(dut.tile, {"address": 5, "rows": 2})
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for number in range(4):
            read = 4 + number
            tap = {"take": 1, "first": 1, "weight": 1, "row_move": RowMove.NONE, "addresses": [read] * 2,
                   "row_valid": 3}
            machine.memory[:, read + 1] = np.minimum(machine.memory[:, read] + 1, 255)
            await machine.cycle_of(ctx, tap)
            await machine.cycle_of(ctx, capture=True)
            while ctx.get(dut.busy):
                await ctx.tick()
        await machine.check_memory(ctx)
        assert not machine.errors

    run(machine, bench)


def test_errors():
    cfg = config(2)
    machine = Machine(cfg, 4)
    dut = machine.dut

    async def one_channel(ctx):
        await machine.cycle_of(ctx, machine.random_tap(True))
        await machine.cycle_of(ctx, capture=True)
        await ctx.tick().repeat(40)

    async def bench(ctx):
        machine.traced = machine.memory.copy()
        ctx.set(dut.layer, machine.random_layer(0, 0, parameters=ParameterForm.FULL, subsample=0))
        ctx.set(dut.tile, {"address": 0, "rows": 2})
        await one_channel(ctx)
        assert machine.errors == ["underrun"]
        ctx.set(dut.layer.parameters, ParameterForm.CONSTANT)
        ctx.set(dut.tile, {"address": WORDS - 2, "rows": 2})        # channel 1 is the last word
        await one_channel(ctx)
        assert machine.errors == ["underrun"]
        await one_channel(ctx)
        assert machine.errors == ["underrun", "range", "range"]
        await machine.cycle_of(ctx, machine.random_tap(True), capture=True)
        await machine.cycle_of(ctx, machine.random_tap(True), capture=True)
        await ctx.tick().repeat(40)
        assert "overrun" in machine.errors
        assert not machine.traced[:, :WORDS - 1].any()

    run(machine, bench)


def test_tail():
    assert tile_tail_cycles(EngineConfig(banks=8), averages=False) == 30


@pytest.mark.parametrize("banks, more", [(1, {}), (2, {"logic_lanes": 28, "trace": True}), (8, {})])
def test_lint(banks, more):
    lint(Datapath(EngineConfig(banks=banks, **more)))
