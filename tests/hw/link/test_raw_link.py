# amaranth: UnusedElaboratable=no
"""Bare byte link: images are cut at the right byte, answers carry a status, a lost byte shifts nothing."""

import pytest

from hw.link.raw_link import RawLink
from tests.hw.support import lint, pauses, simulate, sink, source

IMAGE, TIMEOUT = 5, 40


def make_dut():
    return RawLink(image_bytes=IMAGE, timeout_cycles=TIMEOUT)


def as_pairs(beats):
    return [(beat.data, beat.last) for beat in beats]


@pytest.mark.parametrize("seed", [1, 2])
def test_images_are_cut_at_their_last_byte(seed):
    dut, beats = make_dut(), []
    sent = list(range(10, 10 + 3 * IMAGE))
    simulate(dut, source(dut.rx, sent, wait=pauses(seed, 6)),
             sink(dut.image, len(sent), beats, wait=pauses(seed + 9, 5)))
    assert as_pairs(beats) == [(byte, (n + 1) % IMAGE == 0) for n, byte in enumerate(sent)]


def test_silence_closes_an_image_early_and_the_next_byte_starts_a_new_one():
    dut, beats = make_dut(), []
    second = list(range(50, 50 + IMAGE))

    async def host(ctx):
        await source(dut.rx, [1, 2, 3])(ctx)
        await ctx.tick().repeat(2 * TIMEOUT)
        await source(dut.rx, second)(ctx)

    simulate(dut, host, sink(dut.image, 3 + IMAGE, beats))
    assert as_pairs(beats) == [(1, 0), (2, 0), (3, 1)] + [(b, b == second[-1]) for b in second]


def test_a_result_follows_a_zero_status():
    dut, answer = make_dut(), []
    result = [{"data": byte, "last": byte == 9} for byte in (7, 8, 9)]
    simulate(dut, source(dut.result, result * 2, wait=pauses(4, 7)), sink(dut.tx, 8, answer, wait=pauses(5, 7)))
    assert answer == [0, 7, 8, 9] * 2


def test_an_error_is_answered_by_its_code_and_resets_the_engine():
    dut, answer = make_dut(), []

    async def engine(ctx):
        await source(dut.result, [{"data": 1, "last": 0}])(ctx)     # a result that will never be complete
        ctx.set(dut.error, 11)
        await ctx.tick().until(dut.reset)
        await ctx.tick().repeat(3)
        ctx.set(dut.error, 0)
        await ctx.tick().repeat(3)
        ctx.set(dut.error, 14)
        await ctx.tick().until(dut.reset)
        ctx.set(dut.error, 0)
        await source(dut.result, [{"data": 5, "last": 1}])(ctx)

    simulate(dut, engine, sink(dut.tx, 5, answer))
    assert answer == [0, 1, 14, 0, 5]


def test_constructor():
    with pytest.raises(ValueError, match="^image_bytes and timeout_cycles must be at least 1, not 0 and 3$"):
        RawLink(image_bytes=0, timeout_cycles=3)


def test_lint():
    lint(make_dut())
