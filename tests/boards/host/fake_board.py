"""A board in Python, written from `docs/host_link.md`: in memory, or at a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import tty
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from firelane.boards.host import simulated_clock
from firelane.boards.host.connection import ANSWER_SECONDS
from firelane.boards.host.framing import Frame, unescape
from firelane.boards.host.port import READ_SECONDS
from firelane.boards.top.identity import Identity
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Header
from firelane.hw.contract.link_protocol import REGISTERS_SHOWN, Command, Status
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.contract.registers import Register

ENGINE = EngineConfig(banks=1)
IDENTITY = Identity(board="fake", clock_hz=1_000_000, engine=ENGINE, payload_bytes=64)
FLAG = b"\x7e"
LONG_CYCLES = round(2 * ANSWER_SECONDS * simulated_clock.CYCLES_PER_SECOND)
SIZES = {Command.IDENTIFY: 0, Command.REGISTERS: 0, Command.RESET: 0, Command.LOAD_BEGIN: 4, Command.LOAD_COMMIT: 4,
         Command.RUN: 8, Command.RESULT: 4}


def digest_of(program: list[int], weights: list[int]) -> int:
    """What the fourth word of a program must be, by the fake."""
    return zlib.crc32(repr((program[len(Header):], weights)).encode())


def model_contents(weights: list[int]) -> MemoryContents:
    """A model as `Device.load` takes it."""
    program = [0] * len(Header) + [7, 8, 9]
    program[Header.CONFIG_DIGEST] = ENGINE.digest
    program[Header.PROGRAM_CRC] = digest_of(program, weights)
    return MemoryContents(program, weights, (1, 2), (3,))


@dataclass
class FakeBoard:
    """Answers lines of bytes.

    Parameters
    ----------
    compute : its engine
    busy : image bytes that an IMAGE command takes at most; the next one then takes none
    pending : how often a result is not there yet
    """

    compute: Callable[[bytes], bytes] = lambda image: zlib.crc32(image).to_bytes(4, "little") * 3
    identity: Identity = IDENTITY
    chunk: int = 5
    busy: int = 1 << 20
    pending: int = 1
    digest: int = 0
    memories: dict[int, dict[int, int]] = field(default_factory=lambda: {n: {} for n in range(4)})
    loading: bool = False
    seen: list[Command] = field(default_factory=list)

    def __post_init__(self):
        self._line, self._wait, self._stuck = b"", 0, False
        self._image: bytearray | None = None
        self._size = self._result_offset = 0
        self.registers = dict.fromkeys(range(REGISTERS_SHOWN), 0)

    def answers(self, octets: bytes) -> bytes:
        """What it says after these bytes."""
        *bodies, self._line = (self._line + octets).split(FLAG)
        return b"".join(self._answer(unescape(body)) for body in bodies if body)

    def restart(self) -> None:
        """Power cycle: the model of the bitstream, and nothing under way."""
        self._image, self.loading = None, False

    def _answer(self, body: bytes) -> bytes:
        content, crc = body[:-4], body[-4:]
        if len(body) > 8 + self.identity.payload_bytes:
            return Frame(0, 0x80, self._error(Status.OVERSIZED)).to_bytes()
        if zlib.crc32(content) != int.from_bytes(crc, "little"):
            return Frame(0, 0x80, self._error(Status.BAD_CRC)).to_bytes()
        if len(content) < 4 or int.from_bytes(content[2:4], "little") != len(content) - 4:
            return Frame(0, 0x80, self._error(Status.BAD_LENGTH)).to_bytes()
        sequence, number, payload = content[0], content[1], content[4:]
        found = self._do(number, payload)
        return Frame(sequence, number | 0x80, self._error(found) if isinstance(found, Status) else found).to_bytes()

    def _error(self, status: Status) -> bytes:
        return bytes([status]) + self.registers[Register.ERROR].to_bytes(4, "little")

    def _do(self, number: int, payload: bytes) -> bytes | Status:
        """The answer's payload, or the status of a refusal."""
        if number not in list(Command):
            return Status.UNKNOWN_COMMAND
        command = Command(number)
        self.seen.append(command)
        if len(payload) != SIZES.get(command, len(payload)) or (command in (Command.IMAGE, Command.LOAD_WORDS)
                                                                 and len(payload) < 5):
            return Status.BAD_LENGTH
        found = getattr(self, f"do_{command.name.lower()}")(payload)
        return bytes([Status.OK]) + found if isinstance(found, bytes) else found

    def do_registers(self, payload):
        model = 0 if self.loading else self.digest
        self.registers |= {Register.PROGRAM_DIGEST: model, Register.CONFIG_DIGEST: self.identity.engine.digest}
        link = self.loading | (self._image is not None) << 1
        return bytes([link]) + b"".join(self.registers[n].to_bytes(4, "little") for n in range(REGISTERS_SHOWN))

    def do_identify(self, payload):
        return self.do_registers(payload) + self.identity.to_bytes()

    def do_reset(self, payload):
        self._image = None
        return b""

    def do_load_begin(self, payload):
        if int.from_bytes(payload, "little") != self.identity.engine.digest:
            return Status.WRONG_ENGINE
        self.loading, self._image = True, None
        return b""

    def do_load_words(self, payload):
        if not self.loading:
            return Status.WRONG_ORDER
        address = int.from_bytes(payload[:4], "little")
        for n, first in enumerate(range(4, len(payload), 5)):
            self.memories[address >> 28][(address & 0x3FFFF) + n] = int.from_bytes(payload[first:first + 5], "little")
        return b""

    def do_load_commit(self, payload):
        program, weights = ([self.memories[n][i] for i in sorted(self.memories[n])] for n in (0, 1))
        self.loading, self._image, self.digest = False, None, 0
        if digest_of(program, weights) != program[Header.PROGRAM_CRC]:
            self.registers[Register.ERROR] = 4
            return Status.ENGINE_ERROR
        self.digest = program[Header.PROGRAM_CRC]
        return b"" if self.digest == int.from_bytes(payload, "little") else Status.WRONG_MODEL

    def do_run(self, payload):
        if self.loading:
            return Status.NO_MODEL
        if int.from_bytes(payload[4:], "little") != self.digest:
            return Status.WRONG_MODEL
        self._image, self._size = bytearray(), int.from_bytes(payload[:4], "little")
        self._result_offset, self._wait = 0, self.pending
        return b""

    def do_image(self, payload):
        offset, chunk = int.from_bytes(payload[:4], "little"), payload[4:]
        if self._image is None or offset > len(self._image):
            return Status.WRONG_ORDER
        if offset + len(chunk) > self._size:
            return Status.BAD_LENGTH
        self._stuck = not self._stuck and self.busy < self._size
        self._image += chunk[len(self._image) - offset:][:0 if self._stuck else self.busy]
        return len(self._image).to_bytes(4, "little")

    def do_result(self, payload):
        if self._image is None or len(self._image) != self._size:
            return Status.WRONG_ORDER
        if self._wait:
            self._wait -= 1
            return Status.PENDING
        offset, result = int.from_bytes(payload, "little"), self.compute(bytes(self._image))
        if offset == self._result_offset + self.chunk and offset < len(result):
            self._result_offset = offset
            return Status.PENDING
        if offset != self._result_offset:
            return Status.WRONG_ORDER
        self.registers |= {Register.FRAME_CYCLES: 1500, Register.STALL_INPUT: 300, Register.STALL_OUTPUT: 200}
        return bytes([offset + self.chunk >= len(result)]) + result[offset:offset + self.chunk]


