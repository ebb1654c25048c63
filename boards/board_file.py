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
TEXT, WHOLE, NUMBER, FLAG, TABLE = (str,), (int,), (int, float), (bool,), (dict,)
BOARD: Fields = {"name": (TEXT, True), "description": (TEXT, True), "clock_mhz": (NUMBER, True),
                 "baud": (WHOLE, True), "programmer": (TEXT, True), "serial": (TEXT, False), "seed": (WHOLE, False),
                 "ripup": (FLAG, False), "result_bytes": (WHOLE, False), "device": (TABLE, True),
                 "platform": (TABLE, True), "uart": (TABLE, False), "engine": (TABLE, True)}
DEVICE: Fields = {"name": (TEXT, True), "lut": (WHOLE, False), "ebr": (WHOLE, False), "dsp": (WHOLE, False),
                  "family": (TEXT, False)}
BY_CLASS: Fields = {"class": (TEXT, True)}
BY_PINS: Fields = {"package": (TEXT, True), "speed": (TEXT, True), "clock_pin": (TEXT, True),
                   "clock_mhz": (NUMBER, True)}
UART: Fields = {"rx": (TEXT, True), "tx": (TEXT, True), "io_standard": (TEXT, True)}
ENGINE: Fields = {field.name: (WHOLE, False) for field in fields(EngineConfig) if field.name != "trace"}
_WORDS = {TEXT: "a text", WHOLE: "a whole number", NUMBER: "a number", FLAG: "true or false", TABLE: "a table"}


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
        for field, most in (("clock_mhz", CLOCK_MHZ), ("baud", BAUD)):
            self._positive(field, record[field], most)
        result_bytes = record.get("result_bytes", PAYLOAD_BYTES)
        if result_bytes not in RESULT_BYTES:
            raise self.wrong("result_bytes", f"{result_bytes}", f"{' and '.join(map(str, RESULT_BYTES))} are possible")
        device = self._device(record["device"])
        platform = self._platform(record, device)
        self._try(platform, device)
        usual = {field: record[field] for field in ("serial", "seed", "ripup") if field in record}
        return Board(name=name, description=record["description"], device=device, platform=platform,
                     engine=self._engine(record["engine"]), clock_hz=clock_hz, baud=record["baud"],
                     programmer=record["programmer"], result_bytes=result_bytes, **usual)

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

    def _try(self, make: PlatformClass | PlatformPins, device: Device) -> None:
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
