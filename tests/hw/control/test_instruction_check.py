"""Every rule of the instruction check, alone, and sound instructions at their limits."""

from dataclasses import replace

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import (
    KERNEL_ENTRY,
    KERNEL_ENTRY_BITS,
    Destination,
    Opcode,
    Operation,
    ParameterForm,
    Source,
)
from firelane.hw.control.instruction_check import InstructionCheck
from tests.hw.support import lint, simulate

CFG = EngineConfig(banks=4)

TILE = ({"opcode": Opcode.TILE, "row": 1, "rows": 1},
        {"kernel_taps": 64, "columns": 28, "out_columns": 28, "channels_in": 1, "channels_out": 1, "group_channels": 1,
         "parts_log2": 1, "out_parts_log2": 1, "shift": 40})
LOAD = ({"opcode": Opcode.LOAD, "row": 1, "rows": 1, "slots": [{"rows": 1}]},
        {"channels_in": 1, "image_columns": 28, "parts_log2": 1})
SPLIT_LOAD = ({"opcode": Opcode.LOAD, "row": 0, "rows": 4, "slots": [{"rows": 2}], "last": 1},
              {"channels_in": 3, "image_columns": 56, "parts_log2": 1, "space_to_depth": 1})
AVERAGE = ({"opcode": Opcode.AVERAGE}, {"channels_out": 1, "shift": 1})
OUTPUT = ({"opcode": Opcode.OUTPUT, "row": 3, "slots": [{"rows": 1}]}, {"channels_out": 1, "columns": 14})


def changed(pair, **changes):
    """`pair` of tile and layer with fields changed, wherever they belong."""
    tile, layer = dict(pair[0]), dict(pair[1])
    for name, value in changes.items():
        if name == "map_rows":
            tile["slots"] = [{"rows": value}]
        else:
            (tile if name in ("opcode", "row", "rows", "last") else layer)[name] = value
    return tile, layer


SOUND = (
    ({"opcode": Opcode.END}, {}), TILE, LOAD, SPLIT_LOAD, AVERAGE, OUTPUT,
    changed(TILE, kernel_taps=1, shift=1),
    changed(TILE, parameters=ParameterForm.FULL, shift=0), changed(TILE, parameters=ParameterForm.SCALED_2, shift=1),
    changed(TILE, source=Source.WINDOW, channels_in=0, group_channels=0),
    changed(TILE, destination=Destination.AVERAGE, row=3, rows=4),
    changed(TILE, rows=0),
    changed(TILE, parts_log2=2, columns=56, out_parts_log2=0, out_columns=14, row=3),
    changed(LOAD, rows=0),
    changed(OUTPUT, row=0, map_rows=4),
    changed(OUTPUT, columns=56, parts_log2=2, row=0),
)

BAD = (
    changed(TILE, kernel_taps=0), changed(TILE, kernel_taps=65), changed(TILE, columns=0), changed(TILE, columns=29),
    changed(TILE, out_columns=0), changed(TILE, out_columns=29), changed(TILE, channels_in=0),
    changed(TILE, channels_out=0), changed(TILE, group_channels=0), changed(TILE, shift=0), changed(TILE, shift=41),
    changed(TILE, parameters=ParameterForm.BIAS_3, shift=0), changed(TILE, parameters=ParameterForm.SCALED_1, shift=41),
    changed(TILE, parts_log2=3), changed(TILE, parts_log2=7), changed(TILE, out_parts_log2=3), changed(TILE, rows=2),
    changed(TILE, out_parts_log2=2),
    changed(LOAD, channels_in=0), changed(LOAD, image_columns=0), changed(LOAD, image_columns=29),
    changed(LOAD, parts_log2=3), changed(LOAD, map_rows=0), changed(LOAD, map_rows=2), changed(LOAD, row=2),
    changed(LOAD, rows=2), changed(LOAD, last=1, rows=0),
    changed(SPLIT_LOAD, image_columns=57), changed(SPLIT_LOAD, rows=5), changed(SPLIT_LOAD, space_to_depth=0),
    changed(AVERAGE, channels_out=0), changed(AVERAGE, shift=0), changed(AVERAGE, shift=63),
    changed(AVERAGE, parameters=ParameterForm.BIAS_1),
    changed(OUTPUT, channels_out=0), changed(OUTPUT, columns=0), changed(OUTPUT, columns=15),
    changed(OUTPUT, map_rows=0), changed(OUTPUT, map_rows=2), changed(OUTPUT, parts_log2=3, columns=1),
)


