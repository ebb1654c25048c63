"""Costs of a network that nobody computed."""

from __future__ import annotations

from firelane.boards.comparison.cost import DENSE, NetworkCost

COST = NetworkCost(network="squeezenet1.1", weights=DENSE, taps=1, least=False, size=224, nonzero=1000, parameters=1000,
                   macs=10_000_000, cycles=1_000_000, bytes=1000, words=1024, weight_words=67_584, program_words=4096,
                   use=0.5, depthwise_macs=0.0, depthwise_cycles=0.0, millijoules=(1.0, 2.0, 3.0))
