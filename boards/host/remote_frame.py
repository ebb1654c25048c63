"""What a board says of itself while it works, and what comes of an image."""

from __future__ import annotations

from dataclasses import dataclass

from firelane.boards.host.port import LinkError
from firelane.hw.contract.link_protocol import ARGUMENT_BYTES, REGISTERS_SHOWN, STATE, Status
from firelane.hw.contract.registers import Register

BEGIN_AGAIN = 3             #: how often a run or a load is begun, if the board forgets it in the middle
FORGOTTEN = (Status.WRONG_ORDER, Status.TIMEOUT)


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

    @property
    def seconds(self) -> float:
        """From the image's first byte until its result was here."""
        return self.image_seconds + self.result_seconds


def read_state(body: bytes, where: str) -> State:
    """What the answer to REGISTERS says, of the board that is called `where`."""
    size = ARGUMENT_BYTES
    if len(body) != 1 + REGISTERS_SHOWN * size:
        raise LinkError(where, f"{len(body)} bytes of registers",
                        hint="build its bitstream and this program from the same version")
    return State(body[0], tuple(int.from_bytes(body[n:n + size], "little") for n in range(1, len(body), size)))
