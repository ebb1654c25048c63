"""A Vivado project without Vivado: sources with their memories, constraints, script, Yosys' count."""

import io
import re

import pytest
from rich.console import Console

from firelane.boards import get_board
from firelane.boards.flow.vivado_project import VivadoProject, count_cells, table, write_project
from firelane.cli.main import main
from firelane.compiler.support.errors import ConfigError
from firelane.models.catalogue import EMBEDDED
from tests.boards.conftest import random_contents
from tests.boards.tiny_design import CONFIG, TinyDesign

ARTY = get_board("arty_a7_100")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    top = TinyDesign(random_contents(1), button="button")
    return write_project(ARTY, top, tmp_path_factory.mktemp("vivado") / "project", say=lambda line: None)


def test_the_verilog_has_the_memories_and_their_contents(project):
    text = (project.folder / "top.v").read_text()
    contents = random_contents(1)
    assert len(re.findall(r'\(\* ram_style = "block" \*\)', text)) == 5        # weights are two memories
    for word in (*contents.program[:9], *contents.weights[:9], contents.weights[-1]):
        assert f"= 36'h{word:09x};" in text
    assert re.search(rf"reg \[16:0\] .*\[{CONFIG.run_symbols - 1}:0\];", text)
    assert "MULT18X18D" not in text and "\\$mem" not in text


def test_constraints_and_script(project):
    assert 'set_property LOC E3 [get_ports "clk100_0__io"]' in (project.folder / "top.xdc").read_text()
    script = (project.folder / "top.tcl").read_text()
    assert "-part xc7a100ticsg324-1L" in script and "add_files top.v" in script and "write_bitstream" in script


def test_the_count(project):
    assert project.used["RAMB18"] == 6 + 2 + 1 + 1      # weights, program, values, runs
    assert project.used["FF"] > 300 and project.used["LUT"] > 0 and project.used["DSP48"] == 0
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table(project, ARTY, title="tiny"))
    assert "270" in console.export_text()


def test_cells_are_counted_by_what_they_take():
    cells = {"LUT6": 5, "LUT2": 1, "RAM64M": 2, "RAMB36E1": 3, "RAMB18E1": 1, "FDRE": 7, "BUFG": 1}
    assert count_cells(cells) == {"LUT": 14, "FF": 7, "RAMB18": 7, "DSP48": 0}


def test_the_command(monkeypatch, tmp_path, capsys):
    def written(board, top, folder, *, say):
        assert board is ARTY and top == "the design" and folder == tmp_path / "p"
        return VivadoProject(folder, {"LUT": 63_500, "RAMB18": 254})

    monkeypatch.setattr("firelane.boards.flow.vivado_project.write_project", written)
    monkeypatch.setattr("firelane.boards.flow.vivado_project.board_design", lambda board, contents: "the design")
    assert main(["vivado-project", str(EMBEDDED["digits"]), "--board", "arty_a7_100", "-o", str(tmp_path / "p")]) == 0
    said = capsys.readouterr().out
    assert "63,500" in said and "94%" in said and "vivado -mode batch -source top.tcl" in said


def test_another_vendors_device(tmp_path):
    with pytest.raises(ConfigError, match=r"^ulx3s_85f: Vivado does not know the LFE5U-85F; `firelane bitstream "
                                          r"--board ulx3s_85f` builds it without Vivado$"):
        write_project(get_board("ulx3s_85f"), None, tmp_path / "p", say=print)


def test_no_bitstream_without_vivado(tmp_path):
    from firelane.boards.flow.bitstream import build_bitstream
    with pytest.raises(ConfigError, match=r"^arty_a7_100: no place and route for the XC7A100T; `firelane "
                                          r"vivado-project MODEL --board arty_a7_100` writes a project for Vivado$"):
        build_bitstream(ARTY, None, None, None, tmp_path / "p", seeds=[1], say=print)
