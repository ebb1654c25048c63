"""ButterStick r1.0: 30 MHz oscillator, no serial chip.

The voltage of its SYZYGY connectors must first be set by the FPGA; the microSD slot has 3.3 V always. So the serial
line is on two pins of that slot, which any microSD breakout or extender card brings out.
"""

from amaranth.build import Attrs
from amaranth_boards.butterstick import ButterStickPlatform
from amaranth_boards.resources import UARTResource

from firelane.boards.board import LFE5UM5G_85F, Board
from firelane.boards.engines import ENGINE_85F


def platform() -> ButterStickPlatform:
    board = ButterStickPlatform()
    board.add_resources([UARTResource(0, rx="C12", tx="A12", attrs=Attrs(IO_TYPE="LVCMOS33"))])
    return board


BOARDS = (
    Board(name="butterstick_85f", description="ButterStick r1.0, LFE5UM5G-85F", device=LFE5UM5G_85F, platform=platform,
          engine=ENGINE_85F, clock_hz=120e6, baud=1_000_000, programmer="butterstick",
          serial="3.3 V adapter at the microSD slot: its TX to DAT0 (C12), its RX to DAT1 (A12)"),
)
