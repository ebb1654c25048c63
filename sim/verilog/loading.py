"""The CSR writes that fill an engine's memories and start it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from firelane.hw.contract.error_code import ErrorCode, describe
from firelane.hw.contract.registers import CONTROL, CSR_BITS, LOAD_ADDRESS, STATUS, LoadTarget, Register
from firelane.sim.emulator.program_image import MemoryImages

ERROR_REGISTER = (int(Register.STATUS), STATUS.const({"error": 1}).as_value().value)
CSR_COUNT = Register.PROGRAM_DIGEST + 1     # those that can be read


def load_script(images: MemoryImages) -> list[tuple[int, int]]:
    """(register, value) writes: all memories, then CONTROL.run."""
    memories = ((LoadTarget.PROGRAM, images.program), (LoadTarget.WEIGHT, images.weights),
                (LoadTarget.VALUE, images.values), (LoadTarget.RUN, images.runs))
    script = [write for target, words in memories for write in _load(target, [int(word) for word in words])]
    return [*script, (int(Register.CONTROL), CONTROL.const({"run": 1}).as_value().value)]


def setup_cycles(images: MemoryImages) -> int:
    """About how many cycles pass before the first frame: a write a cycle, and the check of what was written."""
    words = sum(len(memory) for memory in (images.program, images.weights, images.values, images.runs))
    return len(load_script(images)) + words


def _load(target: LoadTarget, words: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Words 0 .. of one memory; the high bits only where they change."""
    yield int(Register.LOAD_ADDRESS), LOAD_ADDRESS.const({"address": 0, "target": target}).as_value().value
    high = None
    for word in words:
        if word >> CSR_BITS != high:
            high = word >> CSR_BITS
            yield int(Register.LOAD_HIGH), high
        yield int(Register.LOAD_LOW), word & ((1 << CSR_BITS) - 1)


def engine_error(csrs: dict[int, int]) -> tuple[ErrorCode, int]:
    """Code and program word of the instruction, from the recorded CSRs."""
    error = csrs[Register.ERROR]
    return ErrorCode(error & 0xFF), error >> 16


def error_text(csrs: dict[int, int]) -> str:
    """What the engine complains of."""
    code, pc = engine_error(csrs)
    return f"{code.name}: {describe(code, pc)}"
