# amaranth: UnusedElaboratable=no
"""Settings on the two wires, decoded as a camera would; the ninth bit; the test pattern's bytes."""

import numpy as np
import pytest

from firelane.hw.camera.pattern_camera import PatternCamera, PatternTiming
from firelane.hw.camera.picture_source import PictureSource
from firelane.hw.camera.sccb_master import SccbMaster
from firelane.hw.contract.camera import CameraInput
from tests.hw.support import lint, simulate

SETTINGS = {1: [(0x12, 0x80), (0x12, 0x14), (0xFF, 0x00)], 2: [(0x3008, 0x82), (0x4300, 0x61)]}


@pytest.mark.parametrize("register_bytes, answers", [(1, True), (2, True), (1, False)])
def test_what_a_camera_hears(register_bytes, answers):
    settings = SETTINGS[register_bytes]
    dut = SccbMaster(0x42, settings, register_bytes=register_bytes, quarter_cycles=5, pause_cycles=40)
    writes, bits, log = [], [], []

    async def camera(ctx):
        clock_before, line_before, answering = 1, 1, 0
        async for *_, clock, pull in ctx.tick().sample(dut.clock, dut.pull):
            line = int(not (pull or answering))
            ctx.set(dut.line, line)
            if clock and clock_before and line != line_before:
                log.append("start" if not line else "stop")
                if not line:
                    bits.clear()
                else:
                    bits.pop()          # the clock's last rise is that of the stop
                    assert len(bits) == 9 * (2 + register_bytes)
                    writes.append([int("".join(map(str, bits[n:n + 8])), 2) for n in range(0, len(bits), 9)])
            if clock and not clock_before:
                bits.append(line)
            if not clock and clock_before:
                answering = int(answers and len(bits) % 9 == 8)
            clock_before, line_before = clock, line

    async def bench(ctx):
        await ctx.tick().until(dut.done)
        assert ctx.get(dut.answered) == int(answers)

    simulate(dut, bench, background=[camera], cycles=20_000)
    assert log == ["start", "stop"] * len(settings)
    assert writes == [[0x42, *register.to_bytes(register_bytes, "big"), value] for register, value in settings]


def test_the_test_pattern_is_a_camera():
    wanted = CameraInput(columns=16, lines=12, width=16, height=12)
    dut = PatternCamera(wanted, PatternTiming(byte_cycles=4, line_slots=40, frame_lines=18))
    lines, frames = [[]], []

    async def watch(ctx):
        before = (0, 0, 0)
        while len(frames) < 3:
            *_, pclk, href, vsync, octet = await ctx.tick().sample(dut.pins.pclk, dut.pins.href, dut.pins.vsync,
                                                                   dut.pins.data)
            if href and pclk and not before[0]:
                lines[-1].append(octet)
            if before[1] and not href:
                lines.append([])
            if vsync and not before[2]:
                frames.append([line for line in lines if line])
                lines[:] = [[]]
            before = (pclk, href, vsync)

    simulate(dut, watch, cycles=10_000)
    n, y = np.arange(wanted.line_bytes), np.arange(wanted.lines)[:, np.newaxis]
    assert frames[1:] == [((n + 2 * y) & 255).tolist()] * 2


def test_lint():
    lint(SccbMaster(0x42, SETTINGS[1], quarter_cycles=5, pause_cycles=4))
    lint(PictureSource(CameraInput(width=224, height=224), queue_bytes=2048))
