"""A board in a user's file: what is read, and what each mistake is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from firelane.boards import all_boards, get_board
from firelane.boards.board import DEVICES, LFE5U_85F, Device
from firelane.boards.board_template import board_text
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import tile_gap_cycles

TEXT = board_text("my_board", get_board("orangecrab_85f"), "my_board.toml")
PLATFORM = 'class = "amaranth_boards.orangecrab_r0_2:OrangeCrabR0_2_85FPlatform"'
PINS = 'package = "BG256"\nspeed = "6"\nclock_pin = "P6"\nclock_mhz = 25'


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "my_board.toml"
        path.write_text(text)
        return path

    return write


def changed(old: str, new: str) -> str:
    assert old in TEXT, old
    return TEXT.replace(old, new, 1)


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_what_is_written_is_read(board, file):
    """All fields of a copy are those of the board, and its platform has the same oscillator and serial line."""
    copy = get_board(str(file(board_text("my_board", board, "my_board.toml"))))
    assert copy == replace(board, name="my_board", description=f"like {board.description}", platform=copy.platform)
    ours, theirs = copy.platform(), board.platform()
    assert (ours.device, ours.package, ours.speed) == (theirs.device, theirs.package, theirs.speed)
    assert ours.default_clk_frequency == theirs.default_clk_frequency
    assert repr(ours.lookup("uart", 0)) == repr(theirs.lookup("uart", 0))


def test_a_board_of_pins_and_a_device_of_its_own(file):
    text = changed(PLATFORM, PINS).replace('name = "LFE5U-85F"', 'name = "LFE5UM-85F"\nlut = 9\nebr = 8\ndsp = 7')
    board = get_board(str(file(text)))
    assert board.device == Device("LFE5UM-85F", ebr=8, dsp=7, lut=9)
    platform = board.platform()
    assert (platform.device, platform.package, platform.speed) == ("LFE5UM-85F", "BG256", "6")
    assert platform.default_clk_frequency == 25e6 and platform.family == "ecp5"


def test_what_may_be_left_out(file):
    lines = [line for line in TEXT.splitlines() if not line.startswith(("serial", "seed", "ripup", "result_", "banks"))]
    board = get_board(str(file("\n".join(lines))))
    assert (board.seed, board.ripup, board.result_bytes) == (1, True, 2048) and "USB" in board.serial
    assert board.engine.banks == EngineConfig().banks and board.device == LFE5U_85F


@pytest.mark.parametrize("old, new, message", [
    ('name = "my_board"', 'name = "My Board"', "name: 'My Board'; lower case letters, digits"),
    ('name = "my_board"', 'name = "ulx3s_85f"', "name: 'ulx3s_85f' is a board of Firelane's own; choose"),
    ("baud = 1000000", "baut = 1000000", "baut: there is no such field; did you mean baud?"),
    ("baud = 1000000", "", "baud: is missing; a whole number is needed"),
    ("baud = 1000000", 'baud = "fast"', "baud: 'fast'; a whole number is needed"),
    ("baud = 1000000", "baud = true", "baud: True; a whole number is needed"),
    ("baud = 1000000", "baud = 0", "baud: 0; more than 0, at most 1e+08"),
    ("clock_mhz = 108", "clock_mhz = nan", "clock_mhz: nan; more than 0, at most 1000"),
    ("ripup = true", "ripup = 1", "ripup: 1; true or false is needed"),
    ("result_bytes = 2048", "result_bytes = 65", "result_bytes: 65; 64 and 2048 are possible"),
    ('name = "LFE5U-85F"', 'name = "LFE5U-25F"', "device.name: LFE5U-25F, and the platform has LFE5U-85F; name"),
    ('name = "LFE5U-85F"', 'name = "XC7A100T"', "device.name: XC7A100T, and the platform has LFE5U-85F; name"),
    ('name = "LFE5U-85F"', 'name = "GW2A-18"', "device.lut: is missing; its data sheet has it; known without it: "),
    ('name = "LFE5U-85F"', 'name = "LFE5U-85F"\nlut = 1\nebr = 0\ndsp = 1', "device.ebr: 0; its data sheet has it"),
    ('name = "LFE5U-85F"', 'name = "x"\nlut = 1\nebr = 1\ndsp = 1\nfamily = "ice40"',
     "device.family: 'ice40'; ecp5, series7 are possible"),
    (PLATFORM, 'class = "os:system"', "platform.class: 'os:system'; a class of amaranth-boards, such as "),
    (PLATFORM, 'class = "amaranth_boards.no_such:X"', "platform.class: No module named 'amaranth_boards.no_such'; "),
    (PLATFORM, 'class = "amaranth_boards.ulx3s:X"', "has no attribute 'X'; is it the class of a board"),
    (PLATFORM, 'class = "amaranth_boards.ulx3s:Resource"', "platform: "),
    (PLATFORM, 'class = "amaranth_boards.ulx3s:ULX3S_85F_Platform"', "uart: Trying to add (resource uart 0"),
    (PLATFORM, 'package = "x"', "platform.speed: is missing; a text is needed"),
    (PLATFORM, PINS.replace("BG256", "caBGA256"), "platform.package: 'caBGA256'; BG256, MG285"),
    (PLATFORM, PINS.replace('"6"', '"5"'), "platform.speed: '5'; 6, 7, 8 are possible"),
    (PLATFORM, PINS.replace("mhz = 25", "mhz = -1"), "platform.clock_mhz: -1; more than 0"),
    ('rx = "io_0:1"', "", "uart.rx: is missing; a text is needed"),
    ("[uart]", "[urat]", "urat: there is no such field; did you mean uart?"),
    ("banks = 8", "banks = 3", "engine: banks must be 1, 2, 4, 8 or 16, not 3; "),
    ("banks = 8", "bank = 8", "engine.bank: there is no such field; did you mean banks?"),
    ("banks = 8", "trace = true", "engine.trace: there is no such field"),
    ("[engine]", "[engine", "is no TOML ("),
])
def test_mistakes(file, old, new, message):
    path = file(changed(old, new))
    with pytest.raises(ConfigError) as caught:
        get_board(str(path))
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


CAMERA_TEXT = board_text("my_board", get_board("ulx3s_25f"), "my_board.toml")


@pytest.mark.parametrize("old, new, message", [
    ('connector = ["gpio", 0]', "", "camera.connector: is missing; a list is needed"),
    ('connector = ["gpio", 0]', 'connector = ["gpio"]', "camera.connector: ['gpio']; its name and number are needed"),
    ('connector = ["gpio", 0]', 'connector = ["gpio", true]', "camera.connector: ['gpio', True]; its name and number"),
    ('connector = ["gpio", 0]', 'connector = ["J1", 0]',
     "camera.connector: ['J1', 0], and the platform has none such; a connector of that class of amaranth-boards"),
    ('["0+", ', "[", "camera.data: ['1+', '2+', '3+', '4+', '5+', '6+', '7+']; pins for D0 to D7 are needed"),
    ('["0+", ', "[0, ", "camera.data: [0, '1+', "),
    ('["0+", ', '["1+", ', "camera: pin '1+' is named twice; each signal needs a pin of its own"),
    ('pclk = "0-"', "", "camera.pins.pclk: is missing; a text is needed"),
    ('pclk = "0-"', 'pkcl = "0-"', "camera.pins.pkcl: there is no such field; did you mean pclk?"),
    ('pclk = "0-"', 'pclk = "28-"', "camera.labels.0-: there is no such field"),
    ('"0-" = "GN0"', "", "camera.labels.0-: is missing; a text is needed"),
    ('"0-" = "GN0"', '"0-" = 0', "camera.labels.0-: 0; a text is needed"),
    ('test = ["button_fire", 0]', 'test = ["button_fire", 2]',
     "camera.test: Resource button_fire#2 does not exist; a camera needs 16 pins of a connector, a button"),
    ('test = ["button_fire", 0]', 'test = ["led", 0]', "camera: Resource led#0 has already been requested; a camera"),
    ("[camera]", "[camera]\nheader = 'J1'", "camera.header: there is no such field; "),
])
def test_mistakes_of_a_camera(file, old, new, message):
    assert old in CAMERA_TEXT
    path = file(CAMERA_TEXT.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        get_board(str(path))
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_pins_of_a_camera_that_are_not_there(file):
    """Neither by a pin's number, nor where a board of pins in place of a class has no connectors."""
    with pytest.raises(ConfigError, match="camera.pins: .* nonexistent connector pin gpio_0:99-; a camera needs 16 "):
        get_board(str(file(CAMERA_TEXT.replace('"0-"', '"99-"'))))
    uart = '[uart]\nrx = "A2"\ntx = "A3"\nio_standard = "LVCMOS33"\n[engine]'
    text = CAMERA_TEXT.replace("[engine]", uart).replace(
        'class = "amaranth_boards.ulx3s:ULX3S_25F_Platform"', PINS)
    with pytest.raises(ConfigError, match=r"camera.connector: \['gpio', 0\], and the platform has none such"):
        get_board(str(file(text)))


