# amaranth: UnusedElaboratable=no
"""Board tops: every board makes a build plan without any tool, and its engine fits its device."""

import re
from dataclasses import replace

import pytest

from firelane.boards import all_boards, get_board
from firelane.boards.board import Board
from firelane.boards.flow.bitstream import device_options
from firelane.boards.top.clock import plan_clock
from firelane.boards.top.top import BoardTop
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.config import EngineConfig
from firelane.hw.engine import Engine
from tests.hw.test_engine import SIZES


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_every_board_has_a_build_plan(board: Board):
    small = replace(board, engine=EngineConfig(banks=1, **SIZES))
    platform = board.platform()
    plan = platform.build(BoardTop(small, Engine(small.engine)), do_build=False)
    constraints = plan.files["top.lpf" if board.device.family == "ecp5" else "top.xdc"]
    assert "uart_0__rx" in constraints and "uart_0__tx" in constraints
    if board.device.family == "ecp5":                   # Vivado derives the engine's clock itself
        size = board.device.name.rpartition("-")[2].lower().replace("f", "k")
        assert f"{size} --package " in device_options(plan)
        assert re.search(rf"FREQUENCY .* {plan_clock(platform, board.clock_hz).output_hz}", constraints)
    assert ("MULT18X18D" in plan.files["top.il"]) == (board.device.family == "ecp5")


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_engines_are_within_their_devices(board: Board):
    from firelane.compiler.fit.resources import engine_resources
    need = engine_resources(board.engine, board.result_bytes)
    assert need.ebr_total > 0.7 * board.device.ebr or board.name.startswith("ulx3s"), "a larger engine fits"
    assert need.ebr_total <= board.device.ebr
    assert need.dsp <= board.device.dsp
    if board.name == "ulx3s_12f":
        pytest.skip("12 000 LUT hold no engine of two banks; `firelane compile` says so")
    assert need.lut <= board.device.lut


def test_an_unknown_board_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match=r"^board: unknown board 'ice40'; one of ulx3s_12f, .*arty_a7_100$"):
        get_board("ice40")
