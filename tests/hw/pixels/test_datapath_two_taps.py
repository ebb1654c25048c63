"""Data path with two taps a cycle: as test_datapath, with second taps, collected channels and words of the loader."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Destination, Operation, ParameterForm, RowMove, Source
from firelane.hw.contract.timing import write_slot_lag
from firelane.hw.pixels.datapath import Datapath
from tests.hw import maps
from tests.hw.blocks.ecp5_cells import simulated
from tests.hw.pixels import test_datapath
from tests.hw.pixels.test_datapath import TILE_WORDS, WORDS
from tests.hw.support import lint, simulate

EVERY_PIXEL = (1 << 14) - 1
BLOCKS = {"source": Source.WINDOW, "dense": 1, "operation": Operation.MAXIMUM, "subsample": 1, "row_phase": 0,
          "column_phase": 0, "parameters": ParameterForm.CONSTANT}


def config(banks, **more):
    return test_datapath.config(banks, taps_per_cycle=2, **more)


class Machine(test_datapath.Machine):
    """The data path of two taps a cycle; the loader's words come in the cycles of the taps."""

    def __init__(self, cfg: EngineConfig, seed: int):
        super().__init__(cfg, seed)
        self.now = Signal(32)
        self.maximum = self.blocks = False
        self.writes = set()             # cycles in which a channel is written
        self.shared = 0                 # cycles with two taps, and
        self.squeezed = 0               # those that must do with one: a channel or the loader writes

    def top(self, made_for):
        """The data path and a clock to tell cycles by."""
        m = Module()
        m.d.sync += self.now.eq(self.now + 1)
        m.submodules.dut = made_for(self.dut) if made_for else self.dut
        return m

    def random_tap(self, first: bool):
        tap = super().random_tap(first)
        second = {name: value for name, value in super().random_tap(first).items() if name != "first"}
        return tap | {"second": second | {"take": self.below(4) > 0}}

    def keep_away(self, tap, written):
        super().keep_away(tap, written)
        super().keep_away(tap["second"], written)

    async def fill(self, ctx):
        self.traced = self.memory.copy()
        for bank in range(self.cfg.banks):
            for address in range(0, TILE_WORDS, 2):
                self.load_word(ctx, bank, address, EVERY_PIXEL)
                await ctx.tick()
                self.dut_slot(ctx, 0)

    def dut_slot(self, ctx, slot):
        ctx.set(self.dut.load_slot, slot)
        ctx.set(self.dut.load_write.valid, slot)

    def load_word(self, ctx, bank, address, enable):
        """A word in a slot of this cycle."""
        pixels = self.rng.integers(0, 256, 14)
        self.dut_slot(ctx, 1)
        ctx.set(self.dut.load_write.payload,
                {"bank": bank, "address": address, "enable": enable, "data": maps.pack(pixels)})
        for n in range(14):
            if enable >> n & 1:
                self.memory[bank, address, n] = self.traced[bank, address, n] = pixels[n]

    def perhaps_load(self, ctx) -> bool:
        """Whether the second port writes in this cycle, for a channel or for the loader."""
        self.dut_slot(ctx, 0)
        if ctx.get(self.now) in self.writes:
            return True
        if not self.loading or self.below(4):
            return False
        address = TILE_WORDS + self.below(WORDS - TILE_WORDS)
        self.load_word(ctx, self.below(self.cfg.banks), address, self.below(1 << 14))
        return True

    async def idle(self, ctx):
        self.perhaps_load(ctx)
        await super().idle(ctx)

    async def cycle_of(self, ctx, tap=None, capture=False):
        writes = self.perhaps_load(ctx)
        if capture:
            self.writes.add(ctx.get(self.now) + write_slot_lag(self.cfg, blocks=self.blocks))
        if tap is not None:
            second = tap["second"]
            self.squeezed += second["take"] and writes
            second["take"] = int(second["take"] and not writes and not self.maximum)
            self.shared += second["take"]
            shown = second | {"weight": second["weight"] & 255, "column_move": second.get("column_move", 0) & 7}
            tap = tap | {"second": shown}
        await super().cycle_of(ctx, tap, capture)

    async def tile(self, ctx, layer, tile, channels, taps_each=4):
        self.maximum = layer["operation"] == Operation.MAXIMUM
        self.blocks = layer.get("dense", 0)
        self.channel_cycles = self.cfg.block_cycles if self.blocks else self.cfg.drain_cycles
        await super().tile(ctx, layer, tile, channels, taps_each)

    def apply(self, layer, tile, channel, sums, record):
        merged = maps.merge_blocks(sums, layer["parts_log2"]) if self.blocks else sums
        super().apply(layer, tile, channel, merged, record)

    def accumulate(self, layer, taps, memory):
        alone = [{name: value for name, value in tap.items() if name != "second"} for tap in taps]
        total = super().accumulate(layer, alone, memory)
        seconds = [tap["second"] | {"first": 0} for tap in taps if tap["second"]["take"]]
        return total + sum(super(Machine, self).accumulate(layer, [tap | {"first": 1}], memory) for tap in seconds)


