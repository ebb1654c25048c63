# amaranth: UnusedElaboratable=no
"""Frames out of a line: good ones, all kinds of damage, what is dropped; against a plain second implementation."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.boards.host.framing import Frame, seal, unescape
from firelane.hw.contract.link_protocol import FLAG, PAYLOAD_BYTES, Status
from firelane.hw.link.frame_receiver import FrameReceiver
from tests.hw.support import lint, pauses, pulse, receive, simulate, source

FRAMES = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=12))


def judge(octets):
    """(status, frame) of what stands between two FLAGs."""
    body = unescape(octets)
    if len(body) > PAYLOAD_BYTES + 8:
        return Status.OVERSIZED, Frame(0, 0)
    if zlib.crc32(body[:-4]) != int.from_bytes(body[-4:], "little") or len(body) < 4:
        return Status.BAD_CRC, Frame(0, 0)
    if len(body) < 8 or int.from_bytes(body[2:4], "little") != len(body) - 8:
        return Status.BAD_LENGTH, Frame(0, 0)
    return Status.OK, Frame(body[0], body[1], body[4:-4])


def judge_line(line):
    bodies = bytes(line).split(bytes((FLAG,)))[1:-1]
    return [judge(body) for body in bodies if unescape(body)]


async def take(ctx, dut):
    """(status, frame) of the frame held, which is released."""
    header, payload = ctx.get(dut.frame.header), []
    while not ctx.get(dut.frame.empty):
        if ctx.get(dut.frame.payload.valid):
            payload.append(await receive(ctx, dut.frame.payload))
        else:
            await ctx.tick()
    assert header.length == len(payload)
    result = ctx.get(dut.frame.status), Frame(header.sequence, header.command, bytes(payload))
    await pulse(ctx, dut.frame.release)
    return result


def frames_of(line, *, count, gap=0, seed=0):
    """What a fast reader gets; the line rests `gap` cycles after each FLAG, so that the reader is not too late."""
    dut, found = FrameReceiver(), []
    wait = pauses(seed, 3)

    async def send_line(ctx):
        for byte in line:
            await source(dut.i, [byte], wait=wait)(ctx)
            if byte == FLAG:
                await ctx.tick().repeat(gap)

    async def read(ctx):
        while len(found) < count:
            if ctx.get(dut.frame.valid):
                found.append(await take(ctx, dut))
            else:
                await ctx.tick()

    simulate(dut, send_line, read, cycles=60_000)
    return found


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.lists(FRAMES, min_size=1, max_size=4), st.data())
def test_damaged_lines(frames, data):
    line = bytearray(b"".join(frame.to_bytes() for frame in frames))
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(line) - 1))
        match data.draw(st.sampled_from(["flip", "lose", "insert"])):
            case "flip":
                line[place] ^= 1 << data.draw(st.integers(0, 7))
            case "lose":
                del line[place]
            case "insert":
                line.insert(place, data.draw(st.integers(0, 255)))
    expected = judge_line(line)
    assert frames_of(line, count=len(expected), gap=60, seed=len(line)) == expected


@pytest.mark.parametrize("size, status", [(PAYLOAD_BYTES, Status.OK), (PAYLOAD_BYTES + 1, Status.OVERSIZED),
                                          (3 * PAYLOAD_BYTES, Status.OVERSIZED)])
def test_the_largest_frame(size, status):
    payload = bytes(n * n % 251 for n in range(size))
    (found, frame), after = frames_of(Frame(1, 2, payload).to_bytes() + Frame(3, 4, b"x").to_bytes(), count=2,
                                      gap=3 * PAYLOAD_BYTES)
    assert (found, frame) == (status, Frame(1, 2, payload) if status == Status.OK else Frame(0, 0))
    assert after == (Status.OK, Frame(3, 4, b"x"))


def test_lengths_are_checked():
    line = seal(b"\x01\x02\x03\x00abcd") + seal(b"\x01\x02\x05\x00abcd") + seal(b"\x01\x02\x00")
    assert [status for status, _ in frames_of(line, count=3, gap=40)] == [Status.BAD_LENGTH] * 3


def test_a_frame_that_comes_while_one_is_held_is_dropped_whole():
    dut = FrameReceiver()
    first, second, third = (Frame(n, n, bytes((n,)) * 5) for n in (1, 2, 3))

    async def bench(ctx):
        await source(dut.i, [*first.to_bytes(), *second.to_bytes()[:6]])(ctx)
        assert await take(ctx, dut) == (Status.OK, first)
        await source(dut.i, second.to_bytes()[6:])(ctx)
        await ctx.tick().repeat(5)
        assert not ctx.get(dut.frame.valid)
        await source(dut.i, third.to_bytes())(ctx)
        await ctx.tick().until(dut.frame.valid)
        assert await take(ctx, dut) == (Status.OK, third)

    simulate(dut, bench)


def test_one_flag_between_frames_is_enough():
    first, second = Frame(1, 1, b"a"), Frame(2, 2)
    assert frames_of(first.to_bytes() + second.to_bytes()[1:], count=2, gap=30) == [
        (Status.OK, first), (Status.OK, second)]


def test_lint():
    lint(FrameReceiver())
