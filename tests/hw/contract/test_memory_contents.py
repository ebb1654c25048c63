"""What the four memories hold: one type from the compiler to the board."""

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import LOAD_TARGETS, WORD_BITS, MemoryContents, MemoryShape, memory_shapes
from firelane.hw.contract.registers import LoadTarget


def test_any_integers_become_words():
    contents = MemoryContents(range(8), np.arange(3, dtype=np.uint64), [255], ())
    assert contents == MemoryContents(tuple(range(8)), (0, 1, 2), (255,), ())
    assert {type(word) for words in contents.by_name.values() for word in words} == {int}
    assert (contents.word_count, contents.config_digest, contents.program_digest) == (12, 1, 3)


@pytest.mark.parametrize(("name", "word"), [("program", 1 << 36), ("weights", -1), ("values", 256), ("runs", 1 << 17)])
def test_a_word_that_is_too_wide(name, word):
    words = dict.fromkeys(WORD_BITS, (0,)) | {name: (0, word)}
    with pytest.raises(ValueError, match=f"^{name} must be {WORD_BITS[name]}-bit words$"):
        MemoryContents(**words)


def test_every_memory_can_be_loaded():
    assert list(LOAD_TARGETS.values()) == list(LoadTarget)
    cfg = EngineConfig(banks=1, weight_words=3072, program_words=1024, value_symbols=2048, run_symbols=512)
    assert list(memory_shapes(cfg).items()) == [("program", MemoryShape(1024, 36)), ("weights", MemoryShape(3072, 36)),
                                                ("values", MemoryShape(2048, 8)), ("runs", MemoryShape(512, 17))]
