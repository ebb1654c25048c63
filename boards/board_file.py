"""A board that a user describes in a TOML file, outside the checkout: every command takes it with --board FILE.

`boards.board_template` writes such a file, with comments; docs/adding_a_board.md tells of it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from amaranth.build import ResourceError

from firelane.boards.board import DEVICES, Board, Device
from firelane.boards.camera_header import DATA_BITS, SIGNALS, CameraHeader
from firelane.boards.file_platform import (
    ECP5_DEVICES,
    ECP5_PACKAGES,
    ECP5_SPEEDS,
    PACKAGE,
    VENDORS,
    PlatformClass,
    PlatformPins,
    SerialPins,
)
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.files import read_file
from firelane.compiler.support.near import hint
from firelane.hw.contract.camera import LED_BITS
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES

SUFFIX = ".toml"
FILE_BYTES = 1 << 20                #: more than any such file
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
CLASS = re.compile(rf"{PACKAGE}(\.\w+)+:\w+")
CLOCK_MHZ, BAUD = 1000, 100_000_000         #: more than any of these boards has
RESULT_BYTES = (64, PAYLOAD_BYTES)

# Fields by table: name -> (types, whether it must be there)
Fields = Mapping[str, tuple[tuple[type, ...], bool]]
TEXT, WHOLE, NUMBER, FLAG, LIST, TABLE = (str,), (int,), (int, float), (bool,), (list,), (dict,)
BOARD: Fields = {"name": (TEXT, True), "description": (TEXT, True), "clock_mhz": (NUMBER, True),
                 "baud": (WHOLE, True), "programmer": (TEXT, True), "serial": (TEXT, False), "seed": (WHOLE, False),
                 "ripup": (FLAG, False), "two_tap_clock_mhz": (NUMBER, False), "result_bytes": (WHOLE, False),
                 "device": (TABLE, True),
                 "platform": (TABLE, True), "uart": (TABLE, False), "engine": (TABLE, True),
                 "camera": (TABLE, False)}
DEVICE: Fields = {"name": (TEXT, True), "lut": (WHOLE, False), "ebr": (WHOLE, False), "dsp": (WHOLE, False),
                  "family": (TEXT, False)}
BY_CLASS: Fields = {"class": (TEXT, True)}
BY_PINS: Fields = {"package": (TEXT, True), "speed": (TEXT, True), "clock_pin": (TEXT, True),
                   "clock_mhz": (NUMBER, True)}
UART: Fields = {"rx": (TEXT, True), "tx": (TEXT, True), "io_standard": (TEXT, True)}
ENGINE: Fields = {field.name: (WHOLE, False) for field in fields(EngineConfig) if field.name != "trace"}
CAMERA: Fields = {"connector": (LIST, True), "data": (LIST, True), "test": (LIST, True), "pins": (TABLE, True),
                  "labels": (TABLE, True)}
_WORDS = {TEXT: "a text", WHOLE: "a whole number", NUMBER: "a number", FLAG: "true or false", LIST: "a list",
          TABLE: "a table"}


def read_board_file(path: Path, taken: Callable[[str], bool] = lambda name: False) -> Board:
    """The board of a file; its platform has been made once, and has a clock and a serial line.

    Parameters
    ----------
    taken : callable
        Whether a board of Firelane's own has a name.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a field is missing, unknown, of another type or out of range: it is named.
    """
    return _File(path).board(taken)


class _File:
    """A file that is being read; every complaint names it, and the field."""

    def __init__(self, path: Path):
        self.path = path

    def wrong(self, name: str, found: str, hint: str) -> ConfigError:
        return ConfigError(str(self.path), f"{name}: {found}" if name else found, hint=hint)

    def board(self, taken: Callable[[str], bool]) -> Board:
        record = self._checked("", self._parsed(), BOARD)
        name, clock_hz = record["name"], record["clock_mhz"] * 1e6
        if not NAME.fullmatch(name):
            raise self.wrong("name", f"{name!r}", "lower case letters, digits and _, at most 32, a letter first")
        if taken(name):
            raise self.wrong("name", f"{name!r} is a board of Firelane's own", "choose another name")
        for field, most in (("clock_mhz", CLOCK_MHZ), ("baud", BAUD), ("two_tap_clock_mhz", CLOCK_MHZ)):
            if field in record:
                self._positive(field, record[field], most)
        result_bytes = record.get("result_bytes", PAYLOAD_BYTES)
        if result_bytes not in RESULT_BYTES:
            raise self.wrong("result_bytes", f"{result_bytes}", f"{' and '.join(map(str, RESULT_BYTES))} are possible")
        device = self._device(record["device"])
        platform = self._platform(record, device)
        camera = self._camera(record["camera"], device) if "camera" in record else None
        self._try(platform, device, camera)
        usual: dict[str, Any] = {field: record[field] for field in ("serial", "seed", "ripup") if field in record}
        if "two_tap_clock_mhz" in record:
            usual["two_tap_clock_hz"] = record["two_tap_clock_mhz"] * 1e6
        return Board(name=name, description=record["description"], device=device, platform=platform,
                     engine=self._engine(record["engine"]), clock_hz=clock_hz, baud=record["baud"],
                     programmer=record["programmer"], result_bytes=result_bytes, camera=camera, **usual)

    def _parsed(self) -> dict[str, Any]:
        try:
            return tomllib.loads(read_file(self.path, FILE_BYTES).decode())
        except OSError as error:
            raise self.wrong("", error.strerror or "cannot be read",
                             "give the file that `firelane new-board` wrote") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise self.wrong("", f"is no TOML ({error})", "`firelane new-board` writes one to begin with") from None

    def _checked(self, table: str, record: Mapping[str, Any], known: Fields) -> dict[str, Any]:
        """The record, whose fields are known, of their types, and complete."""
        prefix = f"{table}." if table else ""
        for name, value in record.items():
            if name not in known:
                raise self.wrong(f"{prefix}{name}", "there is no such field",
                                 hint(name, known, f"{', '.join(known)} are possible"))
            types = known[name][0]
            if not isinstance(value, types) or (isinstance(value, bool) and types != FLAG):
                raise self.wrong(f"{prefix}{name}", f"{value!r}", f"{_WORDS[types]} is needed")
        missing = [name for name, (_, needed) in known.items() if needed and name not in record]
        if missing:
            kind = _WORDS[known[missing[0]][0]]
            raise self.wrong(f"{prefix}{missing[0]}", "is missing", f"{kind} is needed")
        return dict(record)

    def _positive(self, name: str, value: float, most: float) -> None:
        if not 0 < value <= most:           # TOML has nan, too
            raise self.wrong(name, f"{value}", f"more than 0, at most {most:g}")

    def _device(self, given: Mapping[str, Any]) -> Device:
        record = self._checked("device", given, DEVICE)
        sizes = ("lut", "ebr", "dsp")
        if not set(sizes) & record.keys() and record["name"] in DEVICES:
            return DEVICES[record["name"]]
        for name in sizes:
            if record.get(name, 0) <= 0:
                raise self.wrong(f"device.{name}", f"{record[name]}" if name in record else "is missing",
                                 f"its data sheet has it; known without it: {', '.join(DEVICES)}")
        family = record.get("family", "ecp5")
        if family not in VENDORS:
            raise self.wrong("device.family", f"{family!r}", f"{', '.join(VENDORS)} are possible")
        return Device(record["name"], ebr=record["ebr"], dsp=record["dsp"], lut=record["lut"], family=family)

    def _platform(self, record: Mapping[str, Any], device: Device) -> PlatformClass | PlatformPins:
        given = record["platform"]
        uart = SerialPins(**self._checked("uart", record["uart"], UART)) if "uart" in record else None
        if "class" in given:
            path = self._checked("platform", given, BY_CLASS)["class"]
            if not CLASS.fullmatch(path):
                raise self.wrong("platform.class", f"{path!r}",
                                 f"a class of amaranth-boards, such as {PACKAGE}.ulx3s:ULX3S_85F_Platform")
            return PlatformClass(path, device.family, uart)
        pins = self._checked("platform", given, BY_PINS)
        if device.family == "ecp5":
            for name, value, possible in (("device.name", device.name, ECP5_DEVICES),
                                          ("platform.package", pins["package"], ECP5_PACKAGES),
                                          ("platform.speed", pins["speed"], ECP5_SPEEDS)):
                if value not in possible:
                    raise self.wrong(name, f"{value!r}", f"{', '.join(possible)} are possible")
        self._positive("platform.clock_mhz", pins["clock_mhz"], CLOCK_MHZ)
        if uart is None:
            raise self.wrong("uart", "is missing", "rx, tx and io_standard are needed")
        return PlatformPins(device.name, device.family, pins["package"], pins["speed"], pins["clock_pin"],
                            pins["clock_mhz"] * 1e6, uart)

    def _engine(self, given: Mapping[str, Any]) -> EngineConfig:
        try:
            return EngineConfig(**self._checked("engine", given, ENGINE))
        except ValueError as error:
            raise self.wrong("engine", str(error), "docs/architecture.md says what the sizes mean") from None

    def _camera(self, given: Mapping[str, Any], device: Device) -> CameraHeader:
        if device.family != "ecp5":
            raise self.wrong("camera", f"of an FPGA of {device.family}", "a camera needs an ECP5: leave [camera] out")
        record = self._checked("camera", given, CAMERA)
        data = tuple(record["data"])
        if len(data) != DATA_BITS or not all(isinstance(pin, str) for pin in data):
            raise self.wrong("camera.data", f"{record['data']!r}", f"pins for D0 to D{DATA_BITS - 1} are needed, texts")
        pins = self._checked("camera.pins", record["pins"], dict.fromkeys(SIGNALS, (TEXT, True)))
        taken = (*data, *pins.values())
        for pin in taken:
            if taken.count(pin) > 1:
                raise self.wrong("camera", f"pin {pin!r} is named twice", "each signal needs a pin of its own")
        labels = self._checked("camera.labels", record["labels"], dict.fromkeys(taken, (TEXT, True)))
        return CameraHeader(connector=self._numbered("connector", record), data=data, pins=pins, labels=labels,
                            test=self._numbered("test", record))

    def _numbered(self, field: str, record: Mapping[str, Any]) -> tuple[str, int]:
        """What a platform knows by name and number."""
        match record[field]:
            case [str(name), int(number)] if not isinstance(number, bool):
                return name, number
        raise self.wrong(f"camera.{field}", f"{record[field]!r}", 'its name and number are needed, such as ["gpio", 0]')

    def _try(self, make: PlatformClass | PlatformPins, device: Device, camera: CameraHeader | None) -> None:
        """Raises ConfigError if the platform cannot be made, is of another device, or has no clock or serial line."""
        try:
            platform = make()
            found = (platform.family, platform.device.upper())
            _ = platform.default_clk_frequency
        except ImportError as error:
            raise self.wrong("platform.class", str(error), "is it in the amaranth-boards that is installed?") from None
        except NameError as error:
            raise self.wrong("uart", str(error), "leave [uart] out where the platform has one") from None
        except (AttributeError, TypeError, ValueError, ResourceError) as error:
            raise self.wrong("platform", str(error), "is it the class of a board, or are these its pins?") from None
        if found[0] != device.family or not found[1].startswith(device.name.upper()):
            raise self.wrong("device.name", f"{device.name}, and the platform has {platform.device}",
                             "name the same device in both")
        try:
            platform.lookup("uart", 0)
        except ResourceError:
            raise self.wrong("uart", "is missing, and the platform has none",
                             "[uart] with rx, tx and io_standard is needed") from None
        if camera:
            self._try_camera(platform, camera)

    def _try_camera(self, platform: Any, camera: CameraHeader) -> None:
        """Raises ConfigError if anything that `boards.top.camera_top` asks for is missing, or on a pin of another."""
        if camera.connector not in platform.connectors:
            raise self.wrong("camera.connector", f"{list(camera.connector)}, and the platform has none such",
                             "a connector of that class of amaranth-boards is needed")
        platform.add_resources([camera.resource()])
        taken = [("camera.pins", "camera", 0), ("uart", "uart", 0), ("camera.test", *camera.test),
                 *(("camera", "led", n) for n in range(LED_BITS))]
        for field, name, number in taken:
            try:
                platform.request(name, number, dir="-")
            except (NameError, ResourceError) as error:
                raise self.wrong(field, str(error), f"a camera needs {len(SIGNALS) + DATA_BITS} pins of a connector, a "
                                                    f"button, and LEDs 0 to {LED_BITS - 1}, each its own") from None
