# amaranth: UnusedElaboratable=no
"""The link in front of a small engine: every command, and what goes wrong, each time with a right answer after it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.boards.host.framing import Frame
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import Header
from firelane.hw.contract.link_protocol import ANSWER, PAYLOAD_BYTES, REGISTERS_SHOWN, STATE, Command, Status
from firelane.hw.contract.registers import STATUS, Register
from firelane.hw.link.frame_link import FrameLink
from tests.hw.link.linked import (
    CFG,
    DIGEST,
    IDENTITY,
    PATIENCE_CYCLES,
    PROGRAM,
    WEIGHTS,
    Host,
    LinkedSmallEngine,
    image_and_result,
    words,
)
from tests.hw.programs import with_header
from tests.hw.support import lint, simulate

IMAGE, RESULT = image_and_result(1)
OTHER_WEIGHTS = [WEIGHTS[0] ^ 0x010203]
OTHER_PROGRAM = with_header(CFG, PROGRAM[len(Header):], weights=OTHER_WEIGHTS)
OTHER_DIGEST = OTHER_PROGRAM[Header.PROGRAM_CRC]


def talk(conversation, *, cycles=20_000, **memories):
    """Simulate a host that does `conversation`."""
    dut = LinkedSmallEngine(**memories)

    async def host(ctx):
        await conversation(Host(ctx, dut))

    simulate(dut, host, cycles=cycles)


async def registers(host):
    """(link state, registers) as integers."""
    status, body = await host.ask(Command.REGISTERS)
    assert status == Status.OK and len(body) == 1 + 4 * REGISTERS_SHOWN
    return body[0], [int.from_bytes(body[n:n + 4], "little") for n in range(1, len(body), 4)]


def test_images():
    async def conversation(host):
        for seed in (1, 2):
            image, result = image_and_result(seed)
            assert await host.run(image) == result

    talk(conversation)


def test_identify_and_registers():
    async def conversation(host):
        status, body = await host.ask(Command.IDENTIFY)
        assert status == Status.OK and body.endswith(IDENTITY)
        state, shown = await registers(host)
        assert state == 0 and body[1:-len(IDENTITY)] == words(*shown)
        assert shown[Register.CONFIG_DIGEST] == CFG.digest
        assert shown[Register.PROGRAM_DIGEST] == DIGEST
        assert shown[Register.STATUS] == STATUS.const({"idle": 1, "checked": 1}).as_value().value
        assert await host.run(IMAGE) == RESULT
        state, shown = await registers(host)
        assert state == STATE.const({"active": 1, "image_complete": 1}).as_value().value
        assert shown[Register.FRAMES] == 1 and shown[Register.FRAME_CYCLES] > shown[Register.STALL_INPUT] > 0

    talk(conversation)


def test_chunks_may_come_twice_and_overlap():
    async def conversation(host):
        await host.ask(Command.RUN, words(len(IMAGE), DIGEST))
        assert (await host.ask(Command.RESULT, words(0)))[0] == Status.WRONG_ORDER
        for first, end, reached in ((0, 2, 2), (0, 2, 2), (1, 3, 3), (0, 2, 3), (3, 5, 5), (0, 5, 5)):
            assert await host.ask(Command.IMAGE, words(first) + IMAGE[first:end]) == (Status.OK, words(reached))
        assert await host.result() == RESULT
        assert await host.result() == RESULT

    talk(conversation)


def test_commands_at_the_wrong_time_or_of_the_wrong_size():
    cases = [
        (Command.IMAGE, words(0) + IMAGE, Status.WRONG_ORDER), (Command.RESULT, words(0), Status.WRONG_ORDER),
        (Command.LOAD_WORDS, words(0) + bytes(5), Status.WRONG_ORDER), (0x7F, b"", Status.UNKNOWN_COMMAND),
        (0, b"", Status.UNKNOWN_COMMAND), (Command.IDENTIFY, b"x", Status.BAD_LENGTH),
        (Command.RUN, words(5), Status.BAD_LENGTH), (Command.RUN, words(0, DIGEST), Status.BAD_LENGTH),
        (Command.IMAGE, words(0), Status.BAD_LENGTH), (Command.LOAD_BEGIN, b"", Status.BAD_LENGTH),
        (Command.LOAD_BEGIN, words(CFG.digest ^ 1), Status.WRONG_ENGINE),
        (Command.RUN, words(5, OTHER_DIGEST), Status.WRONG_MODEL),
        (Command.LOAD_COMMIT, words(OTHER_DIGEST), Status.WRONG_MODEL),
    ]

    async def conversation(host):
        for command, payload, expected in cases:
            assert await host.ask(Command.RESET) == (Status.OK, b"")
            status, body = await host.ask(command, payload)
            assert (status, len(body)) == (expected, 4)
            assert await host.run(IMAGE) == RESULT

    talk(conversation, cycles=60_000)


def test_chunks_that_do_not_fit_the_image():
    async def conversation(host):
        await host.ask(Command.RUN, words(len(IMAGE), DIGEST))
        assert (await host.ask(Command.IMAGE, words(1) + IMAGE[1:]))[0] == Status.WRONG_ORDER
        assert (await host.ask(Command.IMAGE, words(0) + IMAGE + b"x"))[0] == Status.BAD_LENGTH
        assert await host.run(IMAGE) == RESULT

    talk(conversation)


@pytest.mark.parametrize("size, code", [(len(IMAGE) - 1, ErrorCode.IMAGE_SHORT),
                                        (len(IMAGE) + 3, ErrorCode.IMAGE_LONG)])
def test_an_image_of_the_wrong_size_is_the_engines_error(size, code):
    async def conversation(host):
        await host.ask(Command.RUN, words(size, DIGEST))
        image = (IMAGE + b"more")[:size]
        status, _ = await host.ask(Command.IMAGE, words(0) + image)
        status, body = await host.ask(Command.RESULT, words(0))
        assert (status, body[0]) == (Status.ENGINE_ERROR, code)
        assert (await registers(host))[1][Register.ERROR] & 0xFF == code
        assert await host.run(IMAGE) == RESULT

    talk(conversation)


def test_a_host_that_vanishes_is_not_waited_for():
    async def conversation(host):
        await host.ask(Command.RUN, words(len(IMAGE), DIGEST))
        await host.ask(Command.IMAGE, words(0) + IMAGE[:3])
        await host.send_bytes(Frame(9, Command.IMAGE, words(3) + IMAGE[3:]).to_bytes()[:8])
        await host.wait(PATIENCE_CYCLES + 100)
        await host.send_bytes(b"\x7e")
        assert (await host.answer()).payload[0] == Status.BAD_CRC
        assert (await host.ask(Command.IMAGE, words(3) + IMAGE[3:]))[0] == Status.TIMEOUT
        state, shown = await registers(host)
        assert state == STATE.const({"timed_out": 1}).as_value().value
        assert STATUS.from_bits(shown[Register.STATUS]).idle
        assert await host.run(IMAGE) == RESULT

    talk(conversation)


def test_another_host_takes_over_in_the_middle():
    async def conversation(host):
        await host.ask(Command.RUN, words(len(IMAGE), DIGEST))
        await host.ask(Command.IMAGE, words(0) + IMAGE[:3])
        image, result = image_and_result(4)
        assert await host.run(image) == result
        await host.ask(Command.RUN, words(len(IMAGE), DIGEST))
        assert await host.ask(Command.RESET) == (Status.OK, b"")
        assert (await host.ask(Command.IMAGE, words(0) + IMAGE))[0] == Status.WRONG_ORDER
        assert await host.run(image) == result

    talk(conversation)


def test_a_new_model_is_loaded_all_or_nothing():
    async def conversation(host):
        await host.load(OTHER_PROGRAM, OTHER_WEIGHTS)
        assert (await host.ask(Command.RUN, words(len(IMAGE), OTHER_DIGEST)))[0] == Status.NO_MODEL
        assert await host.ask(Command.LOAD_COMMIT, words(OTHER_DIGEST)) == (Status.OK, b"")
        assert await host.ask(Command.LOAD_COMMIT, words(OTHER_DIGEST)) == (Status.OK, b"")
        assert (await host.ask(Command.RUN, words(len(IMAGE), DIGEST)))[0] == Status.WRONG_MODEL
        assert len(await host.run(IMAGE, OTHER_DIGEST)) == len(RESULT)
        await host.load(PROGRAM, WEIGHTS)
        assert await host.ask(Command.LOAD_COMMIT, words(DIGEST)) == (Status.OK, b"")
        assert await host.run(IMAGE) == RESULT

    talk(conversation, cycles=40_000)


def test_half_a_load_leaves_no_model():
    async def conversation(host):
        await host.load(PROGRAM[:3], [])
        state, shown = await registers(host)
        assert STATE.from_bits(state).loading and shown[Register.PROGRAM_DIGEST] == 0
        assert (await host.ask(Command.RUN, words(len(IMAGE), DIGEST)))[0] == Status.NO_MODEL
        assert await host.ask(Command.RESET) == (Status.OK, b"")
        assert (await host.ask(Command.RUN, words(len(IMAGE), DIGEST)))[0] == Status.NO_MODEL
        weight = words(1 << 28) + OTHER_WEIGHTS[0].to_bytes(5, "little")
        assert await host.ask(Command.LOAD_WORDS, weight) == (Status.OK, b"")
        status, body = await host.ask(Command.LOAD_COMMIT, words(DIGEST))
        assert (status, body[0]) == (Status.ENGINE_ERROR, ErrorCode.WEIGHT_CRC)
        status, body = await host.ask(Command.RUN, words(len(IMAGE), DIGEST))
        assert (status, body[0]) == (Status.ENGINE_ERROR, ErrorCode.WEIGHT_CRC)
        await host.load(PROGRAM, WEIGHTS)
        await host.ask(Command.LOAD_COMMIT, words(DIGEST))
        assert await host.run(IMAGE) == RESULT

    talk(conversation)


def test_words_behind_the_memory_or_cut_off_are_refused():
    async def conversation(host):
        await host.ask(Command.LOAD_BEGIN, words(CFG.digest))
        behind = words(1 << 28 | CFG.weight_words - 1) + bytes(10)
        assert (await host.ask(Command.LOAD_WORDS, behind))[0] == Status.REFUSED
        await host.ask(Command.LOAD_BEGIN, words(CFG.digest))
        assert (await host.ask(Command.LOAD_WORDS, words(0) + bytes(7)))[0] == Status.BAD_LENGTH

    talk(conversation)


def test_a_board_without_a_program_says_so():
    async def conversation(host):
        _, shown = await registers(host)
        assert shown[Register.PROGRAM_DIGEST] == 0
        status, body = await host.ask(Command.RUN, words(len(IMAGE), DIGEST))
        assert (status, body[0]) == (Status.ENGINE_ERROR, ErrorCode.BAD_IDENTITY)

    talk(conversation, program=(), weights=())


def test_frames_that_are_no_frames():
    oversized = Frame(1, Command.IMAGE, bytes(PAYLOAD_BYTES + 1)).to_bytes()

    async def conversation(host):
        for line, expected in ((b"\x7enoise\x7e", Status.BAD_CRC), (oversized, Status.OVERSIZED)):
            await host.send_bytes(line)
            answer = await host.answer()
            assert (answer.sequence, answer.command, answer.payload[0]) == (0, ANSWER, expected)
            assert await host.run(IMAGE) == RESULT

    talk(conversation, cycles=40_000)


@settings(derandomize=True, deadline=None, max_examples=5)
@given(st.data())
def test_whatever_the_line_brings_the_next_run_is_right(data):
    """Random commands, cut, damaged and mixed with noise; then a host that resets and runs."""
    lines = []
    for _ in range(data.draw(st.integers(1, 5))):
        command = data.draw(st.sampled_from([*Command, 0x55]))
        arguments = words(*data.draw(st.lists(st.sampled_from([0, 1, 5, DIGEST, CFG.digest]), max_size=2)))
        line = bytearray(Frame(1, command, arguments + data.draw(st.binary(max_size=6))).to_bytes())
        match data.draw(st.sampled_from(["whole", "flip", "cut"])):
            case "flip":
                line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del line[data.draw(st.integers(1, len(line) - 1)):]
        lines.append(bytes(line))

    async def conversation(host):
        for line in lines:
            await host.send_bytes(line)
            await host.drain(500)
        await host.send_bytes(b"\x7e")
        await host.drain(500)
        await host.load(PROGRAM, WEIGHTS)
        await host.ask(Command.LOAD_COMMIT, words(DIGEST))
        assert await host.run(IMAGE) == RESULT

    talk(conversation, cycles=30_000)


def test_lint():
    lint(FrameLink(CFG, identity=IDENTITY, slice_cycles=9, patience_cycles=99))
