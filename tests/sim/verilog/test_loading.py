"""The CSR writes that load an engine, played into a model of the load port."""

from __future__ import annotations

import numpy as np

from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.contract.registers import LoadTarget, Register
from firelane.sim.verilog.loading import engine_error, error_text, load_script


def play(script) -> dict[LoadTarget, list[int]]:
    """What the load port would write; the last write must start the engine."""
    memories: dict[LoadTarget, list[int]] = {target: [] for target in LoadTarget}
    target, high = None, None
    for register, value in script[:-1]:
        match Register(register):
            case Register.LOAD_ADDRESS:
                target = LoadTarget(value >> 28)
                assert value & ((1 << 28) - 1) == 0 and not memories[target]
            case Register.LOAD_HIGH:
                high = value
            case Register.LOAD_LOW:
                memories[target].append(high << 32 | value)
    assert script[-1] == (Register.CONTROL, 1)
    return memories


def test_every_word_arrives():
    rng = np.random.default_rng(1)
    contents = MemoryContents(rng.integers(0, 1 << 36, 50), rng.integers(0, 1 << 36, 80), rng.integers(0, 256, 7),
                              rng.integers(0, 1 << 17, 9))
    written = play(load_script(contents))
    for target, words in zip(LoadTarget, (contents.program, contents.weights, contents.values, contents.runs)):
        assert written[target] == list(words)


def test_empty_memories():
    empty = MemoryContents([], [], [], [])
    assert not any(play(load_script(empty)).values())


def test_error_register():
    csrs = {Register.ERROR: 21 << 16 | ErrorCode.IMAGE_SHORT}
    assert engine_error(csrs) == (ErrorCode.IMAGE_SHORT, 21)
    assert error_text(csrs) == ("IMAGE_SHORT: the image ended early (tlast before its last byte) "
                                "(instruction at program word 21)")
