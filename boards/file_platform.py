"""The platform of a board that a user describes in a file: a class of amaranth-boards, or a device and its pins."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import LatticeECP5Platform, XilinxPlatform
from amaranth_boards.resources import UARTResource

PACKAGE = "amaranth_boards"         #: whose classes a file may name: nothing else is imported for it
CLOCK = "clk"
VENDORS: dict[str, tuple[type, str]] = {        #: by family: amaranth's platform, and its attribute for voltages
    "ecp5": (LatticeECP5Platform, "IO_TYPE"), "series7": (XilinxPlatform, "IOSTANDARD")}

ECP5_DEVICES = tuple(f"{kind}-{size}F" for kind in ("LFE5U", "LFE5UM", "LFE5UM5G") for size in (12, 25, 45, 85)
                     if kind == "LFE5U" or size > 12)
ECP5_PACKAGES = ("BG256", "MG285", "BG381", "BG554", "BG756")       #: as in the name of the part
ECP5_SPEEDS = ("6", "7", "8")


@dataclass(frozen=True)
class SerialPins:
    """Pins of the FPGA that receives and sends, as the platform names them; `io_standard` is their voltage."""

    rx: str
    tx: str
    io_standard: str


@dataclass(frozen=True)
class PlatformClass:
    """A platform of amaranth-boards, `module:class`, with a serial line if it has none of its own."""

    path: str
    family: str
    uart: SerialPins | None = None

    def __call__(self) -> Any:
        module, _, name = self.path.partition(":")
        found = getattr(import_module(module), name)
        platform = (type(name, (RtlilPlan, found), {}) if issubclass(found, XilinxPlatform) else found)()
        if self.uart:
            platform.add_resources([_uart(self.uart, self.family)])
        return platform


@dataclass(frozen=True)
class PlatformPins:
    """A platform of our own making: device, package, speed grade, oscillator, serial line."""

    device: str
    family: str
    package: str
    speed: str
    clock_pin: str
    clock_hz: float
    uart: SerialPins

    def __call__(self) -> Any:
        base, voltage = VENDORS[self.family]
        clock = Resource(CLOCK, 0, Pins(self.clock_pin, dir="i"), Clock(self.clock_hz),
                         Attrs(**{voltage: self.uart.io_standard}))
        bases = (RtlilPlan, base) if issubclass(base, XilinxPlatform) else (base,)
        return type("FilePlatform", bases, {
            "device": self.device.lower() if base is XilinxPlatform else self.device, "package": self.package,
            "speed": self.speed, "default_clk": CLOCK, "connectors": [],
            "resources": [clock, _uart(self.uart, self.family)]})()


class RtlilPlan:
    """A build plan with RTLIL in place of Verilog, because amaranth would call a Yosys of its own for that."""

    @property
    def file_templates(self):
        inherited = super().file_templates  # type: ignore[misc]        # it stands before a platform
        templates = {name: text for name, text in inherited.items() if not name.endswith(".v")}
        return templates | {"{{name}}.il": "{{emit_rtlil()}}"}


def _uart(pins: SerialPins, family: str) -> Resource:
    return UARTResource(0, rx=pins.rx, tx=pins.tx, attrs=Attrs(**{VENDORS[family][1]: pins.io_standard}))
