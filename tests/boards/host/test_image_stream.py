"""Images in a stream, to a board in Python: over good lines and bad ones, at boards with much room and with little."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.boards.host import image_stream
from firelane.boards.host.connection import StatusError
from firelane.boards.host.port import LinkError
from firelane.boards.host.remote_board import RemoteBoard
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.link_protocol import Command, Status
from firelane.hw.contract.registers import STATUS, Register
from tests.boards.host.fake_board import IDENTITY, FakeBoard, Line

DIGEST = 0x1234
STREAMING = replace(IDENTITY, stream_bytes=4096)
SMALL = replace(IDENTITY, stream_bytes=2048)


def images(count: int, size: int = 200, seed: int = 1) -> list[bytes]:
    return [random.Random(seed + n).randbytes(size) for n in range(count)]


def fake(**options) -> FakeBoard:
    return FakeBoard(digest=DIGEST, **{"identity": STREAMING, **options})


class CountingLine(Line):
    """Counts commands under way: written and not answered."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.under_way = self.most = 0

    def write(self, octets: bytes) -> None:
        super().write(octets)
        self.under_way += 1
        self.most = max(self.most, self.under_way)

    def read(self) -> bytes:
        found = super().read()
        self.under_way -= found.count(b"\x7e") // 2
        return found


def check(board: FakeBoard, device: RemoteBoard, octets: list[bytes]) -> None:
    found = list(device.run_all(octets, DIGEST))
    assert [frame.result for frame in found] == [board.compute(image) for image in octets]
    assert all(frame.image_seconds >= 0 and frame.result_seconds >= 0 for frame in found)


@pytest.mark.parametrize("identity, frames", [(STREAMING, 3), (SMALL, 2)])
def test_as_many_commands_as_the_board_holds_are_under_way(identity, frames):
    board = fake(identity=identity)
    line = CountingLine(board, delay=0.1)
    check(board, RemoteBoard(line), images(5))
    assert line.most == frames
    assert board.seen.count(Command.STREAM) == 1 and Command.RUN not in board.seen


@pytest.mark.parametrize("options", [{}, {"busy": 13}, {"pending": 5}, {"chunk": 1}, {"chunk": 12}, {"room": 0},
                                     {"room": 61, "busy": 61}, {"busy": 7, "chunk": 3, "pending": 2, "room": 9}])
@pytest.mark.parametrize("size", [1, 60, 61, 200])
def test_boards_with_much_room_and_with_little(options, size):
    board = fake(**options)
    check(board, RemoteBoard(Line(board)), images(7, size))


def test_each_frame_has_its_own_cycles():
    found = list(RemoteBoard(Line(fake())).run_all(images(4), DIGEST))
    assert [frame.cycles for frame in found] == [1000 + n for n in range(1, 5)]


def test_images_are_taken_while_others_are_computed():
    """A frame in hand and bytes of the next: not all of a batch."""
    board, taken = fake(room=64), []       # and 4092 before it says so

    def source():
        for octets in images(9, 5000):
            taken.append(octets)
            yield octets

    frames = RemoteBoard(Line(board)).run_all(source(), DIGEST)
    next(frames)
    assert 2 <= len(taken) <= 4
    assert len(list(frames)) == 8


def test_no_image_is_no_command():
    board = fake()
    assert list(RemoteBoard(Line(board)).run_all([], DIGEST)) == [] and Command.STREAM not in board.seen


def test_a_board_without_streams_gets_one_image_after_the_other():
    board = fake(identity=IDENTITY)
    check(board, RemoteBoard(Line(board)), images(3))
    assert board.seen.count(Command.RUN) == 3


def test_another_stream_begins_before_offsets_end(monkeypatch):
    monkeypatch.setattr(image_stream, "MOST_BYTES", 700)
    board = fake()
    check(board, RemoteBoard(Line(board)), images(8))
    assert board.seen.count(Command.STREAM) == 3


