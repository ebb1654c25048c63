"""Digilent Arty A7-100: 100 MHz oscillator, FT2232H serial line. Vivado places and routes it, see
`boards.flow.vivado_project`.
"""

from amaranth_boards.arty_a7 import ArtyA7_100Platform

from firelane.boards.board import XC7A100T, Board
from firelane.boards.file_platform import RtlilPlan
from firelane.hw.contract.config import EngineConfig


class ArtyPlatform(RtlilPlan, ArtyA7_100Platform):
    """A platform whose build plan has RTLIL."""


BOARDS = (
    Board(name="arty_a7_100", description="Digilent Arty A7-100, XC7A100T", device=XC7A100T, platform=ArtyPlatform,
          engine=EngineConfig(banks=8, activation_words=2048, weight_words=71_168, program_words=4096),
          clock_hz=75e6, baud=3_000_000, programmer="arty_a7_100t"),
)
