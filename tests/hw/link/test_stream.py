# amaranth: UnusedElaboratable=no
"""Frame after frame without a round trip for each command: what the board holds, takes, and says of it."""

import random

import pytest

from firelane.boards.host.framing import Frame
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.link_protocol import (
    ANSWER,
    QUEUE_SPARE,
    RESULT_LAST,
    ROOM,
    STATE,
    STREAM_BYTES,
    Command,
    Status,
    frames_held,
)
from firelane.hw.contract.registers import Register
from firelane.hw.link.frame_link import FrameLink
from tests.hw.link.linked import (
    CFG,
    DIGEST,
    IDENTITY,
    PATIENCE_CYCLES,
    Host,
    LinkedSmallEngine,
    image_and_result,
    words,
)
from tests.hw.support import lint, simulate

IMAGES, RESULTS = zip(*map(image_and_result, range(7)))
SIZE, RESULT_SIZE = len(IMAGES[0]), len(RESULTS[0])
STREAM_SIZES = STREAM_BYTES[1:]


def talk(conversation, *, cycles=20_000, stream_bytes=STREAM_SIZES[0]):
    dut = LinkedSmallEngine(stream_bytes=stream_bytes)

    async def host(ctx):
        await conversation(Host(ctx, dut))

    simulate(dut, host, cycles=cycles)


async def begin(host, size=SIZE):
    assert await host.ask(Command.STREAM, words(0, size, DIGEST)) == (Status.OK, b"")


def offset_and_room(answer):
    status, body = answer
    assert (status, len(body)) == (Status.OK, 8)
    return int.from_bytes(body[:4], "little"), ROOM.from_bits(int.from_bytes(body[4:], "little"))


async def next_result(host, offset):
    while True:
        status, body = await host.ask(Command.RESULT, words(offset))
        if status != Status.PENDING:
            assert (status, body[0]) == (Status.OK, RESULT_LAST)
            return body[1:]


async def results(host, count, offset=0):
    """So many results from `offset` on, each taken when its frame had ended and before the next one could."""
    found = []
    for number in range(count):
        found.append(await next_result(host, offset))
        offset += len(found[-1])
        status, body = await host.ask(Command.REGISTERS)
        frames = int.from_bytes(body[1 + 4 * Register.FRAMES:][:4], "little")
        assert (status, frames) == (Status.OK, number + 1)
    return tuple(found)


@pytest.mark.parametrize("stream_bytes", STREAM_SIZES)
@pytest.mark.parametrize("chunk", [3, 11])
def test_images_arrive_while_others_are_computed(stream_bytes, chunk):
    """As many commands as the board holds go out before the first answer is read."""
    octets = b"".join(IMAGES)
    window = frames_held(stream_bytes)

    async def conversation(host):
        await begin(host)
        offsets = range(0, len(octets), chunk)
        for some in (offsets[n:n + window] for n in range(0, len(offsets), window)):
            sequences = [await host.post(Command.IMAGE, words(n) + octets[n:n + chunk]) for n in some]
            for n, sequence in zip(some, sequences):
                reached, room = offset_and_room(await host.answer_to(Command.IMAGE, sequence))
                assert reached == min(n + chunk, len(octets))
                assert stream_bytes - QUEUE_SPARE - reached <= room.room <= stream_bytes - QUEUE_SPARE
        assert await results(host, len(IMAGES)) == RESULTS

    talk(conversation, stream_bytes=stream_bytes)


def test_a_result_is_announced_and_repeated():
    async def conversation(host):
        await begin(host)
        _, room = offset_and_room(await host.ask(Command.IMAGE, words(0) + IMAGES[0]))
        assert not room.result
        await host.wait(1500)
        _, room = offset_and_room(await host.ask(Command.IMAGE, words(SIZE) + IMAGES[1][:2]))
        assert room.result
        assert [await next_result(host, 0) for _ in range(2)] == [RESULTS[0]] * 2
        assert (await host.ask(Command.RESULT, words(RESULT_SIZE)))[0] == Status.PENDING
        assert (await host.ask(Command.RESULT, words(0)))[0] == Status.WRONG_ORDER
        _, room = offset_and_room(await host.ask(Command.IMAGE, words(SIZE) + IMAGES[1]))
        assert not room.result
        assert await next_result(host, RESULT_SIZE) == RESULTS[1]

    talk(conversation)


def test_what_is_lost_on_the_way_comes_again():
    """A gap is no error: the answer says what the board lacks."""
    octets = b"".join(IMAGES)

    async def conversation(host):
        await begin(host)
        damaged = bytearray(Frame(99, Command.IMAGE, words(0) + octets[:8]).to_bytes())
        damaged[9] ^= 1
        await host.send_bytes(damaged)
        sequence = await host.post(Command.IMAGE, words(8) + octets[8:16])
        complaint = await host.answer()
        assert (complaint.sequence, complaint.command, complaint.payload[0]) == (0, ANSWER, Status.BAD_CRC)
        assert offset_and_room(await host.answer_to(Command.IMAGE, sequence))[0] == 0
        for n, end, reached in ((0, 8, 8), (4, 12, 12), (0, 8, 12), (20, 30, 12), (12, 35, 35)):
            assert offset_and_room(await host.ask(Command.IMAGE, words(n) + octets[n:end]))[0] == reached
        assert await results(host, len(IMAGES)) == RESULTS

    talk(conversation)


