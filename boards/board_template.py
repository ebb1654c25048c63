"""`firelane new-board`: the description of a board as a TOML file, with comments, to be changed for another one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from amaranth.build import ResourceError

from firelane.boards.board import DEVICES, Board
from firelane.boards.board_file import NAME, SUFFIX
from firelane.boards.camera_header import CameraHeader
from firelane.boards.file_platform import PACKAGE, VENDORS
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.files import write_file
from firelane.compiler.support.outputs import check_file

OPTION = "-o"

_HEAD = """\
# A board for Firelane. Every command takes this file: --board {file}
# docs/adding_a_board.md says more of each field.

name = {name}  # what the board will call itself
description = {description}  # vendor, board, revision, device
clock_mhz = {clock_mhz:g}  # of the engine: what place and route reaches; the FPGA makes it from the oscillator
{two_tap_clock}  # likewise with two taps a cycle, `--taps 2`
baud = {baud}  # of the serial line: what its chip or adapter can do
programmer = {programmer}  # openFPGALoader's name of the board
serial = {serial}  # how a host is connected
seed = {seed}  # of the placer: try others where timing is missed
ripup = {ripup}  # false where more than four fifths of the LUTs are taken
result_bytes = {result_bytes}  # 64 spares two block RAMs

[device]
name = {device}  # known: {devices}
# For another one, from its data sheet:
# lut = {lut}
# ebr = {ebr}  # block RAMs of 18 Kbit
# dsp = {dsp}  # multipliers of 18 x 18 bits
# family = {family}  # {families}

[platform]
class = {path}  # of amaranth-boards; or in its place:
# package = {package}
# speed = {speed}
# clock_pin = "..."  # of the oscillator
# clock_mhz = 25

"""
_UART = """\
[uart]  # pins of the FPGA; left out where the class above has a serial line
rx = {rx}  # receives
tx = {tx}  # sends
io_standard = {io_standard}

"""
_NO_UART = """\
# [uart]  # pins of the FPGA, where the class above has no serial line
# rx = "..."  # receives
# tx = "..."  # sends
# io_standard = "LVCMOS33"

"""
_ENGINE = """\
[engine]  # boards with equal engines share compiled models; `firelane compile MODEL --board FILE` says what fits
{sizes}

"""


_NO_CAMERA = """\
# [camera]  # pins of a connector for a camera: docs/adding_a_board.md
"""
_CAMERA = """\
[camera]  # for `firelane bitstream --camera`, docs/camera.md; a class above without the connector has no camera
connector = {connector}  # as that class calls it
data = {data}  # its pins for D0 to D7
test = {test}  # the button for the test pattern

[camera.pins]  # those for the other signals
{pins}

[camera.labels]  # what is printed beside a pin on the board
{labels}
"""


def write_board_file(name: str, board: Board, output: Path | None = None) -> Path:
    """Write a board called `name` that is like `board`; returns the file.

    Raises
    ------
    ConfigError
        If the name is none, or the file is there already.
    """
    output = output or Path(f"{name}{SUFFIX}")
    if not NAME.fullmatch(name):
        raise ConfigError("NAME", f"{name!r}", hint="lower case letters, digits and _, at most 32, a letter first")
    check_file(output, OPTION)
    if output.suffix != SUFFIX:
        raise ConfigError(OPTION, f"{output.name} does not end in {SUFFIX}", hint=f"name it {output.stem}{SUFFIX}")
    if output.exists():
        raise ConfigError(str(output), "is there already", hint=f"name another file with {OPTION}")
    write_file(output, board_text(name, board, output.name).encode(), OPTION)
    return output


def board_text(name: str, board: Board, file: str) -> str:
    """The file of a board called `name` that is like `board`."""
    platform, device = board.platform(), board.device
    base = next(each for each in type(platform).__mro__ if each.__module__.startswith(f"{PACKAGE}."))
    head = _HEAD.format(
        file=file, name=_text(name), description=_text(f"like {board.description}"), clock_mhz=board.clock_hz / 1e6,
        two_tap_clock=_two_tap_clock(board), baud=board.baud, programmer=_text(board.programmer),
        serial=_text(board.serial), seed=board.seed,
        ripup=_text(board.ripup), result_bytes=board.result_bytes, device=_text(device.name),
        devices=", ".join(DEVICES), lut=device.lut, ebr=device.ebr, dsp=device.dsp, family=_text(device.family),
        families=", ".join(VENDORS), path=_text(f"{base.__module__}:{base.__name__}"),
        package=_text(platform.package), speed=_text(platform.speed))
    sizes = "\n".join(f"{size} = {value}" for size, value in asdict(board.engine).items() if size != "trace")
    return head + _uart(base(), platform, device.family) + _ENGINE.format(sizes=sizes) + _camera(board.camera)


def _two_tap_clock(board: Board) -> str:
    """The field, as a comment where nobody knows it."""
    hz = board.two_tap_clock_hz
    return f"two_tap_clock_mhz = {hz / 1e6:g}" if hz else "# two_tap_clock_mhz = 75"


def _uart(bare, platform, family: str) -> str:
    """The table of a serial line that `platform` has and the class alone, `bare`, has not."""
    try:
        bare.lookup("uart", 0)
        return _NO_UART
    except ResourceError:
        line = platform.lookup("uart", 0)
    pins = {each.name: each.ios[0].names[0] for each in line.ios}
    return _UART.format(rx=_text(pins["rx"]), tx=_text(pins["tx"]), io_standard=_text(line.attrs[VENDORS[family][1]]))


def _camera(header: CameraHeader | None) -> str:
    if header is None:
        return _NO_CAMERA
    pins = "\n".join(f"{name} = {_text(pin)}" for name, pin in header.pins.items())
    labels = "\n".join(f"{_text(pin)} = {_text(label)}" for pin, label in header.labels.items())
    return _CAMERA.format(connector=_text(header.connector), data=_text(header.data), test=_text(header.test),
                          pins=pins, labels=labels)


def _text(value: str | bool | Sequence[str | int]) -> str:
    """A value as TOML has it; texts and lists of JSON are such of TOML."""
    return json.dumps(value)
