"""Icepi Zero v1.3: 50 MHz oscillator, FTDI serial line on its USB socket."""

from amaranth_boards.icepi_zero import IcepiZero1_3Platform

from firelane.boards.board import LFE5U_25F, Board
from firelane.boards.engines import ENGINE_25F

BOARDS = (
    Board(name="icepi_zero", description="Icepi Zero v1.3, LFE5U-25F", device=LFE5U_25F, platform=IcepiZero1_3Platform,
          engine=ENGINE_25F, clock_hz=75e6, baud=3_000_000, programmer="icepi-zero", seed=3,
          ripup=False),
)
