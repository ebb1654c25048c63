"""The compiler is right: the emitted words, run by the emulator, give every tensor that the reference gives.

Random networks on engines of every size. Each tensor row that the program writes is compared, not just the result.
"""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.config import EngineConfig
from firelane.sim import reference
from firelane.sim.emulator import Emulator
from firelane.sim.judge.compare import first_difference, tensor_parts
from tests.networks import POOLS, random_graph, random_image, with_selects
from tests.steps import emulated_steps

LARGE = {"activation_words": 4096, "weight_words": 1 << 16, "program_words": 1 << 14, "value_symbols": 4096,
         "run_symbols": 4096, "accumulator_bits": 28, "average_channels": 256}
CASES = [(seed, banks, "tiny" if seed % 3 else "small") for banks in (1, 2, 4, 8, 16) for seed in range(50)]


ATTEMPTS = 20       # random networks until one is something that the engine does


def compiled_network(rng: np.random.Generator, cfg: EngineConfig, *, selects: bool = False, **options) -> Compiled:
    """The first of some random networks that the engine does not refuse for its kernels or its size."""
    for _ in range(ATTEMPTS):
        try:
            graph = random_graph(rng, **options)
            return compile_graph(with_selects(rng, graph) if selects else graph, cfg)
        except FirelaneError:
            continue
    raise AssertionError(f"{ATTEMPTS} random networks were refused")


def check(compiled: Compiled, image: np.ndarray) -> None:
    """Run, compare everything; twice, because a second frame must not depend on the first."""
    graph, cfg, where = compiled.graph, compiled.cfg, tensor_parts(compiled.program)
    emulator = Emulator(cfg, compiled.program.contents, seed=5)
    for pixels in (image, image[:, ::-1, ::-1]):
        tensors = reference.run(graph, np.ascontiguousarray(pixels))
        frame = emulator.run_frame(pixels.transpose(1, 2, 0), trace=True)
        assert str(first_difference(where, tensors, emulated_steps(frame.trace), cfg) or "") == ""
        assert frame.result == compiled.result.pack(tensors[graph.output])


@pytest.mark.parametrize(("seed", "banks", "size"), CASES)
def test_random_network(seed, banks, size):
    rng = np.random.default_rng([seed, banks])
    columns = min(14 * banks, 28 if size == "tiny" else 60)
    compiled = compiled_network(rng, EngineConfig(banks=banks, **LARGE), max_columns=columns, size=size)
    check(compiled, random_image(rng, compiled.graph))


@pytest.mark.parametrize(("left", "right"), [(1, 1), (1, 2)])
@pytest.mark.parametrize(("seed", "banks"), [(seed, banks) for banks in (1, 2, 8) for seed in range(16)])
def test_random_network_on_an_engine_with_a_short_reach(seed, banks, left, right):
    rng = np.random.default_rng([seed, banks, right])
    cfg = EngineConfig(banks=banks, columns_left=left, columns_right=right, **LARGE)
    compiled = compiled_network(rng, cfg, max_columns=min(14 * banks, 28), size="tiny" if seed % 3 else "small")
    check(compiled, random_image(rng, compiled.graph))


@pytest.mark.parametrize(("seed", "banks"), [(seed, banks) for banks in (1, 2, 4, 8, 16) for seed in range(40)])
def test_random_network_with_two_taps_a_cycle(seed, banks):
    rng = np.random.default_rng([seed, banks, 2])
    cfg = EngineConfig(banks=banks, taps_per_cycle=2, **LARGE)
    compiled = compiled_network(rng, cfg, max_columns=min(14 * banks, 60), size="tiny" if seed % 3 else "small")
    check(compiled, random_image(rng, compiled.graph))


@pytest.mark.parametrize(("seed", "banks"), [(seed, banks) for banks in (2, 4, 8, 16) for seed in range(15)])
def test_random_network_of_maxima_by_blocks(seed, banks):
    """Pools one behind the other, of all windows, paddings and strides, which also replace what they read."""
    rng = np.random.default_rng([seed, banks, 3])
    cfg = EngineConfig(banks=banks, taps_per_cycle=2, **LARGE)
    compiled = compiled_network(rng, cfg, max_columns=min(14 * banks, 60), size="small", without=POOLS)
    check(compiled, random_image(rng, compiled.graph))


@pytest.mark.parametrize(("seed", "banks"), [(seed, banks) for banks in (1, 4) for seed in range(8)])
def test_random_network_with_selects_and_maxima(seed, banks):
    rng = np.random.default_rng([seed, banks])
    compiled = compiled_network(rng, EngineConfig(banks=banks, **LARGE), max_columns=min(14 * banks, 28), size="tiny",
                                selects=True)
    check(compiled, random_image(rng, compiled.graph))
