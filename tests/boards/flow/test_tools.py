"""Finding and running tools: native first, pip's otherwise, and one line where there is none."""

import os
import stat

import pytest

from firelane.boards import get_board
from firelane.boards.flow import tools
from firelane.boards.flow.bitstream import program
from firelane.compiler.support.errors import ConfigError


def fake_tool(folder, name: str, script: str):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return path


def test_a_native_tool_on_path_is_preferred(tmp_path, monkeypatch):
    fake_tool(tmp_path, "nextpnr-ecp5", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert tools.nextpnr_ecp5() == tools.Tool("nextpnr-ecp5", (str(tmp_path / "nextpnr-ecp5"),), native=True)


def test_pip_tools_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not tools.nextpnr_ecp5().native
    assert not tools.ecppack().native
    assert not tools.yosys_script().native


def test_the_loader_is_not_in_pip(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"^openFPGALoader: not on PATH; install it \(Debian: apt install "
                                          r"openfpgaloader; .*\) and try again$"):
        tools.open_fpga_loader()


def test_a_failing_tool_is_quoted(tmp_path):
    path = fake_tool(tmp_path, "yosys", "echo 'Info: fine'; echo 'ERROR: no such cell'; echo bye; exit 3")
    log = tmp_path / "log"
    with pytest.raises(ConfigError, match=r"^yosys: failed: ERROR: no such cell; the whole output is in .*log$"):
        tools.Tool("yosys", (str(path),), native=True).run("x", cwd=tmp_path, log=log)
    assert "bye" in log.read_text()


def test_program_needs_a_bitstream(tmp_path):
    with pytest.raises(ConfigError, match=r"^.*top\.bit: there is no bitstream; `firelane bitstream MODEL "
                                          r"--board ulx3s_85f` makes one$"):
        program(get_board("ulx3s_85f"), tmp_path / "top.bit", say=print)


def test_program_names_board_and_file(tmp_path, monkeypatch):
    fake_tool(tmp_path, "openFPGALoader", f'echo "$@" > {tmp_path}/arguments')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    bitstream = tmp_path / "top.bit"
    bitstream.write_bytes(b"bits")
    program(get_board("ecpix5_85f"), bitstream, say=lambda line: None)
    assert (tmp_path / "arguments").read_text() == f"-b ecpix5_r03 -m {bitstream}\n"


def test_what_a_tool_has_started_ends_with_it(tmp_path):
    """yosys starts ABC, which outlived it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    path = fake_tool(tmp_path, "yosys", f"exec 3> {pipe}; sleep 1000 & echo begun >&3; echo begun; wait")
    holder = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    def watch(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tools.Tool("yosys", (str(path),), native=True).run(cwd=tmp_path, log=tmp_path / "log", watch=watch)
    os.set_blocking(holder, True)
    with os.fdopen(holder) as file:
        assert file.read() == "begun\n"         # to the end: nobody can write any more
