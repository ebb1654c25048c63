"""A whole build with the real tools, of a design that is small enough: what stands beside the bitstream, and that
two builds are the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from firelane.boards import get_board
from firelane.boards.contents.routed_design import read_design
from firelane.boards.contents.trellis_config import design_digest
from firelane.boards.flow.bitstream import TimingError
from firelane.boards.flow.pack_bitstream import sha256
from firelane.boards.report.build_record import ModelFacts
from firelane.boards.report.end_to_end import FrameWork
from firelane.compiler.support.files import build_root
from firelane.sim.benchmark.builds import RECORD_FILE
from tests.boards.conftest import build_tiny, random_contents
from tests.boards.tiny_design import CONFIG

BUILD_AGAIN = """
import sys
from pathlib import Path
from tests.boards.conftest import build_tiny, random_contents
build_tiny(Path(sys.argv[1]), random_contents(2), sys.argv[2])
"""


def build_again(folder: Path, board: str) -> None:
    """Build in another process, with another hash seed and another model."""
    subprocess.run([sys.executable, "-c", BUILD_AGAIN, str(folder), board], check=True, cwd=Path(__file__).parents[3],
                   env={**os.environ, "PYTHONHASHSEED": "99"})


def test_the_record(tiny_build):
    record = json.loads((tiny_build / RECORD_FILE).read_text())
    assert record["bitstream_sha256"] == sha256(tiny_build / "top.bit")
    assert record["design_sha256"] == design_digest((tiny_build / "top.config").read_text())
    assert record["board"] == "ulx3s_12f" and record["engine"]["weight_words"] == CONFIG.weight_words
    assert record["engine_digest"] == f"{CONFIG.digest:08x}" and record["program_digest"] == "00001234"
    clock_hz = get_board("ulx3s_12f").clock_hz
    assert record["clock_mhz"] == clock_hz / 1e6 < record["fmax_mhz"] and record["frames_per_second"] == clock_hz / 1000
    whole = record["end_to_end"]
    assert whole["baud"] == 3_000_000 and whole["image_bytes"] == 100 and whole["limited_by"] == "round trips"
    assert record["resources"]["EBR"]["used"] == 10 and record["seed"] == 1
    assert set(record["tools"]) == {"yosys", "nextpnr-ecp5", "ecppack"} and record["limited_by"]


def test_every_block_ram_of_the_model_is_known(tiny_build):
    text, design = read_design(tiny_build / "top.config")
    assert len(design.memories.blocks) == 10 and design.memories.missing() == {}
    words = design.check(text, random_contents(1), "top.config")
    assert words == CONFIG.weight_words + CONFIG.program_words + CONFIG.value_symbols + CONFIG.run_symbols


def test_another_build_is_the_same_whatever_the_folder_the_hash_seed_and_the_model(tiny_build, tmp_path):
    """And with another model only the contents differ."""
    folder = tmp_path / "elsewhere" / "again"
    build_again(folder, "ulx3s_12f")
    first, again = ((place / "top.config").read_text() for place in (tiny_build, folder))
    assert first != again and design_digest(first) == design_digest(again)
    _, design = read_design(folder / "top.config")
    assert design.fill(again, random_contents(1)) == first
    records = [json.loads((place / RECORD_FILE).read_text()) for place in (tiny_build, folder)]
    assert records[0].pop("bitstream_sha256") != records[1].pop("bitstream_sha256")
    assert records[0] == records[1]


def test_one_that_was_stopped_goes_on_and_ends_the_same(tiny_build, tmp_path):
    """Stopped while it is routed: the next one neither synthesises nor places, and no stage is left behind."""
    def stop(stage, done, total):
        if stage == "seed 1: routing" and done > 0:
            raise KeyboardInterrupt
    folder = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        build_tiny(folder, random_contents(1), progress=stop)
    assert not folder.exists() and len(list((build_root() / "stages").glob("stopped-*/*"))) == 3
    stages = []
    said = build_tiny(folder, random_contents(1), progress=lambda stage, *done: stages.append(stage))
    assert "synthesised before, kept" in said and "seed 1: refined before, kept" in said
    assert "seed 1: routing" in stages and not {"synthesis", "seed 1: annealing"} & set(stages)
    assert (folder / "top.bit").read_bytes() == (tiny_build / "top.bit").read_bytes()
    assert not list((build_root() / "stages").glob("stopped-*"))


def test_a_large_device_whose_placement_is_annealed(tmp_path):
    """Blocks are placed beforehand, the placement is annealed, and another build is the same."""
    first, again = tmp_path / "first", tmp_path / "elsewhere" / "again"
    said = build_tiny(first, random_contents(1), "ulx3s_85f")
    build_again(again, "ulx3s_85f")
    assert any("sites of block RAMs" in line for line in said) and any(" after annealing and " in line for line in said)
    digests = [design_digest((folder / "top.config").read_text()) for folder in (first, again)]
    assert digests[0] == digests[1]
    assert json.loads((first / RECORD_FILE).read_text())["board"] == "ulx3s_85f" and (first / "placer.log").exists()


def test_timing_missed_is_recorded_without_a_bitstream(tiny_build, tmp_path, monkeypatch):
    """The routed design is that of `tiny_build`; nothing reaches 999 MHz."""
    def routed_before(work, options, seeds, **others):
        from firelane.boards.contents.memory_key import key_contents
        from firelane.boards.flow.place_route import Routed
        from firelane.boards.report.build_report import read_report
        text, design = read_design(tiny_build / "top.config")
        (work / "top.config").write_text(design.fill(text, key_contents(CONFIG)))
        return Routed(7, read_report(tiny_build / "report.json", target_hz=999e6))

    monkeypatch.setattr("firelane.boards.flow.bitstream.place_and_route", routed_before)
    monkeypatch.setattr("firelane.boards.flow.bitstream.synthesise", lambda *arguments, **options: None)
    monkeypatch.setattr("firelane.boards.flow.tools.Tool.run", lambda *arguments, **options: None)
    with pytest.raises(TimingError, match=r"^ulx3s_12f: timing missed: \d+\.\d MHz of 999\.0 MHz; try more --seeds or "
                                          r"a lower --clock; worst path: .*ns of it on wires, from .*$"):
        build_tiny(tmp_path / "slow", random_contents(1))
    assert not (tmp_path / "slow" / "top.bit").exists()
    assert json.loads((tmp_path / "slow" / RECORD_FILE).read_text())["bitstream_sha256"] is None


def test_frames_per_second():
    work = FrameWork(image_bytes=100, result_bytes=10, cycles=37_500)
    assert ModelFacts("m", 0, work).frames_per_second(75e6) == 2000
