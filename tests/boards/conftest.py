"""One real build of `tiny_design`, once a test run, whichever worker needs it first."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from firelane.boards import get_board
from firelane.boards.contents.memory_key import key_contents
from firelane.boards.flow.bitstream import build_bitstream
from firelane.boards.report.build_record import ModelFacts
from firelane.boards.report.end_to_end import FrameWork
from firelane.compiler.support.files import locked
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Header
from firelane.hw.contract.memory_contents import MemoryContents, memory_shapes
from tests.boards.tiny_design import CONFIG, TinyDesign


def random_contents(seed: int) -> MemoryContents:
    """Contents that do not fill the memories, of a model for `CONFIG`."""
    source = random.Random(seed)
    words = {name: tuple(source.getrandbits(shape.bits) for _ in range(shape.words * 2 // 3 + seed))
             for name, shape in memory_shapes(CONFIG).items()}
    return for_engine(MemoryContents(**words), CONFIG)


def for_engine(contents: MemoryContents, cfg: EngineConfig) -> MemoryContents:
    """The same with another engine in the program's header."""
    program = list(contents.program)
    program[Header.CONFIG_DIGEST] = cfg.digest
    return replace(contents, program=program)


def build_tiny(folder: Path, contents: MemoryContents, board_name: str = "ulx3s_12f",
               progress: Progress = silent) -> list[str]:
    """About 20 s, on the 85F twice that; returns what was said."""
    board, said = replace(get_board(board_name), engine=CONFIG), []
    build_bitstream(board, TinyDesign(key_contents(CONFIG)), contents, FACTS, folder,
                    seeds=[1], say=said.append, progress=progress)
    return said


FACTS = ModelFacts("tiny", 0x1234, FrameWork(image_bytes=100, result_bytes=10, cycles=1000))


@pytest.fixture(scope="session")
def tiny_build(tmp_path_factory) -> Path:
    """The folder of a build with `random_contents(1)`."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if root.name.startswith("popen-") else root) / "tiny_build"       # shared by xdist's workers
    with locked(folder):
        if not folder.exists():
            build_tiny(folder, random_contents(1))
    return folder
