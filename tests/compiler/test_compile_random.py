"""Random networks: what compiles passes the schedule check, in any memory, and gives what the reference gives."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.report import make_report
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.config import EngineConfig
from firelane.sim import reference
from firelane.sim.emulator.engine import Emulator
from tests.networks import random_graph, random_image

ROOMY = EngineConfig(activation_words=2048, weight_words=1 << 17, program_words=1 << 14, average_bits=20,
                     accumulator_bits=28, value_symbols=4096, run_symbols=4096)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2 ** 32 - 1), banks=st.sampled_from([1, 2, 4, 8, 16]), tight=st.booleans(),
       sums=st.sampled_from([8, 1024]), taps=st.sampled_from([1, 2]))
def test_random_networks(seed, banks, tight, sums, taps):
    rng = np.random.default_rng(seed)
    cfg = replace(ROOMY, banks=banks, average_channels=sums, taps_per_cycle=taps)
    graph = random_graph(rng, max_columns=min(14 * banks, 56), size="small" if seed % 3 else "tiny")
    try:
        compiled = compile_graph(graph, cfg)
        if tight:
            compiled = compile_graph(graph, replace(cfg, activation_words=max(compiled.plan.peak_words * 3 // 4, 16)))
    except FirelaneError as error:
        assert (str(error) and not tight) or error.hint
        return
    image = random_image(rng, graph)
    frame = Emulator(compiled.cfg, compiled.program.contents).run_frame(image.transpose(1, 2, 0))
    expected = reference.run(graph, image)[graph.output]
    assert frame.result == compiled.result.pack(expected)
    assert np.array_equal(compiled.result.unpack(frame.result), expected)
    assert frame.total_cycles == make_report(compiled).cost.total
