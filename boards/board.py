"""What a board must say about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from firelane.boards.camera_header import CameraHeader
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES


@dataclass(frozen=True)
class Device:
    """What an FPGA holds (family data sheets; 1 EBR = 18 Kbit, 1 DSP = one 18x18 multiplier)."""

    name: str
    ebr: int
    dsp: int
    lut: int
    family: str = "ecp5"    #: as amaranth's platforms call it


LFE5U_12F = Device("LFE5U-12F", ebr=32, dsp=28, lut=12_000)
LFE5U_25F = Device("LFE5U-25F", ebr=56, dsp=28, lut=24_288)
LFE5U_45F = Device("LFE5U-45F", ebr=108, dsp=72, lut=43_848)
LFE5U_85F = Device("LFE5U-85F", ebr=208, dsp=156, lut=83_640)
LFE5UM5G_85F = Device("LFE5UM5G-85F", ebr=208, dsp=156, lut=83_640)
XC7A100T = Device("XC7A100T", ebr=270, dsp=240, lut=63_400, family="series7")  #: RAMB18E1, DSP48E1, LUT6


DEVICES = {device.name: device for device in (LFE5U_12F, LFE5U_25F, LFE5U_45F, LFE5U_85F, LFE5UM5G_85F, XC7A100T)}


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board, the engine that is built for it, and how it is reached.

    Adding a board is one small file with one of these, named in `boards/__init__.py`.
    """

    name: str                       #: as on the command line
    description: str
    device: Device
    platform: Callable[[], Any]     #: makes the amaranth-boards platform
    engine: EngineConfig
    clock_hz: float                 #: of the engine, made by a PLL or MMCM
    baud: int                       #: of the serial line
    programmer: str                 #: openFPGALoader's name of the board
    serial: str = "the board's USB socket"      #: how a host reaches the serial line, with the pins if there is no chip
    seed: int = 1                   #: of the placer, where nobody says otherwise: one that meets timing
    ripup: bool = True              #: router2 makes way for slow wires; where logic is dense it finds no end then
    result_bytes: int = PAYLOAD_BYTES   #: of a result that the link keeps for one answer: 64 spare two block RAMs
    camera: CameraHeader | None = None  #: pins for a camera
    two_tap_clock_hz: float | None = None       #: like `clock_hz`, with two taps a cycle, where that has been routed

    def with_engine(self, engine: EngineConfig, clock_hz: float | None = None) -> Board:
        """This board with another engine, at `clock_hz`, or at its usual clock for that many taps a cycle."""
        two = engine.taps_per_cycle == 2 != self.engine.taps_per_cycle
        usual = (self.two_tap_clock_hz if two else None) or self.clock_hz
        return replace(self, engine=engine, clock_hz=clock_hz or usual)
