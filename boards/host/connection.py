"""Questions and answers over a line that may lose or change bytes."""

from __future__ import annotations

import random

from firelane.boards.host.frame_size import DAMAGED_IN_A_ROW, LEAST_BYTES, FrameSize
from firelane.boards.host.framing import Deframer, Frame
from firelane.boards.host.port import LinkError, NoAnswerError, Port
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.error_code import describe
from firelane.hw.contract.link_protocol import ANSWER, FRAME_ERRORS, Command, Status

ANSWER_SECONDS = 2.0        #: of the port's clock, after which a command is sent again; a board takes 0.1 at most
ATTEMPTS = 5
IDENTIFY_ATTEMPTS, IDENTIFY_SECONDS = 3, 1.0    #: nobody waits long to hear that the port is the wrong one
SETTLE_SECONDS = 0.1        #: without another complaint, and a board that has answered before has no more of them
NOISE_SECONDS = 60.0        #: that a board may go on complaining of noise before it is given up

_WORDS = {
    Status.BAD_LENGTH: ("refuses the length of a command", "this host and the board have different protocols"),
    Status.UNKNOWN_COMMAND: ("does not know a command", "this host and the board have different protocols"),
    Status.WRONG_ORDER: ("was not ready for a command", "is another host using it?"),
    Status.NO_MODEL: ("has no model: a load was begun and not finished", "firelane load DIR"),
    Status.WRONG_MODEL: ("holds another model", "firelane load DIR, or --compiled with the folder of the one it holds"),
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


class TooLong(Exception):
    """Frames of this length do not arrive: the same is to be sent in shorter ones."""


class Connection:
    """Sends a command until its answer comes."""

    def __init__(self, port: Port):
        self.port = port
        self.sent_again = 0                     #: commands that were
        self.size = FrameSize(LEAST_BYTES)      # until the board says more
        self._in_step = False                   # whether it has answered: then the first complaint is about our frame
        self._deframer = Deframer()
        self._sequence = random.randrange(256)  # an answer to the host before us is not taken for one of ours

    def identify(self) -> bytes:
        """What IDENTIFY answers, soon or not at all."""
        return self.ask(Command.IDENTIFY, attempts=IDENTIFY_ATTEMPTS, seconds=IDENTIFY_SECONDS)

    def ask(self, command: Command, payload: bytes = b"", *, attempts: int = ATTEMPTS,
            seconds: float = ANSWER_SECONDS, divisible: bool = False) -> bytes:
        """The body of the answer, after its status.

        The command is sent again after `seconds` of silence, `attempts` times at most; and when the board complains of
        a damaged frame, until `attempts` times `seconds` have passed. More complaints than frames that were sent are
        about noise from before: they are passed over, and give the board more time.

        Parameters
        ----------
        divisible : bool
            Whether the same can be sent in shorter frames.

        Raises
        ------
        StatusError
            If the status is not OK.
        TooLong
            If frames as long as this one do not arrive, and it is divisible.
        LinkError
            If no answer comes, or the line goes on damaging it.
        """
        self._sequence = (self._sequence + 1) % 256
        line = Frame(self._sequence, command, payload).to_bytes()
        tries = silences = complaints = 0
        started = self.port.clock()
        limit, end = started + attempts * seconds, started + NOISE_SECONDS
        while silences < attempts and not (complaints and self.port.clock() >= min(limit, end)):
            if divisible and tries >= DAMAGED_IN_A_ROW and self.size.shorter(len(payload)):
                raise TooLong
            self.sent_again += tries > 0
            tries += 1
            before = self.port.clock()          # a simulated board's time may pass while we write
            self.port.write(line)
            answer, heard = self._listen(command, before, seconds, end, at_once=self._in_step and not complaints)
            if answer is not None:
                self._in_step = True
                self.size.arrived(tries - 1)
                return self._judged(answer)
            complaints += heard
            silences += not heard
            if complaints > tries:
                limit = self.port.clock() + attempts * seconds
        if complaints:
            raise LinkError(self.port.name, f"damages what is sent: {command.name} failed {tries} times",
                            hint="check cable, adapter and baud rate")
        raise NoAnswerError(self.port.name, f"no answer to {command.name}", hint="is the board still there?")

    def _listen(self, command: Command, before: float, seconds: float, end: float, *,
                at_once: bool) -> tuple[Frame | None, int]:
        """The answer if one comes, and how many complaints of damaged frames did.

        It ends `seconds` after `before` if all is silent, at `end`, or when complaints have stopped; `at_once`: with
        the first of them.
        """
        complaints, late, deadline = 0, False, before + seconds
        while not late:
            now = self.port.clock()
            late = now >= deadline or (complaints > 0 and now >= end)
            # What came in time is read by a slow host, too.
            for frame in self._deframer.feed(self.port.read()):
                if not frame.payload:
                    continue
                if (frame.sequence, frame.command) == (self._sequence, command | ANSWER):
                    return frame, complaints
                if (frame.sequence, frame.command) == (0, ANSWER) and frame.payload[0] in FRAME_ERRORS:
                    complaints += 1
                    deadline = now + (SETTLE_SECONDS if self._in_step else seconds)
            if complaints and at_once:
                break
        return None, complaints

    def _judged(self, answer: Frame) -> bytes:
        try:
            status = Status(answer.payload[0])
        except ValueError:
            raise LinkError(self.port.name, f"answered status {answer.payload[0]}, which is none",
                            hint="this host and the board have different protocols") from None
        if status is not Status.OK:
            raise StatusError(self.port.name, status, int.from_bytes(answer.payload[1:5], "little"))
        return answer.payload[1:]
