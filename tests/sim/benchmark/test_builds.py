"""sim.benchmark.builds: what `firelane bitstream` leaves is found again, and what is broken is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firelane.boards import get_board
from firelane.boards.report.build_record import Digests, ModelFacts, record
from firelane.boards.report.build_report import BuildReport, Step
from firelane.boards.report.end_to_end import FrameWork
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.benchmark.builds import RECORD_FILE, load_builds, note_build
from tests.sim.benchmark.examples import MADE, build_record

RESOURCES = build_record().resources


def built(root, board: str, *, noted: bool = True) -> None:
    """A folder as a build leaves it."""
    folder = root / f"{board}-net"
    folder.mkdir(parents=True)
    report = BuildReport(RESOURCES, 80.25e6, 75e6, (Step("routing", 12.3, "a", "b"),))
    facts = ModelFacts("net", 1, FrameWork(image_bytes=100, result_bytes=10, cycles=3_000_000))
    text = record(get_board(board), facts, report, seed=3, tools={},
                  digests=Digests("d" * 64, "b" * 64))
    (folder / RECORD_FILE).write_text(text)
    if noted:
        note_build(folder, MADE, 1234.4)


def test_found_again(tmp_path):
    built(tmp_path, "ulx3s_85f")
    built(tmp_path, "ecpix5_85f")
    built(tmp_path, "ulx3s_25f", noted=False)       # of an older version, or still being built
    ecpix5, ulx3s = load_builds(tmp_path)
    board = get_board("ulx3s_85f")
    assert ulx3s == replace(build_record(), weight_words=board.engine.weight_words)
    assert ecpix5.board == "ecpix5_85f" and load_builds(tmp_path / "none") == []


@pytest.mark.parametrize("text", ["{}", "[", '{"board": "b"}'])
def test_what_is_no_build(tmp_path, text):
    built(tmp_path, "ulx3s_85f")
    (tmp_path / "ulx3s_85f-net" / RECORD_FILE).write_text(text)
    with pytest.raises(FirelaneError, match="not a build of this version"):
        load_builds(tmp_path)
