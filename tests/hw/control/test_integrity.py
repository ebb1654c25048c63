"""Integrity: every kind of damage is found, lengths at their limits, CRC equals zlib's."""

import random

import pytest

from firelane.hw.blocks.ports import ScanSelect
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FORMAT_VERSION, HEADER_WORDS, MAGIC
from firelane.hw.contract.timing import PROGRAM_LATENCY, integrity_cycles
from firelane.hw.control.integrity import Integrity
from tests.hw.programs import with_header
from tests.hw.support import lint, pulse, simulate

CFG = EngineConfig(banks=1, program_words=64, weight_words=40, value_symbols=16, run_symbols=16)


def memory(address, data, words_of, latency):
    """A background bench that answers reads after `latency` cycles."""
    async def answer(ctx):
        line = [0] * latency
        while True:
            words, index = words_of(ctx), ctx.get(address)
            line = [words[index] if index < len(words) else 0, *line[:-1]]
            await ctx.tick()
            ctx.set(data, line[-1])
    return answer


def verdicts(cases, *, scan_latency=3):
    """(error, cycles from start to done) of one block for each (program, weights, values, runs) in turn."""
    dut = Integrity(CFG, scan_latency=scan_latency)
    result = []
    current = {}

    async def bench(ctx):
        for program, weights, values, runs in cases:
            current.update({"program": program, ScanSelect.WEIGHT: weights, ScanSelect.VALUE: values,
                            ScanSelect.RUN: runs})
            await ctx.tick().repeat(3)
            await pulse(ctx, dut.start)
            cycles = 1
            while not ctx.get(dut.done):
                assert ctx.get(dut.busy)
                await ctx.tick()
                cycles += 1
            result.append((ctx.get(dut.error), cycles))
            assert ctx.get(dut.program_length) == program[2] & 127
            await ctx.tick()
            assert not ctx.get(dut.busy)

    simulate(dut, bench, background=(
        memory(dut.program.address, dut.program.data, lambda ctx: current.get("program", ()), PROGRAM_LATENCY),
        memory(dut.scan.address, dut.scan.data, lambda ctx: current.get(ctx.get(dut.scan.select), ()), scan_latency)))
    return result


def sound(seed=0, body=9, weights=7, values=5, runs=4, **changes):
    rng = random.Random(seed)
    words = [rng.randrange(1 << 36) for _ in range(body)]
    weights = [rng.randrange(1 << 36) for _ in range(weights)]
    values = [rng.randrange(1 << 8) for _ in range(values)]
    runs = [rng.randrange(1 << 17) for _ in range(runs)]
    return with_header(CFG, words, weights=weights, values=values, runs=runs, **changes), weights, values, runs


def test_lint():
    lint(Integrity(CFG, scan_latency=3))


@pytest.mark.parametrize("scan_latency", [1, 3, 6])
def test_sound_programs_pass_in_the_predicted_cycles(scan_latency):
    sizes = [(9, 7, 5, 4), (56, 40, 16, 16), (1, 0, 0, 0), (5, 1, 1, 0), (5, 1, 0, 1)]
    cases = [sound(1, *lengths) for lengths in sizes]
    expected = [(ErrorCode.NONE, integrity_cycles(HEADER_WORDS + body, *others, scan_latency=scan_latency))
                for body, *others in sizes]
    assert verdicts(cases, scan_latency=scan_latency) == expected


WRONG_HEADERS = (
    ({"identity": MAGIC << 8 | FORMAT_VERSION + 1}, ErrorCode.BAD_IDENTITY),
    ({"identity": 1 << 35 | MAGIC << 8 | FORMAT_VERSION}, ErrorCode.BAD_IDENTITY),
    ({"config_digest": CFG.digest ^ 1}, ErrorCode.CONFIG_MISMATCH),
    ({"program_length": 65}, ErrorCode.BAD_LENGTH),
    ({"program_length": 1 << 35}, ErrorCode.BAD_LENGTH),
    ({"program_length": HEADER_WORDS}, ErrorCode.BAD_LENGTH),
    ({"program_length": 0}, ErrorCode.BAD_LENGTH),
    ({"weight_length": 41}, ErrorCode.BAD_LENGTH),
    ({"table_lengths": 17}, ErrorCode.BAD_LENGTH),
    ({"table_lengths": 17 << 18}, ErrorCode.BAD_LENGTH),
    ({"program_crc": 0}, ErrorCode.PROGRAM_CRC),
    ({"program_length": 16}, ErrorCode.PROGRAM_CRC),
    ({"weight_crc": 0}, ErrorCode.WEIGHT_CRC),
    ({"weight_length": 6}, ErrorCode.WEIGHT_CRC),
    ({"table_crc": 0}, ErrorCode.TABLE_CRC),
    ({"table_lengths": 6 | 3 << 18}, ErrorCode.TABLE_CRC),
)


def test_wrong_headers():
    errors = [error for error, _ in verdicts([sound(2, **changes) for changes, _ in WRONG_HEADERS])]
    assert errors == [error for _, error in WRONG_HEADERS]


def test_one_wrong_bit_anywhere():
    """And what went wrong once does not matter to the next check."""
    cases, expected = [], []
    for seed in range(4):
        for index, error in enumerate((ErrorCode.PROGRAM_CRC, ErrorCode.WEIGHT_CRC, ErrorCode.TABLE_CRC,
                                       ErrorCode.TABLE_CRC)):
            memories = sound(seed)
            words = memories[index]
            rng = random.Random(seed)
            words[rng.randrange(0 if index else HEADER_WORDS, len(words))] ^= 1 << rng.randrange(36)
            cases += [memories, sound(seed)]
            expected += [error, ErrorCode.NONE]
    assert [error for error, _ in verdicts(cases)] == expected
