"""The CSR writes that fill an engine's memories and start it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from firelane.hw.contract.error_code import ErrorCode, describe
from firelane.hw.contract.memory_contents import LOAD_TARGETS, MemoryContents
from firelane.hw.contract.registers import CONTROL, CSR_BITS, LOAD_ADDRESS, STATUS, LoadTarget, Register

ERROR_REGISTER = (int(Register.STATUS), STATUS.const({"error": 1}).as_value().value)
CSR_COUNT = Register.PROGRAM_DIGEST + 1     # those that can be read


def load_script(contents: MemoryContents) -> list[tuple[int, int]]:
    """(register, value) writes: all memories, then CONTROL.run."""
    script = [write for name, words in contents.by_name.items() for write in _load(LOAD_TARGETS[name], words)]
    return [*script, (int(Register.CONTROL), CONTROL.const({"run": 1}).as_value().value)]


def setup_cycles(contents: MemoryContents) -> int:
    """About how many cycles pass before the first frame: a write a cycle, and the check of what was written."""
    return len(load_script(contents)) + contents.word_count


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
