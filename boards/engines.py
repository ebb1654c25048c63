"""Engines that boards with the same device share: the largest in powers of two of banks that place and route
has managed, with what block RAM it can bear for weights.
"""

from firelane.hw.contract.config import EngineConfig

#: LFE5U-25F: 28 multiplier blocks go to the requantizers, so lanes multiply in LUTs; 44 of 56 block RAMs, because with
#: all of them (15 872 words of weights) beside 82 % of the LUTs router2 finds no end
ENGINE_25F = EngineConfig(banks=2, activation_words=1024, weight_words=10_240, program_words=2048, logic_lanes=28)
#: LFE5U-85F and LFE5UM5G-85F: 140 multipliers, 202 of 208 block RAMs with the host link's; column moves that are enough
#: for SqueezeNet, at half of the multiplexers where wires are most crowded
ENGINE_85F = EngineConfig(banks=8, activation_words=1024, weight_words=67_584, program_words=4096, columns_left=1,
                          columns_right=2)