def test_a_board_that_forgets_gets_what_has_no_result():
    board, cuts = fake(), [60, 30]

    def power_cycle(octets: bytes, to_board: bool) -> bytes:
        if to_board and cuts and len(board.seen) > cuts[-1]:
            cuts.pop()
            board.restart()
        return octets

    check(board, RemoteBoard(Line(board, power_cycle)), images(12))
    assert not cuts and board.seen.count(Command.STREAM) == 3


def test_a_board_that_always_forgets_is_given_up():
    board = fake()

    def power_cycle(octets: bytes, to_board: bool) -> bytes:
        if board.seen[-1:] == [Command.STREAM]:
            board.restart()
        return octets

    with pytest.raises(StatusError) as error:
        list(RemoteBoard(Line(board, power_cycle)).run_all(images(2), DIGEST))
    assert error.value.status is Status.WRONG_ORDER and board.seen.count(Command.STREAM) == 3


def test_refused():
    with pytest.raises(StatusError) as error:
        list(RemoteBoard(Line(fake())).run_all(images(1), DIGEST + 1))
    assert error.value.status is Status.WRONG_MODEL


def test_a_frame_that_the_engine_did_not_end_is_no_result():
    board = fake()

    def broken(payload):
        found = FakeBoard.do_registers(board, payload)
        board.registers |= {Register.FRAMES: 0, Register.ERROR: ErrorCode.IMAGE_LONG,
                            Register.STATUS: STATUS.const({"error": 1}).as_value().value}
        return FakeBoard.do_registers(board, payload) if found else found

    board.do_registers = broken
    with pytest.raises(StatusError) as error:
        list(RemoteBoard(Line(board)).run_all(images(1), DIGEST))
    assert (error.value.status, error.value.error_code) == (Status.ENGINE_ERROR, ErrorCode.IMAGE_LONG)


def test_another_host_at_the_same_board_is_noticed():
    board = fake()
    board.do_image = lambda payload: (1 << 20).to_bytes(4, "little") + bytes(4)
    with pytest.raises(LinkError, match="^line: took 1048576 bytes of images, of which it got"):
        list(RemoteBoard(Line(board)).run_all(images(1), DIGEST))


def noisy(seed: int, share: float):
    """Bytes that are flipped, lost or added in both directions, in about `share` of what is written at a time."""
    rng = random.Random(seed)

    def spoil(octets: bytes, to_board: bool) -> bytes:
        if not octets or rng.random() > share:
            return octets
        line, place = bytearray(octets), rng.randrange(len(octets))
        match rng.choice(["flip", "lose", "add", "all"]):
            case "flip":
                line[place] ^= 1 << rng.randrange(8)
            case "lose":
                del line[place:place + rng.randint(1, 4)]
            case "add":
                line[place:place] = rng.randbytes(rng.randint(1, 4))
            case "all":
                line.clear()
        return bytes(line)

    return spoil


@settings(derandomize=True, deadline=None, max_examples=60)
@given(seed=st.integers(0, 1 << 30), share=st.sampled_from([0.02, 0.06]), delay=st.sampled_from([0.0, 0.05]),
       size=st.sampled_from([3, 100, 250]), busy=st.sampled_from([9, 1 << 20]), room=st.sampled_from([0, 50, 1 << 20]))
def test_lost_and_damaged_bytes(seed, share, delay, size, busy, room):
    """Every result is right and in its place, whatever is lost on the way to the board or back."""
    board, spoil = fake(busy=busy, room=room), noisy(seed, share)
    device = RemoteBoard(line := Line(board, delay=delay))
    line._spoil = spoil
    check(board, device, images(6, size, seed))


def test_a_line_that_ends_is_said():
    board = fake()
    line = Line(board)
    device = RemoteBoard(line)
    frames = device.run_all(images(9), DIGEST)
    next(frames)
    line._spoil = lambda octets, to_board: b""
    with pytest.raises(LinkError, match="^line: no answer to"):
        list(frames)
