"""The top level of a board under Verilator, at its pseudo-terminal: right results, whatever happened before.

One small build serves all tests; each worker runs its own board.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from firelane.boards.host.connection import ANSWER_SECONDS, Connection, StatusError
from firelane.boards.host.framing import Deframer, Frame
from firelane.boards.host.load import load_payload
from firelane.boards.host.port import SerialPort
from firelane.boards.host.remote_board import RemoteBoard
from firelane.boards.host.simulated_clock import CYCLES_PER_SECOND, UNNAMED
from firelane.boards.host.words import words
from firelane.boards.simulated.build import Design, build_board
from firelane.boards.simulated.model_board import UNNAMED_CLOCK_HZ
from firelane.boards.simulated.running import QUIET_CYCLES, RunningBoard
from firelane.boards.top.identity import Identity
from firelane.boards.top.link_timing import SIMULATED_TIMING
from firelane.cli.commands.board_sim import LEAST_PATIENCE
from firelane.compiler.artefact.reader import read_model
from firelane.compiler.frame_io.stream import stream_bytes
from firelane.compiler.schedule.cost_model import frame_cost
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import Opcode, instruction_words
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES, STATE, Command, Status
from tests.boards.host.digits import CFG, compiled, compiled_folder, expected, pixels

BAUD = 3_000_000
PATIENCE_CYCLES = LEAST_PATIENCE
DESIGN = Design(identity=Identity(board=UNNAMED, clock_hz=UNNAMED_CLOCK_HZ, engine=CFG),
                timing=replace(SIMULATED_TIMING, patience_cycles=PATIENCE_CYCLES))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Both digit networks, as a host has them."""
    folder = tmp_path_factory.mktemp("compiled")
    return {name: read_model(compiled_folder(name, folder / name)) for name in ("digits", "digits-bypass")}


@pytest.fixture(scope="module")
def board(models):
    with RunningBoard(build_board(DESIGN), models["digits"].contents) as running:
        yield running


@pytest.fixture
def port(board):
    port = SerialPort(board.port, BAUD)
    yield port
    port.close()


@contextlib.contextmanager
def host(board):
    """One that comes, and goes."""
    port = SerialPort(board.port, BAUD)
    try:
        yield RemoteBoard(port)
    finally:
        port.close()


def check(device: RemoteBoard, models, name: str = "digits", number: int = 0) -> None:
    """The board answers, and rightly."""
    frame = device.run(stream_bytes(pixels(number)), models[name].digest)
    assert frame.result == expected(name, pixels(number))


def test_results_and_cycles(board, models):
    with host(board) as device:
        assert device.identity == DESIGN.identity and device.state().digest == models["digits"].digest
        for number in (1, 2):
            frame = device.run(stream_bytes(pixels(number)), models["digits"].digest)
            assert frame.result == expected("digits", pixels(number))
            network = compiled("digits")
            cost = frame_cost(network.program.network, network.plan.steps, network.plan.wait_load, CFG,
                              network.program.encoded, network.plan.beside)
            assert frame.cycles == pytest.approx(cost.total - cost.waiting, rel=0.02)


def spoil(line: bytes, how: str) -> bytes:
    middle = len(line) // 2
    match how:
        case "a byte lost":
            return line[:middle] + line[middle + 1:]
        case "a hundred lost":
            return line[:middle] + line[middle + 100:]
        case "a bit flipped":
            return line[:middle] + bytes([line[middle] ^ 4]) + line[middle + 1:]
        case "the end lost":
            return line[:middle]
    return line[1:-1]           # no flags


@pytest.mark.parametrize("how", ["a byte lost", "a hundred lost", "a bit flipped", "the end lost", "the flags lost"])
def test_damaged_frames(port, models, how):
    """Damage in the middle of an image; then the host goes on with it, and it comes out right."""
    image, device = stream_bytes(pixels(3)), RemoteBoard(port)
    device.connection.ask(Command.RUN, words(len(image), models["digits"].digest))
    half = len(image) // 2
    port.write(spoil(Frame(1, Command.IMAGE, words(0) + image[:half]).to_bytes(), how))
    for first in (0, half):
        body = device.connection.ask(Command.IMAGE, words(first) + image[first:first + half])
        assert int.from_bytes(body, "little") == first + half
    assert fetch(device.connection) == expected("digits", pixels(3))


def fetch(connection: Connection) -> bytes:
    while True:
        try:
            return connection.ask(Command.RESULT, words(0))[1:]
        except StatusError as error:
            assert error.status is Status.PENDING


def test_an_oversized_frame(port, models):
    device, deframer = RemoteBoard(port), Deframer()
    port.write(Frame(1, Command.IMAGE, bytes(PAYLOAD_BYTES + 1)).to_bytes())
    found = []
    while not found:
        found += deframer.feed(port.read())
    assert (found[0].sequence, found[0].command, found[0].payload[0]) == (0, 0x80, Status.OVERSIZED)
    check(device, models)


@pytest.mark.parametrize("command, payload, status", [
    (Command.RESULT, words(0), Status.WRONG_ORDER), (Command.IMAGE, words(0) + b"x", Status.WRONG_ORDER),
    (Command.LOAD_WORDS, words(0) + bytes(5), Status.WRONG_ORDER), (Command.RESET, b"x", Status.BAD_LENGTH),
    (Command.LOAD_BEGIN, words(CFG.digest ^ 1), Status.WRONG_ENGINE),
])
def test_commands_out_of_place(port, models, command, payload, status):
    device = RemoteBoard(port)
    device.reset()
    with pytest.raises(StatusError) as error:
        device.connection.ask(command, payload)
    assert error.value.status is status
    check(device, models)


