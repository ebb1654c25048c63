"""OrangeCrab r0.2 with the 85 K device: 48 MHz oscillator, no serial chip: an adapter on the Feather header."""

from amaranth.build import Attrs
from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_85FPlatform
from amaranth_boards.resources import UARTResource

from firelane.boards.board import LFE5U_85F, Board
from firelane.boards.engines import ENGINE_85F


def platform() -> OrangeCrabR0_2_85FPlatform:
    board = OrangeCrabR0_2_85FPlatform()
    board.add_resources([UARTResource(0, rx="1", tx="0", conn=("io", 0), attrs=Attrs(IO_TYPE="LVCMOS33"))])
    return board


BOARDS = (
    Board(name="orangecrab_85f", description="OrangeCrab r0.2, LFE5U-85F", device=LFE5U_85F, platform=platform,
          engine=ENGINE_85F, clock_hz=108e6, baud=1_000_000, programmer="orangeCrab",
          serial="3.3 V adapter: its TX to header pin 1 (M18), its RX to header pin 0 (N17)"),
)
