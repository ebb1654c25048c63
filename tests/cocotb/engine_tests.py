"""Tests that run inside the simulator, on the bare engine: registers, streams, reset.

Python does here what testbench.v does in the long runs, so that a mistake of one bench is not hidden by the other.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, with_timeout

from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FORMAT_VERSION, MAGIC
from firelane.hw.contract.registers import Register
from tests.cocotb.agents import CsrPort, ImageSource, ResultSink, load

JOB_VARIABLE = "FIRELANE_PORTS_JOB"
PERIOD_NS = 2
FRAME_TIMEOUT_MS = 2


class Bench:
    """Clock, reset and agents."""

    def __init__(self, dut):
        self.dut = dut
        job = json.loads(Path(os.environ[JOB_VARIABLE]).read_text())
        self.script, self.digest = job["script"], job["digest"]
        self.images = [bytes.fromhex(text) for text in job["images"]]
        self.expected = [bytes.fromhex(text) for text in job["expected"]]
        self.csr = CsrPort(dut)
        self.source, self.sink = ImageSource(dut, random.Random(1)), ResultSink(dut, random.Random(2))

    async def start(self) -> None:
        for port in (self.dut.s_axis_tvalid, self.dut.s_axis_tlast, self.dut.s_axis_tdata, self.dut.m_axis_tready,
                     self.dut.csr_write, self.dut.csr_address, self.dut.csr_write_data):
            port.value = 0
        self.dut.rst.value = 1
        Clock(self.dut.clk, PERIOD_NS, unit="ns").start()
        await ClockCycles(self.dut.clk, 4)
        await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0

    async def frame(self, index: int, *, pauses: float = 0.0) -> None:
        """Send an image, take its result, compare."""
        sending = cocotb.start_soon(self.source.send(self.images[index], pauses=pauses))
        result = await with_timeout(self.sink.take(pauses=pauses), FRAME_TIMEOUT_MS, "ms")
        await sending
        assert result == self.expected[index]


async def started(dut) -> Bench:
    bench = Bench(dut)
    await bench.start()
    return bench


@cocotb.test()
async def registers_say_what_the_engine_is(dut):
    bench = await started(dut)
    assert await bench.csr.read(Register.IDENTITY) == MAGIC << 8 | FORMAT_VERSION
    assert await bench.csr.read(Register.CONFIG_DIGEST) == bench.digest
    await bench.csr.write(200, 0xFFFFFFFF)
    assert await bench.csr.read(200) == 0
    assert await bench.csr.status("idle") == 1
    assert not dut.s_axis_tready.value and not dut.m_axis_tvalid.value


@cocotb.test()
@cocotb.parametrize(pauses=[0.0, 0.4])
async def frames_are_right(dut, pauses):
    bench = await started(dut)
    await load(bench.csr, bench.script)
    for index in range(len(bench.images)):
        await bench.frame(index, pauses=pauses)
    assert await bench.csr.error() == ErrorCode.NONE
    await ClockCycles(dut.clk, 20)
    assert await bench.csr.read(Register.FRAMES) == len(bench.images)


@cocotb.test()
async def reset_in_the_middle_of_a_frame_keeps_the_memories(dut):
    bench = await started(dut)
    await load(bench.csr, bench.script)
    await bench.source.send(bench.images[0][:len(bench.images[0]) // 2], last=False)
    await bench.csr.control(run=1, reset=1)
    await bench.frame(1)
    assert await bench.csr.error() == ErrorCode.NONE


@cocotb.test()
async def reset_cures_an_error(dut):
    bench = await started(dut)
    await load(bench.csr, bench.script)
    await bench.source.send(bench.images[0][:10])
    await ClockCycles(dut.clk, 50)
    assert await bench.csr.status("error") == 1
    assert await bench.csr.error() == ErrorCode.IMAGE_SHORT
    await bench.csr.control(run=1, reset=1)
    await bench.frame(0)


@cocotb.test()
async def without_run_the_frame_in_hand_is_the_last(dut):
    bench = await started(dut)
    await load(bench.csr, bench.script)
    await bench.source.send(bench.images[0][:5], last=False)
    await bench.csr.control(run=0)
    rest = cocotb.start_soon(bench.source.send(bench.images[0][5:]))
    assert await with_timeout(bench.sink.take(), FRAME_TIMEOUT_MS, "ms") == bench.expected[0]
    await rest
    await ClockCycles(dut.clk, 100)
    assert await bench.csr.status("idle") == 1
    assert not dut.s_axis_tready.value


@cocotb.test()
async def memories_are_safe_while_the_engine_runs(dut):
    bench = await started(dut)
    await load(bench.csr, bench.script)
    await load(bench.csr, bench.script[:3])
    assert await bench.csr.status("refused") == 1
    await bench.frame(0)
