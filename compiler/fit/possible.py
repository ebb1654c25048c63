"""Whether there is any engine that does a network: `quantize` and `compress` write nothing that all of them refuse."""

from __future__ import annotations

from typing import Any

from firelane.compiler.compile import make_plan
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.config import MAX_ACTIVATION_WORDS, EngineConfig

BANKS = (8, 16, 4, 2, 1)        #: of engines that are tried; kernels may need more or fewer banks
#: everything else as large as it can be; weights and program are not looked at, `compress` makes them smaller
LARGEST: dict[str, Any] = {"activation_words": MAX_ACTIVATION_WORDS, "accumulator_bits": 32, "average_bits": 31}


def check_possible(graph: Graph) -> None:
    """Nothing, if some engine can run the network.

    Raises
    ------
    ModelError, CapacityError
        If there is none: what stands in the way on that of 16 banks.
    """
    refused: dict[int, FirelaneError] = {}
    for banks in BANKS:
        try:
            make_plan(graph, EngineConfig(banks=banks, **LARGEST))
        except FirelaneError as problem:
            refused[banks] = problem
        else:
            return
    raise refused[max(BANKS)]
