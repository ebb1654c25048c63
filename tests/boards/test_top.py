# amaranth: UnusedElaboratable=no
"""Board tops: every board makes a build plan without any tool, and the engine answers over its serial line."""

from dataclasses import replace

import pytest

from boards import all_boards, get_board
from boards.board import Board
from boards.host.framing import Deframer, Frame
from boards.top import BoardTop, LinkedEngine
from compiler.errors import ConfigError
from hw.config import EngineConfig
from hw.engine import Engine
from hw.link.protocol import Command, Status
from tests.hw.link.linked import CFG, DIGEST, IDENTITY, PROGRAM, WEIGHTS, image_and_result, words
from tests.hw.support import simulate
from tests.hw.test_engine import SIZES

BIT_CYCLES = 6
CLOCK_HZ = 1e6


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_every_board_has_a_build_plan(board: Board):
    small = EngineConfig(banks=1, **SIZES)
    plan = board.platform().build(BoardTop(replace(board, engine=small), Engine(small)), do_build=False)
    assert {"top.il", "top.lpf"} <= set(plan.files)
    assert f"{board.clock_hz:.0f}" in plan.files["top.lpf"]


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_engines_are_within_their_devices(board: Board):
    from compiler.resources import engine_resources
    if board.name == "ulx3s_12f":
        pytest.skip("12 000 LUT hold no engine of two banks; `firelane compile` says so")
    need = engine_resources(board.engine)
    assert need.ebr_total <= board.device.ebr
    assert need.dsp <= board.device.dsp
    assert need.lut <= board.device.lut


def test_an_unknown_board_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match=r"^--board: unknown board 'ice40'; one of ulx3s_12f, .*ecpix5_85f$"):
        get_board("ice40")


async def send_byte(ctx, dut, byte: int):
    for bit in (0, *((byte >> n) & 1 for n in range(8)), 1):
        ctx.set(dut.rx, bit)
        await ctx.tick().repeat(BIT_CYCLES)


async def receive_byte(ctx, dut) -> int:
    await ctx.tick().until(dut.tx == 0)
    await ctx.tick().repeat(BIT_CYCLES + BIT_CYCLES // 2 - 1)
    byte = 0
    for n in range(8):
        byte |= ctx.get(dut.tx) << n
        await ctx.tick().repeat(BIT_CYCLES)
    assert ctx.get(dut.tx) == 1, "no stop bit"
    return byte


async def ask(ctx, dut, command: int, payload: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to a command."""
    for byte in Frame(1, command, payload).to_bytes():
        await send_byte(ctx, dut, byte)
    deframer, frames = Deframer(), []
    while not frames:
        frames = list(deframer.feed([await receive_byte(ctx, dut)]))
    return frames[0].payload[0], frames[0].payload[1:]


def test_an_image_over_the_serial_line():
    engine = Engine(CFG, program=PROGRAM, weights=WEIGHTS)
    dut = LinkedEngine(CFG, engine, identity=IDENTITY, bit_cycles=BIT_CYCLES, clock_hz=CLOCK_HZ)
    image, result = image_and_result(1)

    async def host(ctx):
        assert await ask(ctx, dut, Command.RUN, words(len(image), DIGEST)) == (Status.OK, b"")
        assert await ask(ctx, dut, Command.IMAGE, words(0) + image) == (Status.OK, words(len(image)))
        while (answer := await ask(ctx, dut, Command.RESULT, words(0)))[0] == Status.PENDING:
            pass
        assert answer == (Status.OK, b"\x01" + result)

    simulate(dut, host, cycles=20_000)
