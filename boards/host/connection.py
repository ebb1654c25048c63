"""Questions and answers over a line that may lose or change bytes."""

from __future__ import annotations

import random

from firelane.boards.host.framing import Deframer, Frame
from firelane.boards.host.port import LinkError, Port
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.error_code import describe
from firelane.hw.contract.link_protocol import ANSWER, FRAME_ERRORS, Command, Status

ANSWER_SECONDS = 2.0        #: of the port's clock, after which a command is sent again; a board takes 0.1 at most
ATTEMPTS = 5
IDENTIFY_ATTEMPTS, IDENTIFY_SECONDS = 3, 1.0    #: nobody waits long to hear that the port is the wrong one

_WORDS = {
    Status.BAD_LENGTH: ("refuses the length of a command", "this host and the board have different protocols"),
    Status.UNKNOWN_COMMAND: ("does not know a command", "this host and the board have different protocols"),
    Status.WRONG_ORDER: ("was not ready for a command", "is another host using it?"),
    Status.NO_MODEL: ("has no model: a load was begun and not finished", "firelane load DIR"),
    Status.WRONG_MODEL: ("holds another model", "firelane load DIR, or --model with the folder of the one it holds"),
    Status.WRONG_ENGINE: ("has another engine than the model was compiled for", "firelane compile --board NAME"),
    Status.ENGINE_ERROR: ("the engine stopped", "try again; if it happens again, load the model again"),
    Status.TIMEOUT: ("gave up a run that stood still", "try again"),
    Status.PENDING: ("has no result yet", "ask again"),
    Status.REFUSED: ("the engine has no memory for a word of the model", "compile it for this board"),
}


class StatusError(FirelaneError):
    """The board answered with another status than OK.

    Attributes
    ----------
    status : Status
    error_code, error_place : int
        Of the engine's ERROR register: what stopped it, and at which program word.
    """

    def __init__(self, where: str, status: Status, register: int):
        self.status = status
        self.error_code, self.error_place = register & 0xFF, register >> 16
        found, hint = _WORDS.get(status, (f"answered {status.name}", ""))
        if status is Status.ENGINE_ERROR:
            found = f"{found}: {describe(self.error_code, self.error_place)}"
        super().__init__(where, found, hint=hint)


class Connection:
    """Sends a command until its answer comes."""

    def __init__(self, port: Port):
        self.port = port
        self.sent_again = 0                     #: commands that were
        self._deframer = Deframer()
        self._sequence = random.randrange(256)  # an answer to the host before us is not taken for one of ours

    def identify(self) -> bytes:
        """What IDENTIFY answers, soon or not at all."""
        return self.ask(Command.IDENTIFY, attempts=IDENTIFY_ATTEMPTS, seconds=IDENTIFY_SECONDS)

    def ask(self, command: Command, payload: bytes = b"", *, attempts: int = ATTEMPTS,
            seconds: float = ANSWER_SECONDS) -> bytes:
        """The body of the answer, after its status; sent `attempts` times at most, each after `seconds` of silence.

        Raises
        ------
        StatusError
            If the status is not OK.
        LinkError
            If no answer comes, or the line goes on damaging it.
        """
        self._sequence = (self._sequence + 1) % 256
        line = Frame(self._sequence, command, payload).to_bytes()
        damaged = False
        for attempt in range(attempts):
            self.sent_again += attempt > 0
            deadline = self.port.clock() + seconds
            self.port.write(line)
            answer = self._answer(command, deadline)
            if answer is not None and answer.command == command | ANSWER:
                return self._judged(answer)
            damaged = damaged or answer is not None
        if damaged:
            raise LinkError(self.port.name, f"damages what is sent: {command.name} failed {attempts} times",
                            hint="check cable, adapter and baud rate")
        raise LinkError(self.port.name, f"no answer to {command.name}", hint="is the board still there?")

    def _answer(self, command: Command, deadline: float) -> Frame | None:
        """The answer, or the board's complaint of a damaged frame; None after silence."""
        late = False
        while not late:
            late = self.port.clock() >= deadline    # before the read: what came in time is read by a slow host, too
            for frame in self._deframer.feed(self.port.read()):
                if not frame.payload:
                    continue
                if (frame.sequence, frame.command) == (self._sequence, command | ANSWER):
                    return frame
                if (frame.sequence, frame.command) == (0, ANSWER) and frame.payload[0] in FRAME_ERRORS:
                    return frame
        return None

    def _judged(self, answer: Frame) -> bytes:
        try:
            status = Status(answer.payload[0])
        except ValueError:
            raise LinkError(self.port.name, f"answered status {answer.payload[0]}, which is none",
                            hint="this host and the board have different protocols") from None
        if status is not Status.OK:
            raise StatusError(self.port.name, status, int.from_bytes(answer.payload[1:5], "little"))
        return answer.payload[1:]
