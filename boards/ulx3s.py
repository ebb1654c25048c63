"""Radiona ULX3S: one board with four sizes of ECP5, 25 MHz oscillator, FT231X serial line."""

from amaranth_boards.ulx3s import ULX3S_12F_Platform, ULX3S_25F_Platform, ULX3S_45F_Platform, ULX3S_85F_Platform

from firelane.boards.board import LFE5U_12F, LFE5U_25F, LFE5U_45F, LFE5U_85F, Board
from firelane.boards.camera_header import CameraHeader
from firelane.boards.engines import ENGINE_25F, ENGINE_85F
from firelane.hw.contract.config import EngineConfig

BAUD = 3_000_000        #: the FT231X's fastest

#: J1's pins GP0 .. GP7 and GN0 .. GN7: none of them is shared with the ESP32 or the ADC
CAMERA = CameraHeader(
    connector=("gpio", 0), data=tuple(f"{n}+" for n in range(8)),
    pins={"pclk": "0-", "href": "1-", "vsync": "2-", "xclk": "3-", "sioc": "4-", "siod": "5-", "reset": "6-",
          "pwdn": "7-"},
    labels={f"{n}{sign}": f"{name}{n}" for n in range(8) for sign, name in (("+", "GP"), ("-", "GN"))},
    test=("button_fire", 0))

BOARDS = (
    Board(name="ulx3s_12f", description="Radiona ULX3S, LFE5U-12F", device=LFE5U_12F, platform=ULX3S_12F_Platform,
          engine=EngineConfig(banks=2, activation_words=1024, weight_words=6144, program_words=1024, logic_lanes=28),
          clock_hz=75e6, baud=BAUD, programmer="ulx3s", seed=3, ripup=False, result_bytes=64, camera=CAMERA),
    Board(name="ulx3s_25f", description="Radiona ULX3S, LFE5U-25F", device=LFE5U_25F, platform=ULX3S_25F_Platform,
          engine=ENGINE_25F, clock_hz=75e6, baud=BAUD, programmer="ulx3s", seed=3, ripup=False, camera=CAMERA),
    Board(name="ulx3s_45f", description="Radiona ULX3S, LFE5U-45F", device=LFE5U_45F, platform=ULX3S_45F_Platform,
          engine=EngineConfig(banks=4, activation_words=1024, weight_words=34_816, program_words=2048, logic_lanes=12,
                              columns_left=1, columns_right=2),
          clock_hz=90e6, two_tap_clock_hz=75e6, baud=BAUD, programmer="ulx3s", camera=CAMERA),
    Board(name="ulx3s_85f", description="Radiona ULX3S, LFE5U-85F", device=LFE5U_85F, platform=ULX3S_85F_Platform,
          engine=ENGINE_85F, clock_hz=100e6, two_tap_clock_hz=91.7e6, baud=BAUD, programmer="ulx3s", seed=3,
          camera=CAMERA),
)