def test_frames_beyond_those_that_are_held_are_dropped_whole():
    window, more = frames_held(STREAM_SIZES[0]), 9

    async def conversation(host):
        sequences = [await host.post(Command.IDENTIFY) for _ in range(window + more)]
        assert [(await host.answer()).sequence for _ in range(window)] == sequences[:window]
        await host.drain(2000)          # one more at most, which came while an answer was on its way
        assert await host.ask(Command.RESET) == (Status.OK, b"")

    talk(conversation)


def test_a_host_that_stops_in_the_middle_and_one_that_begins_anew():
    async def conversation(host):
        await begin(host)
        await host.ask(Command.IMAGE, words(0) + IMAGES[0] + IMAGES[1][:3])
        await host.wait(PATIENCE_CYCLES + 1500)
        assert await next_result(host, 0) == RESULTS[0]     # it was complete: the board keeps it for whoever comes
        assert (await host.ask(Command.RESULT, words(RESULT_SIZE)))[0] == Status.PENDING
        await host.wait(PATIENCE_CYCLES + 100)
        assert (await host.ask(Command.IMAGE, words(SIZE) + IMAGES[1]))[0] == Status.TIMEOUT
        state = (await host.ask(Command.REGISTERS))[1][0]
        assert state == STATE.const({"timed_out": 1}).as_value().value
        assert await host.run(IMAGES[3]) == RESULTS[3]
        await begin(host)
        await host.ask(Command.IMAGE, words(0) + IMAGES[4] + IMAGES[5][:1])
        assert await host.run(IMAGES[5]) == RESULTS[5]

    talk(conversation)


def test_a_stream_of_images_of_the_wrong_size_is_the_engines_error():
    async def conversation(host):
        await begin(host, SIZE - 1)
        await host.ask(Command.IMAGE, words(0) + IMAGES[0])
        status, body = await host.ask(Command.RESULT, words(0))
        assert (status, body[0]) == (Status.ENGINE_ERROR, ErrorCode.IMAGE_SHORT)
        assert (await host.ask(Command.IMAGE, words(5) + IMAGES[0]))[0] == Status.ENGINE_ERROR
        await begin(host)
        await host.ask(Command.IMAGE, words(0) + IMAGES[1])
        assert await next_result(host, 0) == RESULTS[1]

    talk(conversation)


def test_refused():
    cases = [(words(0, 0, DIGEST), Status.BAD_LENGTH), (words(0, SIZE, DIGEST ^ 1), Status.WRONG_MODEL),
             (words(SIZE, DIGEST), Status.BAD_LENGTH)]

    async def conversation(host):
        for payload, expected in cases:
            assert (await host.ask(Command.STREAM, payload))[0] == expected
        await host.ask(Command.LOAD_BEGIN, words(CFG.digest))
        assert (await host.ask(Command.STREAM, words(0, SIZE, DIGEST)))[0] == Status.NO_MODEL

    talk(conversation)


def test_a_board_without_a_queue_does_not_know_streams():
    async def conversation(host):
        assert (await host.ask(Command.STREAM, words(0, SIZE, DIGEST)))[0] == Status.UNKNOWN_COMMAND
        assert await host.run(IMAGES[1]) == RESULTS[1]

    talk(conversation, stream_bytes=0)


@pytest.mark.parametrize("seed", range(2))
def test_a_line_that_damages_and_rests(seed):
    """Frames in flight, lost or damaged; a host that only goes by the offsets it is told."""
    rng, octets = random.Random(seed), b"".join(IMAGES)

    async def conversation(host):
        await begin(host)
        reached = 0
        while reached < len(octets):
            posted, place = [], reached
            for _ in range(frames_held(STREAM_SIZES[0])):
                chunk = octets[place:place + rng.randint(1, 9)]
                line = bytearray(Frame(len(posted) + 1, Command.IMAGE, words(place) + chunk).to_bytes())
                fate = rng.choice(["", "", "flip", "lose"]) if chunk else "skip"
                if fate == "flip":
                    line[rng.randrange(1, len(line) - 1)] ^= 1 << rng.randrange(5)
                if fate == "lose":
                    del line[rng.randrange(1, len(line) - 1)]
                if fate != "skip":
                    await host.send_bytes(line)
                    await host.wait(rng.randint(1, 40))
                    posted.append(fate)
                place += len(chunk)
            for _ in posted:            # a damaged frame is answered, too; a flip may make a flag of a byte
                answer = await host.answer()
                if answer.command == Command.IMAGE | ANSWER:
                    reached = offset_and_room((Status(answer.payload[0]), answer.payload[1:]))[0]
            await host.drain(200)
        assert await results(host, len(IMAGES)) == RESULTS

    talk(conversation, cycles=30_000)


def test_constructor():
    with pytest.raises(ValueError, match=r"^stream_bytes must be one of \(0, 2048, 4096\), not 1$"):
        FrameLink(CFG, identity=IDENTITY, slice_cycles=9, patience_cycles=99, stream_bytes=1)


@pytest.mark.parametrize("stream_bytes", STREAM_SIZES)
def test_lint(stream_bytes):
    lint(FrameLink(CFG, identity=IDENTITY, slice_cycles=9, patience_cycles=99, stream_bytes=stream_bytes))
