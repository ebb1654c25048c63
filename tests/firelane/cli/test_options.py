"""Choices and defaults on the command line are those of the rooms, which options must not import."""

from __future__ import annotations

from firelane.boards.top.link_timing import SIMULATED_TIMING
from firelane.cli.commands.board_sim import PATIENCE
from firelane.cli.commands.import_model import INPUT_SIZES
from firelane.cli.support.options import METHODS, OBJECTIVES, PRESETS
from firelane.compiler.compress.compressor import Objective
from firelane.compiler.frame_io import presets
from firelane.compiler.quantize.calibration import Method
from firelane.models import published_data


def test_choices():
    assert tuple(presets.PRESETS) == PRESETS
    assert set(METHODS) == {method.value for method in Method}
    assert set(OBJECTIVES) == {objective.name.lower() for objective in Objective}
    assert tuple(map(str, published_data.INPUT_SIZES)) == INPUT_SIZES


def test_defaults():
    assert SIMULATED_TIMING.patience_cycles == PATIENCE
