"""The other side of a simulated board with a camera: a camera at its pins, a listener at its line.

A test of cocotb, started by `boards.simulated.camera_session`. Times are those of a camera, not of the engine's clock:
edges of the pixel clock come whenever they come.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import cocotb
import cocotb.utils
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Event, FallingEdge, First, RisingEdge, Timer

from firelane.boards.simulated.camera_session import JOB_VARIABLE

UART_BITS = 8
SCCB_PHASE = 9


def steps(nanoseconds: float) -> int:
    """The simulator's steps, of which each stands for a femtosecond: an even number, for the halves of a clock."""
    return 2 * round(500_000 * nanoseconds)


async def wait(nanoseconds: float) -> None:
    await Timer(steps(nanoseconds), unit="step")


class Camera:
    """Sends the shots of a job."""

    def __init__(self, dut, job: dict):
        self._dut, self._times, self._rng = dut, job["times"], random.Random(job["seed"])
        self._shots = job["shots"]
        self._clock = Clock(dut.pclk, steps(self._times["pclk"]), unit="step")

    async def run(self) -> None:
        self._clock.start(start_high=False)
        for shot in self._shots:
            for level, name in ((0, "before"), (1, "vsync"), (0, "behind")):
                self._dut.vsync.value = level
                await wait(self._times[name])
            for number, text in enumerate(shot["lines"]):
                if number == shot["stop_after"]:
                    self._clock.stop()
                    return
                for pin, line, length in shot["glitches"]:
                    if line == number:
                        cocotb.start_soon(self._glitch(pin, length))
                await self._line(bytes.fromhex(text), shot["jitter"])
        await wait(self._times["before"])
        self._dut.vsync.value = 1

    async def _line(self, octets: bytes, jitter: float) -> None:
        dut, falls = self._dut, FallingEdge(self._dut.pclk)
        await falls
        dut.href.value = 1
        for octet in octets:
            dut.data.value = octet
            await falls
        dut.href.value = 0
        dut.data.value = self._rng.getrandbits(8)
        blank = self._times["line_blank"] * (1 + jitter * self._rng.random())
        await wait(blank - self._times["pclk"] / 2)         # the next line begins at the edge that is nearest

    async def _glitch(self, pin: str, length: int) -> None:
        """The other level for a while, in the middle of a line; a pixel clock's, in the middle of a low half."""
        await wait(20 * self._times["pclk"])
        await FallingEdge(self._dut.pclk)
        await wait(self._times["pclk"] / 8)
        signal = getattr(self._dut, pin)
        usual = int(signal.value)
        signal.value = 1 - usual
        await wait(length)
        signal.value = usual


class Listener:
    """Bytes of the serial line; `enough` is set when so many lines have come."""

    def __init__(self, dut, bit_ns: float, lines: int):
        self._dut, self._bit_ns, self._lines = dut, bit_ns, lines
        self.octets, self.enough = bytearray(), Event()

    async def run(self) -> None:
        while True:
            await FallingEdge(self._dut.tx)
            await wait(1.5 * self._bit_ns)
            octet = 0
            for n in range(UART_BITS):
                octet |= int(self._dut.tx.value) << n
                await wait(self._bit_ns)
            assert self._dut.tx.value == 1, "no stop bit"
            self.octets.append(octet)
            if octet == ord("\n") and self.octets.count(b"\n") == self._lines:
                self.enough.set()


async def hear_starts(dut, bits: list[int]) -> None:
    while True:
        await RisingEdge(dut.siod_pull)
        if dut.sioc.value == 1:
            bits.clear()


async def hear_stops(dut, bits: list[int], writes: list[list[int]]) -> None:
    while True:
        await FallingEdge(dut.siod_pull)
        if dut.sioc.value == 1:
            octets = [bits[n:n + UART_BITS] for n in range(0, len(bits) - 1, SCCB_PHASE)]
            writes.append([int("".join(map(str, octet)), 2) for octet in octets])


async def hear_bits(dut, bits: list[int]) -> None:
    """The levels at rises of the clock; the camera answers in each ninth bit."""
    while True:
        await RisingEdge(dut.sioc)
        bits.append(int(dut.siod.value == 1 and dut.siod_pull.value == 0))
        await FallingEdge(dut.sioc)
        dut.siod.value = int(len(bits) % SCCB_PHASE != SCCB_PHASE - 1)


@cocotb.test()
async def what_a_board_sees(dut):
    job = json.loads(Path(os.environ[JOB_VARIABLE]).read_text())
    for port, level in ((dut.pclk, 0), (dut.href, 0), (dut.vsync, 0), (dut.data, 0), (dut.siod, 1),
                        (dut.test, int(job["test"])), (dut.rst, 1)):
        port.value = level
    Clock(dut.clk, steps(job["clock_ns"]), unit="step").start()
    await ClockCycles(dut.clk, 4)
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    start = cocotb.utils.get_sim_time("step")
    listener = Listener(dut, job["bit_cycles"] * job["clock_ns"], job["lines"])
    bits: list[int] = []
    writes: list[list[int]] = []
    for task in (listener.run(), hear_starts(dut, bits), hear_stops(dut, bits, writes), hear_bits(dut, bits)):
        cocotb.start_soon(task)
    enough = listener.enough.wait()
    await Camera(dut, job).run()
    await First(enough, Timer(steps(job["tail_cycles"] * job["clock_ns"]), unit="step"))
    Path(job["outcome"]).write_text(json.dumps({
        "text": listener.octets.hex(), "leds": int(dut.leds.value), "settings": writes,
        "cycles": round((cocotb.utils.get_sim_time("step") - start) / steps(job["clock_ns"]))}))
