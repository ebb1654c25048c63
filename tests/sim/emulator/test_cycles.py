"""The prediction of cycles, from the promises of `hw/contract/timing.py`."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.hw.contract import timing
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import DESCRIPTOR_WORDS, Destination, Opcode, Source, descriptor_total_words
from firelane.sim.emulator import Emulator, FrameResult
from tests.sim.emulator.assembler import Assembler

CFG = EngineConfig(banks=4, activation_words=64, weight_words=64, program_words=256)
LAGS = timing.START_LAG + timing.NEXT_LAG
WINDOW = {"source": Source.WINDOW, "kernel": [{"weight": 1}] * 12, "columns": 14, "out_columns": 14}


def run(program: Assembler, pixels: int = 0) -> FrameResult:
    return Emulator(CFG, program.contents()).run_frame(np.zeros(pixels, np.uint8))


def lengths(frame: FrameResult) -> list[int]:
    return [step.end - step.start for step in frame.cycles]


def test_tiles_fetch_their_descriptor_once():
    program = Assembler(CFG)
    layer = program.layer(**WINDOW, channels_out=3)
    for _ in range(2):
        program.tile(layer, address=40, rows=4, slots=[(8, 4)])
    work = (timing.decoder_start_cycles(CFG, streamed=False, dense=False) + 3 * 12 + timing.ADDRESS_CYCLES
            + timing.tile_tail_cycles(CFG, averages=False))
    first = timing.fetch_cycles(CFG, descriptor_total_words(CFG, Source.WINDOW, 12)) + work + LAGS
    second = timing.tile_gap_cycles(CFG) + 3 * 12
    frame = run(program)
    assert lengths(frame) == [first, second]
    assert frame.total_cycles == first + second             # END was fetched meanwhile


def test_a_tile_waits_for_its_descriptor():
    """Between tiles of one short channel there is not the time to fetch another layer's 32 words of kernel."""
    program = Assembler(CFG)
    weight = np.zeros((1, 1, 64), np.int8)
    weight[0, 0, 5] = 1
    layers = [program.layer(kernel=[{}] * 64, columns=14, out_columns=14, channels_in=1, channels_out=1,
                            group_channels=1, pad=pad, **program.sparse_weights(weight)) for pad in range(2)]
    for number in range(6):
        program.tile(layers[number % 2], address=40, rows=4, slots=[(8, 4)])
    fetch = timing.fetch_cycles(CFG, descriptor_total_words(CFG, Source.STREAM, 64))
    assert fetch + LAGS + 1 > timing.tile_gap_cycles(CFG) + CFG.drain_cycles
    assert lengths(run(program))[1:] == [fetch + LAGS + 1] * 5


def test_a_channel_takes_as_long_as_its_drain():
    program = Assembler(CFG)
    weight = np.zeros((2, 40, 1), np.int8)
    weight[0, :3], weight[1] = 1, 1
    layer = program.layer(kernel=[{}], columns=14, out_columns=14, channels_in=40, channels_out=2, group_channels=2,
                          **program.sparse_weights(weight))
    program.tile(layer, address=60, rows=4, slots=[(8, 4)])
    taps = CFG.drain_cycles + 40
    work = (timing.decoder_start_cycles(CFG, streamed=True, dense=False) + taps + timing.ADDRESS_CYCLES
            + timing.tile_tail_cycles(CFG, averages=False))
    fetch = timing.fetch_cycles(CFG, descriptor_total_words(CFG, Source.STREAM, 1))
    assert lengths(run(program)) == [fetch + work + LAGS]


@pytest.mark.parametrize("tiles", [0, 1, 20])
def test_a_load_runs_beside_tiles(tiles):
    """Waiting shrinks by what is done meanwhile, down to nothing; the rest of the frame is as long as ever."""
    program = Assembler(CFG)
    load = program.layer(image_columns=14, channels_in=20)
    tile = program.layer(**WINDOW, channels_out=3)
    program.emit(Opcode.LOAD, load, [(0, 4)], address=0, rows=4, last=1)
    for _ in range(tiles):
        program.tile(tile, address=40, rows=4, slots=[(50, 4)])
    program.tile(tile, wait_load=1, address=40, rows=4, slots=[(0, 4)])
    frame = run(program, pixels=14 * 4 * 20)
    steps = frame.cycles
    loader_idle = steps[0].end - timing.NEXT_LAG + timing.load_cycles(
        CFG, map_rows=4, image_columns=14, channels=20, space_to_depth=False)
    ready = steps[-1].start - timing.NEXT_LAG               # behind other tiles it has been fetched before
    if not tiles:
        words = descriptor_total_words(CFG, Source.WINDOW, 12)
        ready = steps[-1].start + timing.fetch_cycles(CFG, words) + timing.CHECK_LAG
    assert steps[-1].waited == max(loader_idle - ready, 0)
    assert (steps[-1].waited > 0) == (tiles < 20)
    assert all(step.waited == 0 for step in steps[:-1])


@pytest.mark.parametrize("beside", [0, 1])
def test_a_load_between_tiles(beside):
    """One that starts beside the tile before it takes no time of its own."""
    program = Assembler(CFG)
    load = program.layer(image_columns=14, channels_in=1)
    tile = program.layer(**WINDOW, channels_out=20)
    program.tile(tile, address=20, rows=4, slots=[(0, 4)])
    program.emit(Opcode.LOAD, load, [(0, 4)], address=60, rows=4, last=1, beside=beside)
    program.tile(tile, address=20, rows=4, slots=[(0, 4)])
    _, loading, second = lengths(run(program, pixels=14 * 4))
    among_others = timing.tile_gap_cycles(CFG) + 20 * 12
    if beside:
        assert (loading, second) == (0, among_others)
    else:
        fetch = timing.fetch_cycles(CFG, descriptor_total_words(CFG, Source.WINDOW, 12))
        isolated = (fetch + LAGS + timing.decoder_start_cycles(CFG, streamed=False, dense=False) + 20 * 12
                    + timing.ADDRESS_CYCLES + timing.tile_tail_cycles(CFG, averages=False))
        assert (loading, second) == (1 + timing.NEXT_LAG, isolated)


def test_averages_and_outputs():
    program = Assembler(CFG)
    average = program.layer(channels_out=9, destination=Destination.MEMORY)
    streamed = program.layer(channels_out=9, destination=Destination.AVERAGE)
    output = program.layer(channels_out=2, columns=14)
    program.emit(Opcode.AVERAGE, average, address=20)
    program.emit(Opcode.AVERAGE, streamed)
    program.emit(Opcode.OUTPUT, output, [(8, 3)], last=1)
    fetch = timing.fetch_cycles(CFG, DESCRIPTOR_WORDS) + LAGS
    assert lengths(run(program)) == [fetch + timing.average_cycles(CFG, 9),
                                     fetch + timing.average_cycles(CFG, 9),
                                     fetch + timing.output_cycles(channels=2, rows=3, columns=14)]
