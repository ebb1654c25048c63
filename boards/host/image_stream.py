"""Images to a board without a round trip for each command: several are under way, and images while others are computed.

The board holds as many commands as it says, and tells with every answer to IMAGE how many bytes it takes at once: so no
byte is sent that has no place. Answers come in the order of their commands, each with its sequence number; where one is
missing, its command or it was lost, and what follows from that is sent again. What goes wrong twice in a row is asked
as everything else is, one command at a time: see `boards.host.connection`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from firelane.boards.host.connection import ANSWER_SECONDS, Connection, StatusError, TooLong, is_complaint
from firelane.boards.host.frame_size import DAMAGED_IN_A_ROW
from firelane.boards.host.framing import Frame
from firelane.boards.host.port import LinkError
from firelane.boards.host.remote_frame import BEGIN_AGAIN, FORGOTTEN, RemoteFrame, State, read_state
from firelane.boards.host.words import words
from firelane.boards.top.identity import Identity
from firelane.hw.contract.link_protocol import (
    ANSWER,
    ARGUMENT_BYTES,
    QUEUE_SPARE,
    RESULT_LAST,
    ROOM,
    Command,
    Status,
)
from firelane.hw.contract.registers import STATUS, Register

MOST_BYTES = 1 << 31        #: of a stream, whose offsets have 32 bits; then another one begins


@dataclass(frozen=True)
class _Posted:
    """A command under way: its sequence number, where its bytes begin and end, and since which setback it counts."""

    sequence: int
    command: Command
    first: int = 0
    end: int = 0
    setback: int = 0


@dataclass
class _Image:
    """An image whose result is not here: its bytes, and when the first was sent and the last was taken."""

    octets: bytes
    started: float
    taken: float | None = None


class ImageStream:
    """Frame after frame of one model.

    Parameters
    ----------
    connection : Connection
    identity : Identity
        The board's, which knows STREAM.
    digest : int
        Of the model.
    layout : int
        How the images come, a `LAYOUT`.
    """

    def __init__(self, connection: Connection, identity: Identity, digest: int, layout: int = 0):
        self._connection, self._identity = connection, identity
        self._digest, self._layout = digest, layout
        self._images: deque[_Image] = deque()
        self._more: Iterator[bytes] = iter(())
        self._size = 0                              # of an image
        self._base = 0                              # offset of the first one's first byte, in the stream's bytes
        self._heard: deque[Frame] = deque()         # answers that have come

    def frames(self, images: Iterable[bytes]) -> Iterator[RemoteFrame]:
        """The result of each image, in their order, as soon as it is there; images are taken while others are computed.

        Raises
        ------
        StatusError
            If the board holds another model or none, or the engine stops.
        LinkError
            If the line fails.
        """
        self._more, forgotten = iter(images), 0
        while self._images or self._pull(fresh=True):
            try:
                self._begin()
                while self._images or self._pull():
                    found = self._step()
                    if found:
                        forgotten = 0
                        yield found
            except StatusError as error:
                forgotten += 1
                if error.status not in FORGOTTEN or forgotten == BEGIN_AGAIN:
                    raise

    def _pull(self, *, fresh: bool = False) -> bool:
        """Another image, if there is one, and room for it in this stream; `fresh`: another stream begins."""
        if self._known + self._size > MOST_BYTES and not fresh:
            return False
        octets = next(self._more, None)
        if octets is None:
            return False
        self._size = len(octets)
        self._images.append(_Image(octets, time.perf_counter()))
        return True

    @property
    def _known(self) -> int:
        """Offset behind the last of the images."""
        return self._base + self._size * len(self._images)

    def _begin(self) -> None:
        self._base = 0
        for image in self._images:
            image.taken = None
        self._connection.ask(Command.STREAM, words(self._layout, self._size, self._digest))
        self._posted: deque[_Posted] = deque()
        self._sent = self._taken = self._furthest = 0           # offsets: next to be sent, taken, ever sent
        self._limit = self._identity.stream_bytes - QUEUE_SPARE
        self._setbacks = self._troubles = 0
        self._done = self._result_first = 0         # results that came, and their bytes
        self._found, self._whole = b"", False       # of the next result; it is, and its counters are missing
        self._ready = False                         # it is worth asking for it

    def _step(self) -> RemoteFrame | None:
        """Send what may be sent, and take an answer; the frame that ends with it."""
        if self._troubles >= DAMAGED_IN_A_ROW:
            self._posted.clear()
            return self._ask_alone()
        while len(self._posted) < self._identity.frames:
            command = self._next()
            if command is None:
                break
            self._post(command)
        return self._listen()

    def _next(self) -> Command | None:
        """What is to be asked next; None if only an answer helps."""
        under_way = {posted.command for posted in self._posted}
        if not under_way & {Command.RESULT, Command.REGISTERS}:
            if self._whole:
                return Command.REGISTERS
            if self._ready:
                return Command.RESULT
        if Command.IMAGE not in under_way:          # what was sent and not taken is lost
            self._sent = self._taken
        end = self._sent + len(self._chunk())
        if end > self._sent and (end <= self._limit or Command.IMAGE not in under_way):
            return Command.IMAGE                    # beyond the limit it waits at the board until there is room
        return None if under_way else Command.RESULT

    def _chunk(self) -> bytes:
        """The bytes that the next IMAGE carries, of one image or more; none if there are no more."""
        first, size = self._sent, self._connection.size.now - ARGUMENT_BYTES
        while self._known < first + size and self._pull():
            pass
        number, start = divmod(first - self._base, self._size)
        found = b""
        while len(found) < size and number < len(self._images):
            found += self._images[number].octets[start:start + size - len(found)]
            number, start = number + 1, 0
        return found

    def _payload(self, command: Command) -> tuple[bytes, int, int]:
        """The payload of a command, and the offsets of image bytes where it begins and ends."""
        if command is Command.REGISTERS:
            return b"", 0, 0
        if command is Command.RESULT:
            first = self._result_first + len(self._found)
            return words(first), first, first
        chunk, first = self._chunk(), self._sent
        self._sent += len(chunk)
        self._furthest = max(self._furthest, self._sent)
        return words(first) + chunk, first, self._sent

    def _post(self, command: Command) -> None:
        payload, first, end = self._payload(command)
        sequence = self._connection.post(command, payload)
        self._posted.append(_Posted(sequence, command, first, end, self._setbacks))

    def _listen(self) -> RemoteFrame | None:
        """Take an answer to what is under way; silence, a complaint or an answer out of turn say that one was lost."""
        port = self._connection.port
        deadline, late = port.clock() + ANSWER_SECONDS, False
        while not late:
            late = port.clock() >= deadline         # what came in time is read by a slow host, too
            if not self._heard:
                self._heard.extend(self._connection.heard())
            while self._heard:
                answer = self._heard.popleft()
                if is_complaint(answer):
                    self._lose(1)
                    return None
                place = next((n for n, posted in enumerate(self._posted) if posted.sequence == answer.sequence
                              and posted.command | ANSWER == answer.command), None)
                if place is None:
                    continue
                self._lose(place)
                return self._answered(self._posted.popleft(), partial(self._connection.judged, answer))
        self._troubles = DAMAGED_IN_A_ROW
        return None

    def _lose(self, count: int) -> None:
        """The oldest of those under way have no answer."""
        for _ in range(min(count, len(self._posted))):
            self._posted.popleft()
            self._connection.sent_again += 1
            self._troubles += 1

    def _ask_alone(self) -> RemoteFrame | None:
        """One command, until its answer is here."""
        command = self._next()
        assert command is not None, "nothing is under way"
        payload, first, end = self._payload(command)
        posted = _Posted(0, command, first, end, self._setbacks)
        divisible = command is Command.IMAGE
        try:
            return self._answered(posted, partial(self._connection.ask, command, payload, divisible=divisible))
        except TooLong:
            return None

    def _answered(self, posted: _Posted, judged: Callable[[], bytes]) -> RemoteFrame | None:
        """What an answer changes; the frame that it ends."""
        try:
            body = judged()
        except StatusError as error:
            if error.status is not Status.PENDING:
                raise
            self._ready, self._troubles = False, 0
            return None
        self._troubles = 0
        if posted.command is Command.IMAGE:
            self._image_taken(posted, body)
        elif posted.command is Command.RESULT:
            self._result_came(posted, body)
        elif self._whole:
            return self._ended(read_state(body, self._connection.port.name))
        return None

    def _image_taken(self, posted: _Posted, body: bytes) -> None:
        reached, room = (int.from_bytes(body[n:n + ARGUMENT_BYTES], "little") for n in (0, ARGUMENT_BYTES))
        if len(body) != 2 * ARGUMENT_BYTES or not self._taken <= reached <= self._furthest:
            raise LinkError(self._connection.port.name, f"took {reached} bytes of images, of which it got "
                                                        f"{self._furthest}", hint="is another host using the board?")
        self._taken, self._limit = reached, max(self._limit, reached + ROOM.from_bits(room).room)
        if ROOM.from_bits(room).result and not self._whole and not self._asked_for_result():
            self._ready = True
        if reached < posted.end and posted.setback == self._setbacks:   # later ones say the same: once is enough
            self._sent, self._setbacks = reached, self._setbacks + 1
        else:
            self._connection.size.arrived(0)
        self._sent = max(self._sent, self._taken)
        for number, image in enumerate(self._images):
            if image.taken is None and self._base + (number + 1) * self._size <= reached:
                image.taken = time.perf_counter()

    def _asked_for_result(self) -> bool:
        return any(posted.command is Command.RESULT for posted in self._posted)

    def _result_came(self, posted: _Posted, body: bytes) -> None:
        if len(body) < 2:
            raise LinkError(self._connection.port.name, "answered with an empty piece of a result")
        if self._whole or posted.first != self._result_first + len(self._found):
            return                                  # asked for twice
        self._found += body[1:]
        self._whole = bool(body[0] & RESULT_LAST)
        self._ready = not self._whole

    def _ended(self, state: State) -> RemoteFrame | None:
        """The frame whose result is here, if the engine has counted it: nothing was wrong with it until its end."""
        if state.registers[Register.FRAMES] <= self._done:
            if STATUS.from_bits(state.registers[Register.STATUS]).error:
                raise StatusError(self._connection.port.name, Status.ENGINE_ERROR, state.registers[Register.ERROR])
            return None
        image, now = self._images.popleft(), time.perf_counter()
        taken = image.taken or now
        frame = RemoteFrame(self._found, state.engine_cycles, taken - image.started, now - taken)
        self._base += self._size
        self._result_first += len(self._found)
        self._done += 1
        self._found, self._whole = b"", False
        self._ready = True                          # which makes room for the next result
        return frame
