"""What a board's memories hold, taken out of Verilog and written for a model."""

from __future__ import annotations

import pytest

from firelane.boards.simulated.contents import (
    Piece,
    marked_contents,
    pieces_from_json,
    pieces_to_json,
    take_out,
    write_contents,
)
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import MemoryContents

CFG = EngineConfig(banks=1, weight_words=24, program_words=32, value_symbols=16, run_symbols=16)


def initial(memory: str, bits: int, words) -> str:
    lines = "".join(f"    {memory} [{n}] = {bits}'h{word:0{bits // 4}x};\n" for n, word in enumerate(words))
    return f"  initial begin\n{lines}  end\n"


def verilog(marks: MemoryContents) -> str:
    """Weights in two memories, the second one longer than its part; the table's name needs escaping; an identity."""
    return ("module a;\n" + initial("words", 36, marks.program) + initial("block_1", 36, [*marks.weights[16:], 0, 0])
            + initial("block_0", 36, marks.weights[:16]) + "  assign x = y;\n" + initial("\\table ", 8, marks.values)
            + initial("runs", 17, marks.runs) + initial("identity", 8, b"twelve bytes")
            + initial("bytes", 8, [0] * 20) + "  initial begin\n    state = 1'h1;\n  end\nendmodule\n")


def test_marked_memories_are_read_from_files(tmp_path):
    marks = marked_contents(CFG)
    text, pieces = take_out(verilog(marks), marks)
    assert pieces == [Piece("program", 0, 32), Piece("weights", 16, 8), Piece("weights", 0, 16), Piece("values", 0, 16),
                      Piece("runs", 0, 16)]
    assert pieces_from_json(pieces_to_json(pieces)) == pieces
    for number, memory in enumerate(["words", "block_1", "block_0", "\\table ", "runs"]):
        assert f'$readmemh({{folder, "/{number}.hex"}}, {memory});' in text
    for kept in ("assign x = y;", initial("identity", 8, b"twelve bytes"), initial("bytes", 8, [0] * 20), "state = "):
        assert kept in text
    assert f"{marks.weights[3]:x}" not in text
    write_contents(pieces, MemoryContents((1, 2), tuple(range(10, 30)), (255,), ()), tmp_path)

    def words(number: int) -> list[int]:
        return [int(line, 16) for line in (tmp_path / f"{number}.hex").read_text().split()]

    assert words(0) == [1, 2, *[0] * 30]
    assert words(1) == [26, 27, 28, 29, 0, 0, 0, 0] and words(2) == list(range(10, 26))
    assert words(3) == [255, *[0] * 15] and words(4) == [0] * 16


def test_contents_that_are_not_found_are_a_defect():
    marks = marked_contents(CFG)
    text = verilog(marks).replace("block_0", "block_0 [0] = 36'h0;\n    block_0", 1)
    with pytest.raises(AssertionError, match="not all of weights was found in the Verilog's memories"):
        take_out(text, marks)
