"""Boards are found by what they say of themselves; a port without one says why."""

from __future__ import annotations

import pytest

from firelane.boards import all_boards
from firelane.boards.host import discovery, simulated_clock
from firelane.boards.host.discovery import BAUDS, SIMULATED, Device, SerialLine, Status, chosen_port, find_devices
from firelane.boards.host.framing import Frame, unescape
from firelane.boards.host.port import SerialPort
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.link_protocol import Status as LinkStatus
from tests.boards.host.fake_board import ENGINE, FakeBoard, on_terminal

DIGEST = 0x1234


def unknown_command(octets: bytes) -> bytes:
    """A device with the frames of this protocol and none of its commands."""
    sequence, command, *_ = unescape(octets[1:-1])
    return Frame(sequence, command | 0x80, bytes([LinkStatus.UNKNOWN_COMMAND]) + bytes(4)).to_bytes()


@pytest.fixture
def machine(monkeypatch):
    """Says which ports there are: other tests' boards are none of them."""
    return lambda *ports: monkeypatch.setattr(discovery, "serial_lines",
                                              lambda: [SerialLine(port, SIMULATED) for port in ports])


def test_what_is_at_each_port(machine):
    with (on_terminal(FakeBoard(digest=DIGEST).answers) as board, on_terminal(FakeBoard().answers) as empty,
          on_terminal(lambda octets: b"") as silent, on_terminal(unknown_command) as other,
          on_terminal(FakeBoard().answers) as busy):
        machine(silent, board, "/no/such/port", other, busy, empty)
        told = []
        held = SerialPort(busy, BAUDS[0])
        found = find_devices(progress=lambda stage, done, total: told.append((done, total)))
        held.close()
    assert [device.port for device in found] == [silent, board, "/no/such/port", other, busy, empty]
    assert [device.status for device in found] == [Status.SILENT, Status.BOARD, Status.CLOSED, Status.OTHER,
                                                   Status.CLOSED, Status.BOARD]
    assert found[1] == Device(board, SIMULATED, Status.BOARD, BAUDS[0], FakeBoard().identity, ENGINE.digest, DIGEST)
    assert found[5].model_digest == 0
    assert [device.problem for device in found] == [
        "nothing answers", "", "there is no /no/such/port", "does not know a command", "is in use by another program",
        ""]
    assert told == [(n, 6) for n in range(7)]


def test_ports_that_are_named(machine):
    with on_terminal(FakeBoard().answers) as path:
        machine("/no/such/port")
        assert [(device.port, device.status) for device in find_devices([path])] == [(path, Status.BOARD)]


def test_every_rate_that_a_board_has_is_tried(monkeypatch):
    assert set(BAUDS) == {board.baud for board in all_boards()}
    tried = []

    def silent(line: SerialLine, baud: int) -> Device:
        tried.append(baud)
        return Device(line.port, line.about, Status.BOARD if baud == slow else Status.SILENT, baud)

    monkeypatch.setattr(discovery, "_tried", silent)
    slow = BAUDS[1]
    assert find_devices(["x"])[0].baud == slow and tried == list(BAUDS)
    tried.clear()
    assert find_devices(["x"], 9600)[0].status is Status.SILENT and tried == [9600]


def test_the_only_board_is_chosen(machine):
    said = []
    with on_terminal(FakeBoard().answers) as board, on_terminal(lambda octets: b"") as silent:
        machine(silent, board)
        assert chosen_port("auto", None, say=said.append) == (board, BAUDS[0])
        assert said == [f"board: fake at {board}"]
        machine()
        assert chosen_port("/dev/ttyUSB7", None) == ("/dev/ttyUSB7", BAUDS[0])
        assert chosen_port("/dev/ttyUSB7", 9600) == ("/dev/ttyUSB7", 9600)


def test_none_and_several_are_told(machine):
    with (on_terminal(FakeBoard().answers) as one, on_terminal(FakeBoard().answers) as two,
          on_terminal(lambda octets: b"") as silent):
        machine(one, silent, two)
        with pytest.raises(ConfigError, match=rf"^port: auto: 2 boards \({one}: fake, {two}: fake\); name one of "):
            chosen_port("auto", None)
        machine(silent, "/no")
        with pytest.raises(ConfigError, match=rf"^port: auto: no board \({silent}: nothing answers; /no: there is no "
                                              r"/no\); is the board connected"):
            chosen_port("auto", None)
        machine()
        with pytest.raises(ConfigError, match=r"^port: auto: this machine has no serial port; "):
            chosen_port("auto", None)


def test_simulated_boards_are_among_the_ports():
    with on_terminal(FakeBoard().answers) as path:
        assert path in simulated_clock.terminals()
        assert SerialLine(path, SIMULATED) in discovery.serial_lines()
    assert path not in simulated_clock.terminals()
