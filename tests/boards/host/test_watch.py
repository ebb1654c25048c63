"""Lines of a board with a camera, whole and damaged, as sights with names; the command that shows them."""

from __future__ import annotations

import functools
import json
import operator
from itertools import islice

import pytest

from firelane.boards.host import camera_ports
from firelane.boards.host import watch as watching
from firelane.boards.host.camera_lines import CameraLine, LineSplitter, read_line
from firelane.boards.host.camera_ports import camera_port
from firelane.boards.host.discovery import AUTO, BAUDS, SIMULATED, SerialLine
from firelane.boards.host.port import LinkError
from firelane.cli.main import main
from firelane.compiler.support.errors import ConfigError
from tests.boards.host.digits import compiled_folder
from tests.json_schemas import check

CLOCK = 100_000_000


def text_of(body: str) -> bytes:
    return b"$%s*%02X\r\n" % (body.encode(), functools.reduce(operator.xor, body.encode()))


def answer(frames: int, digest: int = 7, best=((3, 200), (1, 20), (0, 9), (2, 4), (4, 0)), dropped: int = 1) -> bytes:
    classes = ",".join(f"{number},{value}" for number, value in best)
    return text_of(f"FLA,1,{CLOCK},{digest},{frames},{dropped},2,0,3000000,50000,{classes}")


STATE = text_of(f"FLS,1,{CLOCK},7,5,1,2,0")


class FakePort:
    """Gives pieces of bytes, `seconds` apart; then the port is gone."""

    simulated, name = False, "/dev/fake"

    def __init__(self, pieces, seconds=0.1):
        self._pieces, self._seconds, self._now = list(pieces), seconds, 0.0
        self.closed = False

    def read(self) -> bytes:
        if not self._pieces:
            raise EOFError
        self._now += self._seconds
        return self._pieces.pop(0)

    def clock(self) -> float:
        return self._now

    def write(self, octets: bytes) -> None:
        raise AssertionError("nobody speaks to such a board")

    def close(self) -> None:
        self.closed = True


def seen(pieces, notes=None, **where):
    port = FakePort(pieces, **where)
    found = []
    with pytest.raises(EOFError):
        found.extend(watching.sights(port, watching._Names(None, None), (notes if notes is not None else []).append))
    return found


def test_a_line():
    line = read_line(answer(6))
    assert line == CameraLine(clock_hz=CLOCK, digest=7, frames=6, dropped=1, skipped=2, errors=0, cycles=3_000_000,
                              latency=50_000, best=((3, 200), (1, 20), (0, 9), (2, 4), (4, 0)))
    assert read_line(STATE) == CameraLine(clock_hz=CLOCK, digest=7, frames=5, dropped=1, skipped=2, errors=0)


@pytest.mark.parametrize("text", [b"", b"$*00", b"noise", answer(6)[1:], answer(6).replace(b"200", b"201"),
                                  answer(6)[:-4], text_of("FLA,2,1,2,3"), text_of("FLS,1,1,2,3"),
                                  text_of("FLS,1,1,2,3,4,5,x"), text_of("FLA,1,1,2,3,4,5,6,7,8,9"), b"$FLS*\xff"])
def test_what_is_no_line(text):
    assert read_line(text) is None


def test_pieces_of_any_size_and_noise_between():
    stream = b"\x00half a line\n" + answer(1) + STATE + b"$FLA,1,\n" + answer(2)
    for size in (1, 7, 1000):
        splitter = LineSplitter()
        lines = [line for start in range(0, len(stream), size) for line in splitter.feed(stream[start:start + size])]
        assert [line.frames for line in lines] == [1, 5, 2] and splitter.damaged == 2


def test_rate_and_words():
    found = seen([answer(n) for n in range(1, 31)] + [STATE])
    assert found[0].rate is None and found[29].rate == pytest.approx(10)
    assert str(found[0]) == "1: 3 200, 1 20, 0 9, 2 4, 4 0 | 0.50 ms, dropped 1, skipped 2"
    assert str(found[29]).startswith("30: ") and " | 10.0 frames/s, 0.50 ms" in str(found[29])
    assert str(found[30]) == "no picture; 5 answers so far, dropped 1, skipped 2"
    assert found[0].engine_ms == 30


def test_silence_is_told_once_until_the_board_speaks_again():
    notes: list[str] = []
    seen([b""] * 100 + [STATE] + [b"x\n"] * 100, notes)
    assert len(notes) == 2 and "is it the right port" in notes[0] and "damaged or of something else" in notes[1]


