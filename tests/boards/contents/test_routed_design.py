"""A model for another engine than the one of a routed design is told what to compile it with."""

from __future__ import annotations

from pathlib import Path

import pytest

from firelane.boards import get_board
from firelane.boards.contents.memory_map import MemoryMap
from firelane.boards.contents.routed_design import RoutedDesign, check_engine
from firelane.compiler.fit.engine_sizes import SIZES
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.tiles.larger_engine import size_option
from firelane.hw.contract.config import EngineConfig
from tests.boards.host.fake_board import model_contents

ENGINE = get_board("ulx3s_25f").engine


def advice(board: str, engine: EngineConfig) -> str:
    with pytest.raises(FirelaneError) as caught:
        check_engine(RoutedDesign(board, engine, "", MemoryMap({}, {})), model_contents([]), Path("model"))
    return caught.value.hint


def test_the_board_and_what_differs_from_its_engine():
    assert advice("ulx3s_25f", ENGINE) == "compile it for that engine: --board ulx3s_25f"
    assert advice("ulx3s_85f", ENGINE).startswith("compile it for that engine: --board ulx3s_85f --banks 2 ")


def test_all_sizes_for_a_board_in_a_file_of_a_user():
    options = " ".join(f"{size_option(name)} {getattr(ENGINE, name)}" for name in SIZES)
    assert advice("my_board", ENGINE) == f"compile it for that engine: {options}"
