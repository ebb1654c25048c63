"""Simulators that tests share, so that few are built: one for each number of banks, with memories for anything."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from firelane.compiler.program.compiled import Compiled
from firelane.hw.contract.config import EngineConfig
from firelane.sim.judge.trial import Trial
from firelane.sim.simulator.build import Simulator, build
from tests.end_to_end.test_reference_equals_emulator import compiled_network

ROOM = {"program_words": 1 << 13, "value_symbols": 4096, "run_symbols": 4096, "accumulator_bits": 28,
        "average_channels": 1024}
NARROW = {"columns_left": 1, "columns_right": 2}
WHOLE_BANKS = 4             #: of the engine that whole networks run on


def roomy_engine(banks: int, taps: int = 1) -> EngineConfig:
    """An engine for random networks; that of `WHOLE_BANKS` and one tap is for whole SqueezeNets, reduced, as well.

    A word of weight memory costs time when the Verilog is made. The engine of 2 banks moves columns as those of boards
    that are made for SqueezeNet, the others as far as any.
    """
    weight_words = 1 << (17 if (banks, taps) == (WHOLE_BANKS, 1) else 13)
    reach = NARROW if banks == 2 else {}
    return EngineConfig(banks=banks, taps_per_cycle=taps, activation_words=4096, weight_words=weight_words, trace=True,
                        **ROOM, **reach)


def default_engine() -> EngineConfig:
    """The engine of `make sim`."""
    return EngineConfig(trace=True)


def random_network(rng: np.random.Generator, banks: int, size: str = "", *, selects: bool = False,
                   taps: int = 1, **options) -> Compiled:
    """A random network that `roomy_engine(banks, taps)` does; `size` is one of `tests.networks.SIZES`, any if empty."""
    size = size or str(rng.choice(["tiny", "small"]))
    return compiled_network(rng, roomy_engine(banks, taps), max_columns=min(14 * banks, 28), size=size, selects=selects,
                            **options)


@cache
def simulator(cfg: EngineConfig) -> Simulator:
    """Built once for all tests, and for `make sim`."""
    return build(cfg)


def trial(compiled: Compiled, directory: Path) -> Trial:
    return Trial(compiled, simulator(compiled.cfg), directory)