def test_a_camera_needs_an_ecp5(file):
    arty = board_text("my_board", get_board("arty_a7_100"), "my_board.toml")
    text = arty + CAMERA_TEXT[CAMERA_TEXT.index("[camera]"):]
    with pytest.raises(ConfigError, match=r"camera: of an FPGA of series7; a camera needs an ECP5: leave \[camera\]"):
        get_board(str(file(text)))


def test_a_platform_without_a_serial_line(file):
    text = "\n".join(line for line in TEXT.splitlines() if not line.startswith(("[uart]", "rx", "tx", "io_standard")))
    with pytest.raises(ConfigError, match="uart: is missing, and the platform has none; "):
        get_board(str(file(text)))
    with pytest.raises(ConfigError, match="uart: is missing; rx, tx and io_standard are needed"):
        get_board(str(file(text.replace(PLATFORM, PINS))))


def test_files_that_are_not_there(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="my.toml: No such file or directory; give the file that "):
        get_board(str(tmp_path / "my.toml"))
    monkeypatch.chdir(tmp_path)
    Path("my_board.toml").touch()
    with pytest.raises(ConfigError, match=r"^board: unknown board 'my_board'; did you mean my_board\.toml\?$"):
        get_board("my_board")


def test_devices_are_known_by_name():
    assert {board.device for board in all_boards()} <= set(DEVICES.values())
    assert all(DEVICES[name].name == name for name in DEVICES)


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_a_tile_costs_little_beside_its_taps(board):
    """At most 35 cycles on an ECP5; the largest weight memory of all takes one more."""
    assert tile_gap_cycles(board.engine) <= (35 if board.device.family == "ecp5" else 36)
