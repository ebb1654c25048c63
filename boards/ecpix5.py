"""LambdaConcept ECPIX-5 with the 85 K device: 100 MHz oscillator, FT2232H serial line."""

from amaranth_boards.ecpix5 import ECPIX585Platform

from firelane.boards.board import LFE5UM5G_85F, Board
from firelane.boards.engines import ENGINE_85F

BOARDS = (
    Board(name="ecpix5_85f", description="LambdaConcept ECPIX-5, LFE5UM5G-85F", device=LFE5UM5G_85F,
          platform=ECPIX585Platform,
          engine=ENGINE_85F, clock_hz=130e6, baud=3_000_000, programmer="ecpix5_r03"),
)
