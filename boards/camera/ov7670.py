"""OmniVision OV7670, 320 x 240 pixels, RGB565.

Names and bits of registers: OV7670/OV7171 data sheet, version 1.4, table 5; the scaling to 320 x 240 and what dummy
lines do to the rate: OV7670/OV7171 implementation guide, version 1.0. A line of the sensor, 640 x 480, takes 784 pixels
of two periods, a frame 510 lines, with 10 lines from the last one to VSYNC; every second line is sent.

Compared with two public drivers: Linux, drivers/media/i2c/ov7670.c (RGB565, colour matrix, COM9, COM10, COM13, DBLV,
B0, SCALING_XSC and _YSC, SCALING_PCLK_DELAY, how a window is spread over registers), and Adafruit_OV7670,
src/arch/ov7670.c (COM3, COM14, SCALING_DCWCTR, SCALING_PCLK_DIV, 784 pixels a line, the place of DM_LNL). Neither says
what a dummy line adds to a frame; and Linux names RGB565 with the lower byte first, the data sheet with the upper one.
"""

from __future__ import annotations

from firelane.boards.camera.sensor import Sensor, Setting
from firelane.hw.contract.camera import PixelFormat

SENSOR_LINE = 784 * 2
SENSOR_LINES = 510
LINES_TO_VSYNC = 10
DIVIDERS = 32               #: five bits of CLKRC
# Bit 7 of CLKRC is 1 after a reset, and reserved in the data sheet. Without it the clock is divided by twice as much:
# Linux's driver tells of an oscilloscope, and LiveOV7670 calls it the double clock option.
RESERVED_OF_CLKRC = 0x80


def _settings(divider: int, dummy_lines: int) -> tuple[Setting, ...]:
    return (
        Setting(0x12, 0x80, "COM7", "reset all registers"),
        Setting(0x6B, 0x0A, "DBLV", "no PLL"),
        Setting(0x12, 0x04, "COM7", "RGB"),
        Setting(0x40, 0xD0, "COM15", "RGB565, values 00 to FF"),
        Setting(0x8C, 0x00, "RGB444", "not RGB444"),
        Setting(0x0C, 0x04, "COM3", "scaled down (DCW)"),
        Setting(0x3E, 0x19, "COM14", "PCLK follows the scaling: divided by 2"),
        Setting(0x70, 0x3A, "SCALING_XSC", "no test pattern"),
        Setting(0x71, 0x35, "SCALING_YSC", "no test pattern"),
        Setting(0x72, 0x11, "SCALING_DCWCTR", "every second column and row, averaged"),
        Setting(0x73, 0xF1, "SCALING_PCLK_DIV", "clock of the scaler divided by 2"),
        Setting(0xA2, 0x02, "SCALING_PCLK_DELAY", "its usual delay"),
        Setting(0x17, 0x16, "HSTART", "first column 180, upper bits"),
        Setting(0x18, 0x04, "HSTOP", "end at column 36 of the next line, upper bits"),
        Setting(0x32, 0x24, "HREF", "lower bits of both"),
        Setting(0x19, 0x02, "VSTRT", "first line 10, upper bits"),
        Setting(0x1A, 0x7A, "VSTOP", "end at line 490, upper bits"),
        Setting(0x03, 0x0A, "VREF", "lower bits of both"),
        Setting(0x15, 0x00, "COM10", "VSYNC and HREF high when active, PCLK never stops"),
        Setting(0x14, 0x38, "COM9", "gain up to 16"),
        Setting(0x4F, 0xB3, "MTX1", "colour matrix"),
        Setting(0x50, 0xB3, "MTX2", "colour matrix"),
        Setting(0x51, 0x00, "MTX3", "colour matrix"),
        Setting(0x52, 0x3D, "MTX4", "colour matrix"),
        Setting(0x53, 0xA7, "MTX5", "colour matrix"),
        Setting(0x54, 0xE4, "MTX6", "colour matrix"),
        Setting(0x58, 0x9E, "MTXS", "its signs"),
        Setting(0x3D, 0xC0, "COM13", "gamma, saturation by itself"),
        Setting(0xB0, 0x84, "RSVD", "reserved, but colours are wrong without it"),
        # Behind the format, as in Linux's driver, which saw poor pictures in RGB565 otherwise.
        Setting(0x11, RESERVED_OF_CLKRC | divider - 1, "CLKRC", f"internal clock: that at XCLK, divided by {divider}"),
        Setting(0x92, dummy_lines & 0xFF, "DM_LNL", f"{dummy_lines} dummy lines"),
        Setting(0x93, dummy_lines >> 8, "DM_LNH", "their upper bits"),
    )


OV7670 = Sensor(
    name="ov7670", description="OmniVision OV7670 module without a frame memory, 3.3 V",
    address=0x42, register_bytes=1, format=PixelFormat.RGB565, clock_hz=(10e6, 48e6), dividers=DIVIDERS,
    byte_periods=2, line_periods=2 * SENSOR_LINE, frame_periods=SENSOR_LINES * SENSOR_LINE,
    tail_periods=LINES_TO_VSYNC * SENSOR_LINE, dummy_periods=SENSOR_LINE, dummy_lines=0xFFFF, settings=_settings)