def run(machine, bench, made_for=None):
    simulate(machine.top(made_for), bench, background=[machine.monitor, machine.feed_records], cycles=6000)


@pytest.mark.parametrize("banks, logic_lanes, tiles, made_for, seed", [
    (1, 5, 6, None, 1), (2, 0, 8, None, 2), (4, 12, 8, None, 4), (1, 0, 4, simulated, 5)],
    ids=["1", "2", "4", "1-ecp5"])
def test_random_tiles(banks, logic_lanes, tiles, made_for, seed):
    machine = Machine(config(banks, logic_lanes=logic_lanes), seed)

    async def bench(ctx):
        await machine.fill(ctx)
        machine.loading = True
        for _ in range(tiles):
            k, out_k = machine.below(banks.bit_length()), machine.below(banks.bit_length())
            row = machine.below(banks >> out_k)
            channels = 1 + machine.below(8)
            tile = {"address": machine.below(TILE_WORDS - channels), "row": row,
                    "rows": machine.below((banks >> out_k) - row + 1)}
            await machine.tile(ctx, machine.random_layer(k, out_k), tile, channels, taps_each=9)
        machine.loading = False
        await machine.idle(ctx)
        await ctx.tick().repeat(20)
        await machine.check_memory(ctx)
        assert not machine.errors and not machine.records

    run(machine, bench, made_for)
    assert machine.shared > 5 and machine.squeezed > 5


@pytest.mark.parametrize("banks, k", [(2, 0), (2, 1), (4, 0), (4, 1), (4, 2)])
def test_blocks(banks, k):
    """Maxima of blocks of lanes, channels as near to each other as may be, among other tiles and beside the loader."""
    machine = Machine(config(banks), 10 * banks + k)

    async def bench(ctx):
        await machine.fill(ctx)
        machine.loading = True
        for number in range(6):
            out_k, channels = machine.below(k + 1), 2 + machine.below(6)
            row = machine.below(banks >> out_k)
            tile = {"address": machine.below(TILE_WORDS - channels), "row": row,
                    "rows": machine.below((banks >> out_k) - row + 1)}
            layer = machine.random_layer(k, out_k, **(BLOCKS if number % 3 else {}))
            await machine.tile(ctx, layer, tile, channels, taps_each=1 if number == 1 else 6)
        machine.loading = False
        await machine.idle(ctx)
        await ctx.tick().repeat(20)
        await machine.check_memory(ctx)
        assert not machine.errors and not machine.records

    run(machine, bench)