def test_names_and_values(tmp_path, monkeypatch):
    folder = compiled_folder("digits", tmp_path / "digits")
    model = watching.read_model(folder)
    names = tmp_path / "names.txt"
    names.write_text("".join(f"digit {n}\n" for n in range(10)))
    port = FakePort([answer(1, model.digest)])
    sight, = islice(watching.sights(port, watching._Names(folder, names), print), 1)
    tensor = model.graph.tensors[model.graph.output]
    assert sight.classes[0] == watching.SeenClass(3, "digit 3", 200, (200 - tensor.zero_point) * tensor.scale)
    with pytest.raises(watching.FirelaneError, match="is not the model in the board"):
        next(watching.sights(FakePort([answer(1, 5)]), watching._Names(folder, None), print))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(watching.ConfigError, match="^labels: nothing here was compiled to the board's program"):
        next(watching.sights(FakePort([answer(1, 5)]), watching._Names(None, names), print))


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    port = FakePort([answer(1), STATE, answer(2), answer(3)])
    rates = []
    monkeypatch.setattr(watching, "SerialPort", lambda name, baud: rates.append(baud) or port)
    assert main(["watch", "--port", "x", "--count", "2", "--json"]) == 0
    documents = [check("watch", json.loads(line)) for line in capsys.readouterr().out.splitlines()]
    assert [document["frame"] for document in documents] == [1, 5, 2] and port.closed
    assert [len(document["classes"]) for document in documents] == [5, 0, 5]
    port._pieces = [answer(4)]
    assert main(["watch", "--port", "x", "--count", "1", "--baud", "9600"]) == 0
    assert capsys.readouterr().out == "4: 3 200, 1 20, 0 9, 2 4, 4 0 | 0.50 ms, dropped 1, skipped 2\n"
    assert rates == [BAUDS[0], 9600]


class Machine:
    """Ports by name: what is heard at each rate there, or what is raised."""

    def __init__(self, ports):
        self.ports, self.opened = ports, []

    def open(self, name, baud):
        self.opened.append((name, baud))
        found = self.ports[name]
        if isinstance(found, ConfigError):
            raise found
        return Endless(found.get(baud, b""))


class Endless(FakePort):
    """Says one thing again and again."""

    def __init__(self, said):
        super().__init__([])
        self._said = said

    def read(self) -> bytes:
        self._now += self._seconds
        if isinstance(self._said, LinkError):
            raise self._said
        return self._said


@pytest.fixture
def machine(monkeypatch):
    def of(**ports) -> Machine:
        made = Machine(ports)
        monkeypatch.setattr(camera_ports, "SerialPort", made.open)
        monkeypatch.setattr(camera_ports, "serial_lines", lambda: [
            *map(SerialLine, ports), SerialLine("a board of board-sim", SIMULATED)])
        return made

    return of


def test_a_board_is_found_by_what_it_says(machine):
    said = []
    there = machine(silent={}, noisy={BAUDS[0]: b"noise\n", BAUDS[1]: b"noise\n"}, slow={BAUDS[1]: STATE})
    assert camera_port(AUTO, None, say=said.append) == ("slow", BAUDS[1])
    assert said == ["a board with a camera at slow, 1,000,000 baud"]
    assert sorted(there.opened) == sorted((name, baud) for name in there.ports for baud in BAUDS)
    there.opened.clear()
    assert camera_port("slow", None) == ("slow", BAUDS[0]) and camera_port("x", 9600) == ("x", 9600)
    assert there.opened == []


def test_a_rate_that_is_named_is_the_only_one(machine):
    there = machine(slow={BAUDS[1]: STATE})
    with pytest.raises(ConfigError, match="auto: no board with a camera"):
        camera_port(AUTO, BAUDS[0])
    assert there.opened == [("slow", BAUDS[0])]


def test_none_or_two_boards(machine):
    machine(silent={}, busy=ConfigError("--port", "busy is in use by another program"),
            gone={BAUDS[0]: LinkError("gone", "the port is gone")})
    with pytest.raises(ConfigError, match=r"auto: no board with a camera \(silent: says nothing that such a board "
                                          r"does; busy: is in use by another program; gone: the port is gone\); is "):
        camera_port(AUTO, None)
    machine(one={BAUDS[0]: STATE}, two={BAUDS[0]: answer(1)})
    with pytest.raises(ConfigError, match=r"auto: 2 boards with a camera \(one, two\); name one of these ports"):
        camera_port(AUTO, None)
    machine()
    with pytest.raises(ConfigError, match="auto: this machine has no serial port; "):
        camera_port(AUTO, None)
