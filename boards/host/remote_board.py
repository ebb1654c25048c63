"""A board: what it is, an image's result, another model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from firelane.boards.host.connection import Connection, StatusError, TooLong
from firelane.boards.host.frame_size import FrameSize
from firelane.boards.host.load import load_payload
from firelane.boards.host.port import LinkError, Port
from firelane.boards.host.words import words
from firelane.boards.top.identity import Identity, read_identity
from firelane.hw.contract.link_protocol import (
    ARGUMENT_BYTES,
    REGISTERS_SHOWN,
    RESULT_LAST,
    STATE,
    VERSION,
    Command,
    Status,
)
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.contract.registers import Register

BEGIN_AGAIN = 3             #: how often a run or a load is begun, if the board forgets it in the middle
_FORGOTTEN = (Status.WRONG_ORDER, Status.TIMEOUT)

Progress = Callable[[int, int], None]       # bytes or words done, of so many


@dataclass(frozen=True)
class State:
    """What a board is doing: the link's `STATE`, and the registers 0 to 12 of the engine."""

    link: int
    registers: tuple[int, ...]

    @property
    def loading(self) -> bool:
        """A load was begun and not finished."""
        return bool(STATE.from_bits(self.link).loading)

    @property
    def digest(self) -> int:
        """The digest of the model; 0 if there is none."""
        return 0 if self.loading else self.registers[Register.PROGRAM_DIGEST]

    @property
    def engine_cycles(self) -> int:
        """Cycles of the last frame, without those in which the engine waited for the line."""
        waited = self.registers[Register.STALL_INPUT] + self.registers[Register.STALL_OUTPUT]
        return self.registers[Register.FRAME_CYCLES] - waited


@dataclass(frozen=True)
class RemoteFrame:
    """What came of an image.

    Parameters
    ----------
    result : bytes
    cycles : int
        That the engine computed.
    image_seconds, result_seconds : float
        Until the board had taken the image, and from then on until the result was here; the engine computes in both.
    """

    result: bytes
    cycles: int
    image_seconds: float
    result_seconds: float


class RemoteBoard:
    """A board at the end of a line, which has said what it is.

    Raises
    ------
    LinkError
        If nothing answers, or something that is no Firelane board of this protocol.
    """

    def __init__(self, port: Port):
        self.connection = Connection(port)
        self.identity, first = self._identify()
        self.connection.size = FrameSize(self.identity.payload_bytes)
        self.engine_digest = first.registers[Register.CONFIG_DIGEST]

    def state(self) -> State:
        """What the board is doing now."""
        return _state(self.connection.ask(Command.REGISTERS), self.connection.port.name)

    def reset(self) -> None:
        """Stop the engine."""
        self.connection.ask(Command.RESET)

    def run(self, image: bytes, digest: int, progress: Progress = lambda done, total: None) -> RemoteFrame:
        """The result of an image (rows, columns, channels) by the model whose program digest is `digest`.

        `progress` is told bytes of the image that were taken, and again and again while the result is not there.

        Raises
        ------
        StatusError
            If the board holds another model or none, or the engine stops.
        LinkError
            If the line fails.
        """
        return _begun_again(lambda: self._run(image, digest, progress))

    def load(self, contents: MemoryContents, progress: Progress = lambda done, total: None) -> None:
        """Put a model into the board: all of it is there then, or none.

        Raises
        ------
        StatusError
            If it was compiled for another engine, or did not arrive whole. The board then has no model.
        """
        _begun_again(lambda: self._load(contents, progress))

    def _identify(self) -> tuple[Identity, State]:
        where = self.connection.port.name
        try:
            body = self.connection.identify()
        except LinkError as error:
            raise type(error)(where, f"no Firelane board there ({error.found})",
                              hint="check the port, and that the board has a Firelane bitstream") from None
        start = 1 + REGISTERS_SHOWN * ARGUMENT_BYTES
        try:
            identity = read_identity(body[start:])
        except ValueError as error:
            raise LinkError(where, f"what answers is no Firelane board of this protocol ({error})",
                            hint="build its bitstream and this program from the same version") from None
        if identity.version != VERSION:
            raise LinkError(where, f"the board speaks version {identity.version} of the protocol",
                            hint=f"this program speaks {VERSION}: use the one that came with the bitstream")
        return identity, _state(body[:start], where)

    def _run(self, image: bytes, digest: int, progress: Progress) -> RemoteFrame:
        started = time.perf_counter()
        self.connection.ask(Command.RUN, words(len(image), digest))
        self._send_image(image, progress)
        sent = time.perf_counter()
        result = self._fetch_result(lambda: progress(len(image), len(image)))
        finished = time.perf_counter()
        return RemoteFrame(result, self.state().engine_cycles, sent - started, finished - sent)

    def _send_image(self, image: bytes, progress: Progress) -> None:
        offset = sent = 0
        while offset < len(image):
            chunk = image[offset:offset + self.connection.size.now - ARGUMENT_BYTES]
            sent = max(sent, offset + len(chunk))       # a longer chunk may have arrived, and its answer not
            try:
                body = self.connection.ask(Command.IMAGE, words(offset) + chunk, divisible=True)
            except TooLong:
                continue
            reached = int.from_bytes(body, "little")
            if len(body) != ARGUMENT_BYTES or not offset <= reached <= sent:
                raise LinkError(self.connection.port.name, f"took {reached} bytes of an image, of which it got {sent}",
                                hint="is another host using the board?")
            offset = reached
            progress(offset, len(image))

    def _fetch_result(self, waiting: Callable[[], None]) -> bytes:
        found = b""
        while True:
            try:
                body = self.connection.ask(Command.RESULT, words(len(found)))
            except StatusError as error:
                if error.status is not Status.PENDING:
                    raise
                waiting()
                continue
            if len(body) < 2:
                raise LinkError(self.connection.port.name, "answered with an empty piece of a result")
            found += body[1:]
            if body[0] & RESULT_LAST:
                return found

    def _load(self, contents: MemoryContents, progress: Progress) -> None:
        done, total = 0, contents.word_count
        self.connection.ask(Command.LOAD_BEGIN, words(contents.config_digest))
        for name, memory in contents.by_name.items():
            first = 0
            while first < len(memory):
                payload, count = load_payload(name, memory, first, self.connection.size.now)
                try:
                    self.connection.ask(Command.LOAD_WORDS, payload, divisible=True)
                except TooLong:
                    continue
                first, done = first + count, done + count
                progress(done, total)
        self.connection.ask(Command.LOAD_COMMIT, words(contents.program_digest))


def _begun_again(work: Callable):
    """`work`, from its beginning if the board has forgotten that it had begun."""
    for _ in range(BEGIN_AGAIN - 1):
        try:
            return work()
        except StatusError as error:
            if error.status not in _FORGOTTEN:
                raise
    return work()


def _state(body: bytes, where: str) -> State:
    size = ARGUMENT_BYTES
    if len(body) != 1 + REGISTERS_SHOWN * size:
        raise LinkError(where, f"{len(body)} bytes of registers",
                        hint="build its bitstream and this program from the same version")
    return State(body[0], tuple(int.from_bytes(body[n:n + size], "little") for n in range(1, len(body), size)))
