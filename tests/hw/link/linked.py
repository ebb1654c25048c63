"""A link in front of a small engine, and a host that talks to it in frames, for tests."""

from amaranth.hdl import Elaboratable, Module
from amaranth.lib.wiring import connect

from firelane.boards.host.framing import Deframer, Frame
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Header
from firelane.hw.contract.link_protocol import ANSWER, Command, Status
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.engine import Engine
from firelane.hw.link.frame_link import FrameLink
from tests.hw.support import receive, send
from tests.hw.test_engine import SIZES, expected_result, random_image, small_program

IDENTITY = b'{"firelane": 1}'
SLICE_CYCLES, PATIENCE_CYCLES = 300, 3000
CFG = EngineConfig(banks=1, **SIZES)
PROGRAM, WEIGHTS = small_program(CFG)
DIGEST = PROGRAM[Header.PROGRAM_CRC]


class LinkedSmallEngine(Elaboratable):
    """`rx` and `tx` are byte streams: a line without its UART."""

    def __init__(self, *, program=PROGRAM, weights=WEIGHTS):
        self.engine = Engine(CFG, MemoryContents(program, weights))
        self.link = FrameLink(CFG, identity=IDENTITY, slice_cycles=SLICE_CYCLES, patience_cycles=PATIENCE_CYCLES)
        self.rx, self.tx = self.link.rx, self.link.tx

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine = self.engine
        m.submodules.link = self.link
        connect(m, self.link.csr, self.engine.csr)
        connect(m, self.link.image, self.engine.image)
        connect(m, self.engine.result, self.link.result)
        return m


class Host:
    """Sends commands and receives answers, one at a time."""

    def __init__(self, ctx, dut):
        self._ctx, self._dut = ctx, dut
        self._deframer = Deframer()
        self._sequence = 0

    async def send_bytes(self, octets: bytes):
        for byte in octets:
            await send(self._ctx, self._dut.rx, byte)

    async def answer(self) -> Frame:
        """The next frame from the board."""
        while True:
            for frame in self._deframer.feed([await receive(self._ctx, self._dut.tx)]):
                return frame

    async def ask(self, command: int, payload: bytes = b"") -> tuple[Status, bytes]:
        """Status and body of the answer, which must be one to this command."""
        self._sequence = (self._sequence + 1) % 256
        await self.send_bytes(Frame(self._sequence, command, payload).to_bytes())
        answer = await self.answer()
        assert (answer.sequence, answer.command) == (self._sequence, command | ANSWER)
        return Status(answer.payload[0]), answer.payload[1:]

    async def wait(self, cycles: int):
        await self._ctx.tick().repeat(cycles)

    async def drain(self, cycles: int):
        """Take and forget what the board sends."""
        self._ctx.set(self._dut.tx.ready, 1)
        await self.wait(cycles)
        self._ctx.set(self._dut.tx.ready, 0)
        self._deframer = Deframer()

    async def run(self, image: bytes, digest: int = DIGEST) -> bytes:
        """An image's result, as a host gets it if nothing goes wrong."""
        assert await self.ask(Command.RUN, words(len(image), digest)) == (Status.OK, b"")
        status, body = await self.ask(Command.IMAGE, words(0) + image)
        assert (status, body) == (Status.OK, words(len(image)))
        return await self.result()

    async def result(self) -> bytes:
        while True:
            status, body = await self.ask(Command.RESULT, words(0))
            if status != Status.PENDING:
                assert (status, body[:1]) == (Status.OK, b"\x01")
                return body[1:]

    async def load(self, program, weights):
        """All of a load but its LOAD_COMMIT."""
        assert (await self.ask(Command.LOAD_BEGIN, words(CFG.digest)))[0] == Status.OK
        for target, memory in ((0, program), (1, weights)):
            if not memory:
                continue
            payload = words(target << 28) + b"".join(word.to_bytes(5, "little") for word in memory)
            assert (await self.ask(Command.LOAD_WORDS, payload))[0] == Status.OK


def words(*values: int) -> bytes:
    """Arguments of a command."""
    return b"".join(value.to_bytes(4, "little") for value in values)


def image_and_result(seed: int) -> tuple[bytes, bytes]:
    image = random_image(CFG, seed)
    return bytes(image), bytes(byte for byte, _ in expected_result(CFG, image))
