# amaranth: UnusedElaboratable=no
"""The engine behind its serial line: frames in and out of the pins."""

import pytest

from firelane.boards.host.framing import Deframer, Frame
from firelane.boards.top.identity import Identity
from firelane.boards.top.link_timing import LinkTiming, link_timing
from firelane.boards.top.linked_engine import LinkedEngine
from firelane.hw.contract.link_protocol import ANSWER, Command, Status
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.engine import Engine
from tests.hw.link.linked import CFG, DIGEST, PROGRAM, WEIGHTS, image_and_result, words
from tests.hw.support import simulate

TIMING = LinkTiming(bit_cycles=5, slice_cycles=300, patience_cycles=9_000)


class Host:
    """Bits on the pins."""

    def __init__(self, ctx, dut):
        self._ctx, self._dut = ctx, dut

    async def ask(self, command: int, payload: bytes = b"") -> tuple[Status, bytes]:
        for octet in Frame(7, command, payload).to_bytes():
            for bit in (0, *((octet >> n) & 1 for n in range(8)), 1):
                self._ctx.set(self._dut.rx, bit)
                await self._ctx.tick().repeat(TIMING.bit_cycles)
        deframer = Deframer()
        while True:
            for frame in deframer.feed([await self._byte()]):
                assert (frame.sequence, frame.command) == (7, command | ANSWER)
                return Status(frame.payload[0]), frame.payload[1:]

    async def _byte(self) -> int:
        await self._ctx.tick().until(self._dut.tx == 0)
        await self._ctx.tick().repeat(TIMING.bit_cycles + TIMING.bit_cycles // 2 - 1)
        octet = 0
        for n in range(8):
            octet |= self._ctx.get(self._dut.tx) << n
            await self._ctx.tick().repeat(TIMING.bit_cycles)
        assert self._ctx.get(self._dut.tx) == 1, "no stop bit"
        return octet


def test_an_image_over_the_serial_line():
    identity = Identity(board="test", clock_hz=1, engine=CFG)
    dut = LinkedEngine(Engine(CFG, MemoryContents(PROGRAM, WEIGHTS)), identity, TIMING, result_bytes=2)
    image, result = image_and_result(3)

    async def host(ctx):
        line = Host(ctx, dut)
        assert (await line.ask(Command.IDENTIFY))[1].endswith(identity.to_bytes())
        assert await line.ask(Command.RUN, words(len(image), DIGEST)) == (Status.OK, b"")
        assert await line.ask(Command.IMAGE, words(0) + image) == (Status.OK, words(len(image)))
        found = b""
        while True:
            status, body = await line.ask(Command.RESULT, words(len(found)))
            if status == Status.OK:
                assert len(body) <= 1 + 2
                found += body[1:]
                if body[0]:
                    break
        assert found == result

    simulate(dut, host, cycles=60_000)


def test_timing():
    assert link_timing(75e6, 3_000_000) == LinkTiming(bit_cycles=25, slice_cycles=375_000, patience_cycles=150_000_000)
    with pytest.raises(ValueError, match="cannot make 3000000 baud"):
        link_timing(10e6, 3_000_000)