BLOCKS = changed(TILE, source=Source.WINDOW, dense=1, operation=Operation.MAXIMUM, subsample=1)
BAD_BLOCKS = tuple(changed(BLOCKS, **{name: value}) for name, value in (
    ("operation", Operation.MULTIPLY), ("subsample", 0), ("row_phase", 1), ("column_phase", 1),
    ("destination", Destination.AVERAGE), ("parameters", ParameterForm.BIAS_1)))
TWO_TAPS, NO_BLOCKS = replace(CFG, taps_per_cycle=2), replace(CFG, banks=1, taps_per_cycle=2)
NARROW_BLOCKS = changed(BLOCKS, parts_log2=0, columns=14, out_parts_log2=0, out_columns=14, row=0)


def test_lint():
    lint(InstructionCheck(CFG))
    lint(InstructionCheck(TWO_TAPS))


@pytest.mark.parametrize("cfg, cases, bad", [
    (CFG, SOUND, 0), (CFG, BAD, 1), (CFG, (BLOCKS, *BAD_BLOCKS), 0),
    (TWO_TAPS, (*SOUND, BLOCKS), 0), (TWO_TAPS, (*BAD, *BAD_BLOCKS), 1),
    (NO_BLOCKS, (NARROW_BLOCKS,), 1), (NO_BLOCKS, (changed(NARROW_BLOCKS, dense=0),), 0),
])
def test_rules(cfg, cases, bad):
    """Lanes are merged by blocks with two taps a cycle, if there are two banks."""
    dut = InstructionCheck(cfg)

    async def bench(ctx):
        for tile, layer in cases:
            ctx.set(dut.tile, tile)
            ctx.set(dut.layer, layer)
            await ctx.tick().repeat(2)
            assert ctx.get(dut.bad) == bad, (tile, layer)

    simulate(dut, bench)


@pytest.mark.parametrize("left, right", [(3, 3), (1, 2), (2, 1)])
@pytest.mark.parametrize("move", range(-4, 4))
def test_column_moves_that_the_engine_has_not(left, right, move):
    dut = InstructionCheck(replace(CFG, columns_left=left, columns_right=right))
    entry = KERNEL_ENTRY.const({"column_move": move & 7, "slot": 3, "weight": 255}).as_bits()
    impossible = not -left <= move <= right

    async def bench(ctx):
        for half, valid, bad in ((0, 0, False), (1, 1, impossible), (0, 0, impossible)):        # for good
            ctx.set(dut.kernel_write.payload.data, entry << half * KERNEL_ENTRY_BITS)
            ctx.set(dut.kernel_write.valid, valid)
            for (tile, layer), expected in ((TILE, bad), (OUTPUT, False)):
                ctx.set(dut.tile, tile)
                ctx.set(dut.layer, layer)
                await ctx.tick().repeat(2)
                assert ctx.get(dut.bad) == expected

    simulate(dut, bench)


@pytest.mark.parametrize("opcode", [5, 6, 7])
def test_opcodes_that_do_not_exist(opcode):
    dut = InstructionCheck(CFG)

    async def bench(ctx):
        ctx.set(dut.tile.as_value(), opcode)
        await ctx.tick().repeat(2)
        assert ctx.get(dut.bad)

    simulate(dut, bench)