class Line:
    """A `Port` whose other end is a `FakeBoard`. `spoil` changes what goes over: (bytes, to the board or not) -> bytes.

    Its time passes when the host waits, so that nobody does; an answer comes `delay` after the question.
    """

    name = "line"
    simulated = True

    def __init__(self, board: FakeBoard, spoil: Callable[[bytes, bool], bytes] = lambda octets, to_board: octets,
                 delay: float = 0.0):
        self.board, self._spoil, self._delay = board, spoil, delay
        self._coming: list[tuple[float, bytes]] = []        # and when
        self._now = 0.0

    def clock(self) -> float:
        return self._now

    def write(self, octets: bytes) -> None:
        answer = self._spoil(self.board.answers(self._spoil(octets, True)), False)
        self._coming.append((self._now + self._delay, answer))

    def read(self) -> bytes:
        found = b"".join(octets for due, octets in self._coming if due <= self._now)
        self._coming = [(due, octets) for due, octets in self._coming if due > self._now]
        self.pass_time(READ_SECONDS)
        return found

    def pass_time(self, seconds: float) -> None:
        self._now += seconds

    def close(self) -> None:
        pass


@contextlib.contextmanager
def on_terminal(answers: Callable[[bytes], bytes]) -> Iterator[str]:
    """A pseudo-terminal at whose other end `answers` answers; its path.

    Its clock is a simulated board's. It stands still while an answer is made; where a frame gets none, more time passes
    than any host waits.
    """
    master, slave = os.openpty()
    tty.setraw(slave)
    simulated_clock.publish(slave, 0)
    ended_read, ended_write = os.pipe()

    def serve() -> None:
        while True:
            ready, _, _ = select.select([master, ended_read], [], [])
            if ended_read in ready:
                return
            octets = os.read(master, 4096)
            said = answers(octets)
            if said:
                os.write(master, said)
            elif octets.endswith(FLAG):         # else there is more to come
                simulated_clock.publish(slave, simulated_clock.cycles(slave) + LONG_CYCLES)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.write(ended_write, b".")
        thread.join()
        for end in (master, slave, ended_read, ended_write):
            os.close(end)