def test_an_image_for_another_model(port, models):
    device = RemoteBoard(port)
    with pytest.raises(StatusError, match="holds another model") as error:
        device.run(stream_bytes(pixels(0)), models["digits-bypass"].digest)
    assert error.value.status is Status.WRONG_MODEL
    check(device, models)


@pytest.mark.parametrize("size, code", [(-1, ErrorCode.IMAGE_SHORT), (1, ErrorCode.IMAGE_LONG)])
def test_an_image_of_the_wrong_size(port, models, size, code):
    image, device = stream_bytes(pixels(0)), RemoteBoard(port)
    with pytest.raises(StatusError) as error:
        device.run((image + b"x")[:len(image) + size], models["digits"].digest)
    assert (error.value.status, error.value.error_code) == (Status.ENGINE_ERROR, code)
    check(device, models)


def vanish_in_an_image(board, models, image: bytes) -> None:
    """A host that comes, and goes when it has sent a part of `image` and half a frame."""
    with host(board) as device:
        device.connection.ask(Command.RUN, words(len(image), models["digits"].digest))
        device.connection.ask(Command.IMAGE, words(0) + image[:1000])
        device.connection.port.write(Frame(1, Command.IMAGE, words(1000) + image[1000:]).to_bytes()[:700])


def link_state(device: RemoteBoard):
    return STATE.from_bits(device.state().link)


def test_a_host_that_vanishes_in_an_image(board, models):
    """The next one comes before the board has lost its patience, or takes so long itself."""
    image = stream_bytes(pixels(4))
    vanish_in_an_image(board, models, image)
    board.let_pass(QUIET_CYCLES)
    with host(board) as device:
        assert link_state(device).active and not link_state(device).timed_out
        device.connection.ask(Command.IMAGE, words(1000) + image[1000:1100])
        check(device, models)


def test_a_run_that_stands_still_is_abandoned(board, models):
    image = stream_bytes(pixels(4))
    vanish_in_an_image(board, models, image)
    board.let_pass(PATIENCE_CYCLES)
    with host(board) as device:
        assert link_state(device).timed_out and not link_state(device).active
        with pytest.raises(StatusError) as error:
            device.connection.ask(Command.IMAGE, words(1000) + image[1000:1100])
        assert error.value.status is Status.TIMEOUT
        check(device, models)


def test_time_stands_still_while_the_host_is_silent(board, port):
    """Then exactly as much passes as is asked for."""
    RemoteBoard(port)
    board.let_pass(1000)
    before = port.clock()
    board.let_pass(50_000)
    assert (port.clock() - before) * CYCLES_PER_SECOND == pytest.approx(50_000)
    assert ANSWER_SECONDS * CYCLES_PER_SECOND < QUIET_CYCLES < PATIENCE_CYCLES


def test_where_the_program_is(board, port, models):
    """Behind the first LOAD, which goes on meanwhile; and behind the last instruction when the result is there."""
    notes, image, device = compiled("digits").program.notes, stream_bytes(pixels(3)), RemoteBoard(port)
    device.connection.ask(Command.RUN, words(len(image), models["digits"].digest))
    device.connection.ask(Command.IMAGE, words(0) + image[:100])
    board.let_pass(1000)
    assert notes[0].opcode is Opcode.LOAD and board.program_word == notes[1].address
    check(device, models)
    board.let_pass(1000)
    assert board.program_word == notes[-1].address + instruction_words(CFG)


def test_a_host_that_vanishes_before_it_has_the_result(board, models):
    image = stream_bytes(pixels(5))
    with host(board) as device:
        device.connection.ask(Command.RUN, words(len(image), models["digits"].digest))
        device._send_image(image, lambda done, total: None)
        device.connection.port.write(Frame(1, Command.RESULT, words(0)).to_bytes())
    with host(board) as device:
        check(device, models, number=6)


def test_a_load_is_all_or_nothing(board, models):
    """Broken off, damaged, whole, and back."""
    digits, bypass = models["digits"], models["digits-bypass"]
    with host(board) as device:
        device.connection.ask(Command.LOAD_BEGIN, words(bypass.engine.digest))
        payload, _ = load_payload("program", bypass.contents.program, 0, PAYLOAD_BYTES)
        device.connection.ask(Command.LOAD_WORDS, payload)
        device.connection.port.write(Frame(1, Command.LOAD_WORDS, payload).to_bytes()[:99])
    with host(board) as device:
        assert device.state().loading and device.state().digest == 0
        for digest in (digits.digest, bypass.digest):
            with pytest.raises(StatusError) as error:
                device.run(stream_bytes(pixels(0)), digest)
            assert error.value.status is Status.NO_MODEL
        weights = list(bypass.contents.weights)
        weights[77] ^= 1 << 35
        with pytest.raises(StatusError) as error:
            device.load(replace(bypass.contents, weights=tuple(weights)))
        assert (error.value.status, error.value.error_code) == (Status.ENGINE_ERROR, ErrorCode.WEIGHT_CRC)
        assert device.state().digest == 0
        device.load(bypass.contents)
        check(device, models, "digits-bypass")
        device.load(digits.contents)
        check(device, models)