@pytest.mark.parametrize("banks, k", [(1, 0), (2, 1)])
def test_averages(banks, k):
    """Into the result stream beside the loader, and into memory, a pixel a cycle."""
    machine = Machine(config(banks), 10 * banks + k)

    async def bench(ctx):
        await machine.fill(ctx)
        machine.loading = True
        for number in range(3):
            layer = machine.random_layer(k, 0, destination=Destination.AVERAGE, subsample=number % 2,
                                         operation=Operation.MULTIPLY)
            tile = {"address": 0, "row": 0, "rows": machine.below((banks >> k) + 1), "first": number == 0}
            await machine.tile(ctx, layer, tile, channels=5)
        machine.loading = False
        machine.load_word(ctx, 0, TILE_WORDS, EVERY_PIXEL)          # in every cycle from here on
        scale = machine.random_layer(0, 0, channels_out=24, shift=18)
        for pause, last in ((0, 1), (3, 1)):
            await machine.average(ctx, scale | {"destination": Destination.AVERAGE}, {"last": last}, pause)
        machine.dut_slot(ctx, 0)
        await machine.average(ctx, scale | {"channels_out": 9}, {"address": 3, "row": banks - 1})
        await machine.check_memory(ctx)
        assert not machine.errors

    run(machine, bench)


def test_written_word_is_read_in_the_first_idle_cycle():
    """By the first and by the second tap of a cycle."""
    cfg = config(2)
    machine = Machine(cfg, 3)
    dut = machine.dut

    async def bench(ctx):
        await machine.fill(ctx)
        layer = machine.random_layer(0, 0, operation=Operation.MULTIPLY, parameters=ParameterForm.CONSTANT, subsample=0,
                                     columns=14, bias=0, multiplier=1 << 15, shift=15, zero_point=1, clamp_low=0,
                                     clamp_high=255)
        machine.maximum = False
        ctx.set(dut.layer, layer)
        ctx.set(dut.tile, {"address": 5, "rows": 2})
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for number in range(4):
            read = 4 + number
            tap = {"take": 1, "first": 1, "weight": number % 2, "row_move": RowMove.NONE, "addresses": [read] * 2,
                   "row_valid": 3}
            second = {"take": 1, "weight": 1 - number % 2, "row_move": RowMove.NONE, "addresses": [read] * 2,
                      "row_valid": 3}
            machine.memory[:, read + 1] = np.minimum(machine.memory[:, read] + 1, 255)
            await machine.cycle_of(ctx, tap | {"second": second})
            await machine.cycle_of(ctx, capture=True)
            while ctx.get(dut.busy):
                await ctx.tick()
        await ctx.tick()
        await machine.check_memory(ctx)
        assert not machine.errors

    run(machine, bench)


def test_errors():
    cfg = config(2)
    machine = Machine(cfg, 4)
    dut = machine.dut
    tap = {"take": 1, "first": 1, "weight": 1, "addresses": [1, 1], "row_valid": 3, "row_move": RowMove.NONE,
           "second": {"take": 0, "weight": 0}}

    async def one_channel(ctx, slot=None):
        await machine.cycle_of(ctx, tap)
        await machine.cycle_of(ctx, capture=True)
        for cycle in range(1, 50):
            machine.dut_slot(ctx, cycle == slot)
            await ctx.tick()

    async def bench(ctx):
        machine.traced = machine.memory.copy()
        machine.maximum = False
        ctx.set(dut.layer, machine.random_layer(0, 0, parameters=ParameterForm.FULL, subsample=0))
        ctx.set(dut.tile, {"address": 0, "rows": 2})
        await one_channel(ctx)
        assert machine.errors == ["underrun"]
        ctx.set(dut.layer.parameters, ParameterForm.CONSTANT)
        for wrong in (-1, 1, 0):                                    # a slot beside a channel's is none of its business
            await one_channel(ctx, slot=write_slot_lag(cfg) + wrong)
            assert machine.errors == ["underrun"] + ["overrun"] * (wrong == 0)
        ctx.set(dut.tile, {"address": WORDS - 3, "rows": 2})        # channels 3 and 4 are beyond
        machine.errors.clear()
        await one_channel(ctx)
        assert machine.errors == ["range", "range"]

    run(machine, bench)


def test_lint():
    for banks, more in ((1, {}), (2, {"logic_lanes": 28})):
        lint(Datapath(config(banks, **more)))
