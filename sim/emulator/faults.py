"""What stops the emulated engine, and what must never happen in it."""

from __future__ import annotations

from firelane.compiler.support.errors import MismatchError
from firelane.hw.contract.error_code import ErrorCode


class EngineError(Exception):
    """The engine would stop with this code (the CSR that the host reads).

    Parameters
    ----------
    code : ErrorCode
    pc : int
        Program word of the instruction; 0 for what is found before the first one.
    message : str
        What exactly is wrong: more than the hardware says.
    """

    def __init__(self, code: ErrorCode, pc: int, message: str):
        self.code = code
        self.pc = pc
        self.message = message
        super().__init__(f"{code.name} at program word {pc}: {message}")


class InvariantError(MismatchError):
    """The hardware would go on and compute something else than was meant: an accumulator that overflows, a word that is
    written while it may still be read. The compiler proves that this cannot happen, so it is a defect of ours."""

    def __init__(self, pc: int, message: str):
        self.pc = pc
        super().__init__(f"program word {pc}: {message}")
