"""The host's library against a board in Python: over a good line, over a bad one, and where there is no board."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.boards.host.connection import ANSWER_SECONDS, ATTEMPTS, IDENTIFY_SECONDS, StatusError
from firelane.boards.host.framing import Frame, unescape
from firelane.boards.host.port import READ_SECONDS, LinkError
from firelane.boards.host.remote_board import RemoteBoard
from firelane.boards.top.identity import Identity
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.link_protocol import Command, Status
from firelane.hw.contract.registers import Register
from tests.boards.host.fake_board import ENGINE, FakeBoard, Line, model_contents

IMAGE = bytes(range(256)) * 2
DIGEST = 0x1234


def connect(board: FakeBoard, *spoil) -> RemoteBoard:
    return RemoteBoard(Line(board, *spoil))


@pytest.mark.parametrize("options", [{}, {"busy": 13}, {"pending": 5}, {"chunk": 1}, {"chunk": 12}, {"chunk": 100}])
def test_an_image(options):
    board = FakeBoard(digest=DIGEST, **options)
    told = []
    frame = connect(board).run(IMAGE, DIGEST, lambda done, total: told.append((done, total)))
    assert frame.result == board.compute(IMAGE)
    assert frame.cycles == 1500 - 300 - 200
    assert told[-1] == (len(IMAGE), len(IMAGE)) and told == sorted(told)


def test_what_the_board_says_of_itself():
    device = connect(FakeBoard(digest=DIGEST))
    assert device.identity == FakeBoard().identity and device.engine_digest == ENGINE.digest
    state = device.state()
    assert (state.digest, state.loading) == (DIGEST, False)
    assert connect(FakeBoard(digest=DIGEST, loading=True)).state().digest == 0


def test_a_model_is_loaded_whole():
    board, contents = FakeBoard(digest=DIGEST), model_contents(list(range(100, 200)))
    told = []
    device = connect(board)
    device.load(contents, lambda done, total: told.append((done, total)))
    held = {name: tuple(board.memories[number][n] for n in sorted(board.memories[number]))
            for number, name in enumerate(("program", "weights", "values", "runs"))}
    assert held == contents.by_name
    words = sum(map(len, held.values()))
    assert told[-1] == (words, words)
    assert device.state().digest == contents.program_digest
    assert device.run(IMAGE, contents.program_digest).result == board.compute(IMAGE)


def test_a_board_that_forgets_is_asked_again():
    board, contents = FakeBoard(digest=DIGEST, pending=0), model_contents([5] * 60)
    due = [Command.LOAD_WORDS, Command.IMAGE]

    def power_cycle(octets: bytes, to_board: bool) -> bytes:
        if to_board and due and board.seen[-3:] == [due[-1]] * 3:
            due.pop()
            board.restart()
        return octets

    device = connect(board, power_cycle)
    assert device.run(IMAGE, DIGEST).result == board.compute(IMAGE)
    device.load(contents)
    assert not due and board.seen.count(Command.RUN) == 2 and board.seen.count(Command.LOAD_BEGIN) == 2
    assert device.state().digest == contents.program_digest


def test_a_board_that_always_forgets_is_given_up():
    board = FakeBoard(digest=DIGEST)

    def broken(octets: bytes, to_board: bool) -> bytes:
        if to_board and board.seen[-1:] == [Command.RUN]:
            board.restart()
        return octets

    with pytest.raises(StatusError, match="^line: was not ready for a command; is another host using it") as error:
        connect(board, broken).run(IMAGE, DIGEST)
    assert error.value.status is Status.WRONG_ORDER


@pytest.mark.parametrize("board, action, status, text", [
    (FakeBoard(digest=DIGEST), lambda device: device.run(IMAGE, 99), Status.WRONG_MODEL, "holds another model"),
    (FakeBoard(loading=True), lambda device: device.run(IMAGE, 99), Status.NO_MODEL, "a load was begun and not finish"),
    (FakeBoard(), lambda device: device.load(model_contents([1])), None, ""),
])
def test_refusals_are_in_words(board, action, status, text):
    if status is None:
        action(connect(board))
        assert board.digest == model_contents([1]).program_digest
        return
    with pytest.raises(StatusError, match=text) as error:
        action(connect(board))
    assert error.value.status is status


def test_an_engine_that_stops_says_why():
    board = FakeBoard(digest=DIGEST)
    board.registers[Register.ERROR] = ErrorCode.BAD_CODE | 77 << 16
    board.do_image = lambda payload: Status.ENGINE_ERROR
    with pytest.raises(StatusError, match=r"^line: the engine stopped: the weight streams hold .* word 77\)"):
        connect(board).run(IMAGE, DIGEST)


def test_a_damaged_load_is_no_model():
    contents = model_contents([1, 2, 3])
    damaged = replace(contents, weights=(1, 2, 4))
    board = FakeBoard(digest=DIGEST)
    device = connect(board)
    with pytest.raises(StatusError) as error:
        device.load(damaged)
    assert (error.value.status, error.value.error_code) == (Status.ENGINE_ERROR, ErrorCode.PROGRAM_CRC)
    assert device.state().digest == 0


class Spoiler:
    """Loses and changes bytes with chance `rate`, either way; sometimes a whole transmission."""

    def __init__(self, seed: int, rate: float):
        self._rng, self._rate = random.Random(seed), rate

    def __call__(self, octets: bytes, to_board: bool) -> bytes:
        if self._rng.random() < 5 * self._rate:
            return b""
        found = bytearray()
        for octet in octets:
            chance = self._rng.random()
            if chance < self._rate / 2:
                continue
            found.append(octet ^ (1 << self._rng.randrange(8)) if chance < self._rate else octet)
        return bytes(found)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(0, 1 << 30), st.sampled_from([0.0003, 0.004, 0.02]))
def test_no_wrong_result_over_a_bad_line(seed, rate):
    board = FakeBoard(digest=DIGEST)
    try:
        device = connect(board, Spoiler(seed, rate))
        for n in range(3):
            image = bytes([n]) + IMAGE
            assert device.run(image, DIGEST).result == board.compute(image)
        contents = model_contents([n * 3 for n in range(70)])
        device.load(contents)
        assert tuple(board.memories[1][n] for n in range(70)) == contents.weights
    except LinkError:
        assert rate > 0.0003, "five times in a row is more than chance"


def test_sent_again_as_often_as_needed():
    board, sent = FakeBoard(digest=DIGEST), []

    def lose_most(octets: bytes, to_board: bool) -> bytes:
        if to_board and board.seen:             # it has been identified
            sent.append(octets)
        return octets if len(sent) % ATTEMPTS == 0 else b""

    device = connect(board, lose_most)
    assert device.run(IMAGE[:40], DIGEST).result == board.compute(IMAGE[:40])
    assert device.connection.sent_again == len(sent) * (ATTEMPTS - 1) // ATTEMPTS
    assert len(set(sent)) == len(sent) // ATTEMPTS, "a command is sent again with the same sequence number"


def complaint(status: Status = Status.BAD_CRC) -> bytes:
    return Frame(0, 0x80, bytes([status]) + bytes(4)).to_bytes()


class NoisyLine(Line):
    """Noise came before the host: the board works it off, a complaint every `gap` seconds, and then hears the host."""

    def __init__(self, board: FakeBoard, complaints: int, gap: float):
        super().__init__(board)
        self._coming = [(gap * n, complaint()) for n in range(1, complaints + 1)]
        self._busy, self._heard = gap * complaints, b""

    def write(self, octets: bytes) -> None:
        self._heard += octets

    def read(self) -> bytes:
        if self._now >= self._busy and self._heard:
            super().write(self._heard)
            self._heard = b""
        return super().read()


@pytest.mark.parametrize("complaints, gap", [(1, 0.0), (4, 0.03), (40, 0.03), (100, 0.09), (20, 0.5), (55, 0.9)])
def test_complaints_of_noise_from_before_are_passed_over(complaints, gap):
    line = NoisyLine(FakeBoard(digest=DIGEST), complaints, gap)
    device = RemoteBoard(line)
    assert device.run(IMAGE, DIGEST).result == line.board.compute(IMAGE)


def test_a_board_that_always_complains_is_given_up():
    line = NoisyLine(FakeBoard(), 10_000, 0.05)
    with pytest.raises(LinkError, match="damages what is sent: IDENTIFY failed"):
        RemoteBoard(line)
    assert 60 <= line.clock() < 64


def test_the_first_complaint_is_answered_at_once():
    """No time passes but that of reading."""
    board, spoilt = FakeBoard(digest=DIGEST), []

    def spoil_once(octets: bytes, to_board: bool) -> bytes:
        if to_board and board.seen and octets not in spoilt:
            spoilt.append(octets)
            return octets[:3] + bytes([octets[3] ^ 4]) + octets[4:]
        return octets

    line = Line(board, spoil_once)
    device = RemoteBoard(line)
    before = line.clock()
    assert device.run(IMAGE, DIGEST).result == board.compute(IMAGE)
    assert line.clock() - before < (2 * len(spoilt) + 5) * 2 * READ_SECONDS and device.connection.sent_again > 5


@pytest.mark.parametrize("how", ["complaints", "silence", "answers lost"])
def test_frames_shorten_on_a_bad_line_and_grow_back(how):
    """Nothing longer than 300 bytes arrives, as long as the line is bad."""
    board = FakeBoard(digest=DIGEST, identity=replace(FakeBoard().identity, payload_bytes=2048))
    lengths, bad, lost = [], True, False

    def spoil(octets: bytes, to_board: bool) -> bytes:
        nonlocal lost
        if not to_board:
            return b"" if lost else octets
        lost = False
        lengths.append(len(octets))
        if not bad or len(octets) <= 300:
            return octets
        lost = how == "answers lost"
        return octets if lost else b"" if how == "silence" else octets[:50] + b"\x55" + octets[51:]

    device = connect(board, spoil)
    image = bytes(n * n % 251 for n in range(40_000))
    assert device.run(image, DIGEST).result == board.compute(image)
    assert device.connection.size.now <= 512
    assert sum(length > 300 for length in lengths) <= 20, "it tries longer ones seldom"
    contents = model_contents([n * 3 for n in range(1000)])
    device.load(contents)
    assert tuple(board.memories[1][n] for n in range(1000)) == contents.weights
    bad = False
    for _ in range(2):
        assert device.run(image, contents.program_digest).result == board.compute(image)
    assert device.connection.size.now == 2048 and max(lengths[-20:]) > 2000


@pytest.mark.parametrize("late, sent_again", [(0.9 * IDENTIFY_SECONDS, False), (1.1 * ANSWER_SECONDS, True)])
def test_answers_that_are_late(late, sent_again):
    """They come so many seconds after the question: in time, or to one that was sent again."""
    line = Line(FakeBoard(digest=DIGEST), delay=late)
    device = RemoteBoard(line)
    assert device.run(IMAGE, DIGEST).result == line.board.compute(IMAGE)
    assert (device.connection.sent_again > 0) == sent_again


def test_a_host_that_comes_late_finds_the_answer():
    """It slept through all the time that it would have waited."""
    line = Line(FakeBoard(digest=DIGEST))
    write = line.write

    def asleep(octets: bytes) -> None:
        write(octets)
        line.pass_time(10 * ANSWER_SECONDS)

    line.write = asleep
    device = RemoteBoard(line)
    assert device.run(IMAGE, DIGEST).result == line.board.compute(IMAGE) and device.connection.sent_again == 0


def test_late_answers_are_not_taken_for_others():
    """Each answer comes twice, the second time with the answer to the next command."""
    late = []

    def repeat(octets: bytes, to_board: bool) -> bytes:
        if to_board:
            return octets
        late.append(octets)
        return b"".join(late[-2:])

    board = FakeBoard(digest=DIGEST)
    assert connect(board, repeat).run(IMAGE, DIGEST).result == board.compute(IMAGE)


@pytest.mark.parametrize("answer, text", [
    (lambda octets: b"", r"^line: no Firelane board there \(no answer to IDENTIFY\)"),
    (lambda octets: octets, r"^line: no Firelane board there \(no answer to IDENTIFY\)"),
    (lambda octets: b"login: \r\n" * 300, r"^line: no Firelane board there \(no answer to IDENTIFY\)"),
    (lambda octets: Frame(0, 0x80, bytes([Status.BAD_CRC]) + bytes(4)).to_bytes(), "damages what is sent: IDENTIFY"),
], ids=["silent", "echo", "console", "damage"])
def test_what_is_no_board(answer, text):
    board = FakeBoard()
    board.answers = answer
    with pytest.raises(LinkError, match=text):
        connect(board)


@pytest.mark.parametrize("identity, text", [
    (b"{}", r"what answers is no Firelane board of this protocol \(no identity: 'engine'\)"),
    (Identity(board="x", clock_hz=1, engine=ENGINE, version=2).to_bytes(), "the board speaks version 2 of the prot"),
])
def test_a_board_of_another_kind(identity, text):
    board = FakeBoard()
    board.do_identify = lambda payload: board.do_registers(payload) + identity
    with pytest.raises(LinkError, match=text):
        connect(board)


@pytest.mark.parametrize("command, body, text", [
    ("do_image", bytes([0, 0, 9, 0]), "took 589824 bytes of an image"), ("do_image", b"", "took 0 bytes of an image"),
    ("do_result", b"\x01", "an empty piece of a result"), ("do_registers", b"123", "3 bytes of registers"),
])
def test_answers_that_make_no_sense(command, body, text):
    board = FakeBoard(digest=DIGEST)
    device = connect(board)
    setattr(board, command, lambda payload: body)
    with pytest.raises(LinkError, match=text):
        device.run(IMAGE, DIGEST)


def test_a_status_that_is_none():
    board = FakeBoard()
    device = connect(board)
    # The first number of a host's frames is any, and some are escaped.
    board.answers = lambda octets: Frame(unescape(octets[1:-1])[0], 0x83, b"\x55").to_bytes()
    with pytest.raises(LinkError, match="answered status 85, which is none"):
        device.reset()
