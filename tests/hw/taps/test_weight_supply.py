"""compiler.coding.weight_supply beside the hardware: when pairs are decoded, whatever their codes."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from firelane.compiler.coding.prefix_code import words_of
from firelane.compiler.coding.weight_code import encode_layer
from firelane.compiler.coding.weight_supply import Replay, Supply
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import CODE_WORD, CODE_WORDS, SECOND_STREAMS, ParameterForm, Source
from firelane.hw.contract.timing import PARAMETER_DELAY, decoder_start_cycles, first_word_cycles, symbol_cycles
from firelane.hw.taps.weight_decoder import WeightDecoder
from firelane.hw.taps.weight_fetch import WeightFetch
from tests.hw.support import pulse, simulate
from tests.hw.tap_path_model import packed, split_symbols
from tests.hw.taps.test_weight_fetch import memory_model

LEVELS = {"raw": 127, "long": 90, "short": 5}


def fetch_and_decoder(cfg):
    m = Module()
    m.submodules.fetch = fetch = WeightFetch(cfg)
    m.submodules.decoder = decoder = WeightDecoder(cfg)
    for name in ("value", "run", "second_value", "second_run"):
        connect(m, getattr(fetch, name), getattr(decoder, name))
    m.d.comb += [decoder.room.eq(1), decoder.coming.eq(fetch.coming), decoder.layer.eq(fetch.layer),
                 decoder.take_codes.eq(fetch.start)]
    return m, fetch, decoder


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("density", [0.2, 0.6])
@pytest.mark.parametrize("words", [4000, 67584])
def test_pairs_are_decoded_when_the_replay_says(levels, density, words):
    cfg = EngineConfig(banks=4, weight_words=words, taps_per_cycle=2)
    rng = np.random.default_rng([len(levels), words])
    reach = LEVELS[levels]
    weights = np.where(rng.random((6, 30, 9)) < density, rng.integers(-reach, reach + 1, (6, 30, 9)), 0).astype(np.int8)
    encoded = encode_layer(weights, dense=False, pairs=True, value_room=0 if levels == "raw" else 256)
    assert encoded.raw_values == (levels == "raw")
    streams = [encoded.value_bits, encoded.run_bits, encoded.second_value_bits, encoded.second_run_bits]
    limits = [[0 if encoded.raw_values and kind == "value" else word[f"{kind}_limit"] for word in encoded.code_words]
              for kind in ("value", "run")]
    lengths = [np.array([len(code) for code in split_symbols(bits, limits[number % 2])])
               for number, bits in enumerate(streams)]
    supply = Supply.of(cfg, ParameterForm.FULL)
    want = list(Replay(lengths, encoded.taps, supply).decoded())
    first = decoder_start_cycles(cfg, streamed=True, dense=False) - symbol_cycles(cfg)
    assert want[0] == first - first_word_cycles(cfg)
    assert decoded_by_hardware(cfg, encoded, streams, lengths) == want


def decoded_by_hardware(cfg, encoded, streams, lengths) -> list[int]:
    """When each pair is decoded by WeightFetch and WeightDecoder, from the first word of the values on."""
    m, fetch, decoder = fetch_and_decoder(cfg)
    sizes = [len(words_of(bits)) for bits in streams]
    value, run, second_value, second_run, parameter = np.cumsum([3, *sizes]).tolist()
    memory = [0] * 3 + [int(word) for bits in streams for word in words_of(bits)] + [0] * 200
    layer = {"source": Source.STREAM, "parameters": ParameterForm.FULL, "raw_values": encoded.raw_values,
             "value_address": value, "run_address": run, "parameter_address": parameter}
    second = packed(SECOND_STREAMS, {"value_address": second_value, "run_address": second_run})
    found = []

    async def bench(ctx):
        code_words = [*(packed(CODE_WORD, word) for word in encoded.code_words), second]
        assert len(code_words) == CODE_WORDS + 1
        for index, word in enumerate(code_words):
            for block in (fetch, decoder):
                ctx.set(block.code_write.payload, {"index": index, "data": word})
                ctx.set(block.code_write.valid, 1)
            await ctx.tick()
        for block in (fetch, decoder):
            ctx.set(block.code_write.valid, 0)
        await ctx.tick().repeat(3)
        ctx.set(fetch.coming, layer)
        ctx.set(fetch.layer, layer)
        await pulse(ctx, fetch.start)
        records, cycle = Replay(lengths, encoded.taps, Supply.of(cfg, ParameterForm.FULL)), 1
        ctx.set(decoder.active, 1)
        while len(found) < len(lengths[0]):
            ctx.set(fetch.parameter_start, cycle == PARAMETER_DELAY)
            ctx.set(fetch.parameter.ready, ctx.get(fetch.parameter.valid) and records.takes_record(cycle))
            if ctx.get(decoder.step):
                found.append(cycle - first_word_cycles(cfg))
            await ctx.tick()
            cycle += 1

    simulate(m, bench, background=[memory_model(fetch, cfg, lambda address: (memory + [0] * 400)[address])])
    return found
