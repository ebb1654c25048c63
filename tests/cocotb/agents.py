"""Drivers for the ports of an engine. They drive on the falling edge and sample when everything has settled, so that
a bench means the same in every simulator."""

from __future__ import annotations

import random
from collections.abc import Iterable

from cocotb.triggers import FallingEdge, ReadOnly

from firelane.hw.contract.registers import CONTROL, ERROR, STATUS, Register


class CsrPort:
    """Reads and writes registers."""

    def __init__(self, dut):
        self._clk, self._address, self._write = dut.clk, dut.csr_address, dut.csr_write
        self._write_data, self._read_data = dut.csr_write_data, dut.csr_read_data

    async def write(self, register: int, value: int) -> None:
        await FallingEdge(self._clk)
        self._address.value, self._write_data.value, self._write.value = int(register), value, 1
        await FallingEdge(self._clk)
        self._write.value = 0

    async def read(self, register: int) -> int:
        await FallingEdge(self._clk)
        self._address.value = int(register)
        await FallingEdge(self._clk)
        await ReadOnly()
        return int(self._read_data.value)

    async def status(self, field: str) -> int:
        return STATUS.from_bits(await self.read(Register.STATUS))[field]

    async def error(self) -> int:
        return ERROR.from_bits(await self.read(Register.ERROR)).code.value

    async def control(self, **fields: int) -> None:
        await self.write(Register.CONTROL, CONTROL.const(fields).as_value().value)


class ImageSource:
    """Sends frames over s_axis."""

    def __init__(self, dut, rng: random.Random):
        self._clk, self._rng = dut.clk, rng
        self._data, self._valid, self._ready, self._last = (
            dut.s_axis_tdata, dut.s_axis_tvalid, dut.s_axis_tready, dut.s_axis_tlast)

    async def send(self, octets: bytes, *, pauses: float = 0.0, last: bool = True) -> None:
        """One frame; without `last`, the beginning of one."""
        for index, octet in enumerate(octets):
            await FallingEdge(self._clk)
            while self._rng.random() < pauses:
                self._valid.value = 0
                await FallingEdge(self._clk)
            self._data.value, self._valid.value = octet, 1
            self._last.value = int(last and index == len(octets) - 1)
            await self._taken()
        await FallingEdge(self._clk)
        self._valid.value = 0

    async def _taken(self) -> None:
        """Wait until the rising edge to come transfers."""
        await ReadOnly()
        while not self._ready.value:
            await FallingEdge(self._clk)
            await ReadOnly()


class ResultSink:
    """Takes frames from m_axis, and checks that an offer stays as it is until it is taken."""

    def __init__(self, dut, rng: random.Random):
        self._clk, self._rng = dut.clk, rng
        self._data, self._valid, self._ready, self._last = (
            dut.m_axis_tdata, dut.m_axis_tvalid, dut.m_axis_tready, dut.m_axis_tlast)

    async def take(self, *, pauses: float = 0.0) -> bytes:
        """One frame."""
        octets, offered, last = bytearray(), None, False
        while not last:
            await FallingEdge(self._clk)
            ready = self._rng.random() >= pauses
            self._ready.value = int(ready)
            await ReadOnly()
            now = (int(self._data.value), int(self._last.value)) if self._valid.value else None
            assert offered is None or now == offered, "m_axis changed while it was waiting for tready"
            offered = now
            if ready and now:
                octets.append(now[0])
                offered, last = None, bool(now[1])
        await FallingEdge(self._clk)
        self._ready.value = 0
        return bytes(octets)


async def load(csr: CsrPort, script: Iterable[tuple[int, int]]) -> None:
    for register, value in script:
        await csr.write(register, value)
