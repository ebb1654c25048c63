# amaranth: UnusedElaboratable=no
"""Board tops: every board makes a build plan without any tool, and the engine answers over its serial line."""

import re

import pytest

from boards import all_boards, get_board
from boards.bitstream import device_options
from boards.board import Board
from boards.clock import plan_clock
from boards.top import BoardTop, LinkedEngine
from compiler.errors import ConfigError
from hw.config import EngineConfig
from hw.engine import Engine
from hw.error_code import ErrorCode
from tests.hw.support import simulate
from tests.hw.test_engine import SIZES, expected_result, random_image, small_program

BIT_CYCLES = 6
SILENCE_CYCLES = 400


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_every_board_has_a_build_plan(board: Board):
    small = EngineConfig(banks=1, **SIZES)
    platform = board.platform()
    plan = platform.build(BoardTop(board, Engine(small), image_bytes=5), do_build=False)
    constraints = plan.files["top.lpf" if board.device.family == "ecp5" else "top.xdc"]
    assert "uart_0__rx" in constraints and "uart_0__tx" in constraints
    if board.device.family == "ecp5":                   # Vivado derives the engine's clock itself
        size = board.device.name.rpartition("-")[2].lower().replace("f", "k")
        assert f"{size} --package " in device_options(plan)
        assert re.search(rf"FREQUENCY .* {plan_clock(platform, board.clock_hz).output_hz}", constraints)
    assert ("MULT18X18D" in plan.files["top.il"]) == (board.device.family == "ecp5")


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_engines_are_within_their_devices(board: Board):
    from compiler.resources import engine_resources
    if board.name == "ulx3s_12f":
        pytest.skip("12 000 LUT hold no engine of two banks; `firelane compile` says so")
    need = engine_resources(board.engine)
    assert need.ebr_total > 0.7 * board.device.ebr or board.name.startswith("ulx3s"), "a larger engine fits"
    assert need.ebr_total <= board.device.ebr
    assert need.dsp <= board.device.dsp
    assert need.lut <= board.device.lut


def test_an_unknown_board_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match=r"^--board: unknown board 'ice40'; one of ulx3s_12f, .*arty_a7_100$"):
        get_board("ice40")


def serial_engine():
    cfg = EngineConfig(banks=1, **SIZES)
    program, weights = small_program(cfg)
    engine = Engine(cfg, program=program, weights=weights, auto_run=True)
    return cfg, LinkedEngine(engine, image_bytes=cfg.banks * 5, bit_cycles=BIT_CYCLES,
                             silence_cycles=SILENCE_CYCLES)


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


async def exchange(ctx, dut, image, count: int) -> list[int]:
    """Send an image, or what arrives of it, and receive `count` bytes of answer."""
    for byte in image:
        await send_byte(ctx, dut, byte)
    return [await receive_byte(ctx, dut) for _ in range(count)]


def test_images_over_the_serial_line():
    cfg, dut = serial_engine()

    async def host(ctx):
        for seed in (1, 2):
            image = random_image(cfg, seed)
            expected = [0] + [byte for byte, _ in expected_result(cfg, image)]
            assert await exchange(ctx, dut, image, len(expected)) == expected

    simulate(dut, host, cycles=8_000)


def test_a_lost_byte_is_answered_by_its_error_and_the_next_image_is_right():
    cfg, dut = serial_engine()
    image = random_image(cfg, 3)
    expected = [0] + [byte for byte, _ in expected_result(cfg, image)]

    async def host(ctx):
        assert await exchange(ctx, dut, image[:-1], 1) == [ErrorCode.IMAGE_SHORT]
        await ctx.tick().repeat(2 * BIT_CYCLES)
        assert await exchange(ctx, dut, image, len(expected)) == expected

    simulate(dut, host, cycles=8_000)
