# amaranth: UnusedElaboratable=no
"""Platforms that a file describes make build plans: with the pins that it names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firelane.boards import get_board
from firelane.boards.file_platform import PlatformClass, PlatformPins, SerialPins
from firelane.boards.top.top import BoardTop
from firelane.hw.contract.config import EngineConfig
from firelane.hw.engine import Engine
from tests.hw.test_engine import SIZES

ECP5 = PlatformPins("LFE5U-85F", "ecp5", "BG381", "6", "P3", 25e6, SerialPins("A4", "B4", "LVCMOS33"))
SERIES7 = PlatformPins("XC7A100T", "series7", "csg324", "1", "E3", 100e6, SerialPins("A9", "D10", "LVCMOS33"))
ARTY = PlatformClass("amaranth_boards.arty_a7:ArtyA7_100Platform", "series7")


@pytest.mark.parametrize("platform, name, board, lines", [
    (ECP5, "top.lpf", "ulx3s_85f", ['LOCATE COMP "clk_0__io" SITE "P3";', 'LOCATE COMP "uart_0__rx__io" SITE "A4";',
                                    'LOCATE COMP "uart_0__tx__io" SITE "B4";',
                                    'IOBUF PORT "uart_0__rx__io" IO_TYPE=LVCMOS33;']),
    (SERIES7, "top.xdc", "arty_a7_100", ["E3", "A9", "D10", 'IOSTANDARD "LVCMOS33"']),
    (ARTY, "top.xdc", "arty_a7_100", ["E3", "A9", "D10", 'IOSTANDARD "LVCMOS33"']),
], ids=["ecp5", "series7", "class"])
def test_build_plans(platform, name, board, lines):
    made = replace(get_board(board), platform=platform, engine=EngineConfig(banks=1, **SIZES))
    plan = platform().build(BoardTop(made, Engine(made.engine)), do_build=False)
    assert all(line in plan.files[name] for line in lines)
    assert "top.il" in plan.files and not [file for file in plan.files if file.endswith("top.v")]
