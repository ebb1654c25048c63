"""boards.simulated.running: what can be asked of a board that has ended meanwhile."""

import sys

from firelane.boards.simulated.running import RunningBoard, _shared_word


def test_the_instruction_in_hand_when_the_board_has_ended(tmp_path):
    """Whoever shows the layer that runs asks from a thread of its own."""
    board = RunningBoard(None)
    board._progress = _shared_word(tmp_path / "progress")
    board._progress[:] = (12_345).to_bytes(4, sys.byteorder)
    assert board.program_word == 12_345
    board._progress.close()
    assert board.program_word == 12_345
