"""The report of a bitstream: what the folder of a build has is what the plots show."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import Counter

import pytest

from firelane.boards.flow.finished_build import read_build
from firelane.boards.report.die_plot import block_of
from firelane.cli.main import main
from firelane.compiler.support.errors import ConfigError
from tests.firelane.report.pages import Tags, bars, check_page, plots, traces

PLACEMENT = {"linked.engine.csr": {"LUT": [[3, 4, 5], [3, 4, 6]], "FF": [[3, 4, 0]]},
             "linked.engine.datapath.lanes": {"LUT": [[10, 11, 0]], "DSP": [[12, 25, 0]]},
             "linked.engine.datapath.memory": {"EBR": [[20, 37, 0]]}}
PATH = [("clk-to-q", 0.5, "a", "a"), ("routing", 2.25, "a", "b"), ("logic", 0.25, "b", "b"), ("routing", 0.0, "b", "c"),
        ("setup", 0.5, "c", "c")]
CONFIG = """.device LFE5U-25F

.tile CIB_R10C1:CIB_LR
arc: E1_H02E0601 V06S0303
enum: X Y

.tile R10C1:PLC2
arc: A1 F0
arc: B1 F0
word: SLICEA.K0.INIT 1

.tile R12C30:PLC2
arc: A1 F0

.tile TAP_R12C4:TAP_DRIVE
arc: L_HPBX0000 G_VPTX0000
"""


@pytest.fixture
def build(tmp_path):
    """The files of a build that a report reads, of a device where little is."""
    folder = tmp_path / "build"
    folder.mkdir()
    used = {"TRELLIS_COMB": (20_000, 24_288), "TRELLIS_FF": (13_000, 24_288), "DP16KD": (44, 56),
            "MULT18X18D": (28, 28)}
    report = {"utilization": {cell: {"used": one, "available": all_} for cell, (one, all_) in used.items()},
              "fmax": {"clk": {"achieved": 93.5, "constraint": 75.0}},
              "critical_paths": [{"from": "posedge clk", "to": "posedge clk", "path": [
                  {"type": kind, "delay": delay, "from": {"cell": first}, "to": {"cell": last}}
                  for kind, delay, first, last in PATH]}]}
    record = {"board": "ulx3s_25f", "device": "LFE5U-25F", "model": "digits_squeezenet", "seed": 3, "clock_mhz": 75.0,
              "tools": {"yosys": "pyosys 0"}, "frames_per_second": 655.23, "bitstream_sha256": "b" * 64,
              "fmax_mhz": 93.5, "resources": {}}
    for name, content in (("report.json", report), ("build.json", record), ("placement.json", PLACEMENT)):
        (folder / name).write_text(json.dumps(content))
    (folder / "top.config").write_text(CONFIG)
    return folder


@pytest.fixture
def page(build, tmp_path, monkeypatch):
    """Written by `firelane bitstream`, whose tools do not run."""
    from firelane.boards.flow.bitstream import Build
    from firelane.boards.report.build_record import Digests

    def made(board, top, contents, model, folder, *, seeds, say, progress):
        return Build(build, build / "top.bit", Digests("d", "b"), 3, read_build(build).report, {})

    monkeypatch.setattr("firelane.boards.flow.model_build.build_bitstream", made)
    monkeypatch.setattr("firelane.boards.flow.model_build.board_design", lambda board, contents: None)
    page = tmp_path / "r.html"
    assert main(["bitstream", "digits", "--board", "ulx3s_25f", "-o", str(tmp_path / "n"), "--report", str(page)]) == 0
    check_page(page)
    return page


def test_device_and_clock(page):
    assert bars(page, "resources") == pytest.approx({"LUT": 100 * 20_000 / 24_288, "FF": 100 * 13_000 / 24_288,
                                                     "EBR": 100 * 44 / 56, "DSP": 100})
    assert bars(page, "clocks") == {"used": 75.0, "possible": 93.5}
    text = Tags(page)
    assert {"b" * 64, "pyosys 0", "3"} <= set(text.texts["td"]) and "LFE5U-25F" in text.texts["dd"]
    assert "655.2 frames/s at 75 MHz; 93.5 MHz are possible." in text.texts["p"]


def test_the_critical_path(page):
    """Each piece begins where the one before ends; what takes no time is not shown."""
    pieces = sorted((base, length, trace["name"], *cells) for trace in plots(page)["critical-path"]["data"]
                    for base, length, cells in zip(trace["base"], trace["x"], trace["customdata"], strict=True))
    assert pieces == [(0, 0.5, "clk-to-q", "a", "a"), (0.5, 2.25, "routing", "a", "b"), (2.75, 0.25, "logic", "b", "b"),
                      (3.0, 0.5, "setup", "c", "c")]


def test_parts_of_the_engine(page):
    wanted = {kind: Counter() for kind in ("LUT", "FF", "EBR", "DSP")}
    for instance, kinds in PLACEMENT.items():
        for kind, places in kinds.items():
            wanted[kind][block_of(instance).name] += len(places)
    for kind, trace in traces(page, "blocks-of-the-die").items():
        assert dict(zip(trace["y"], trace["customdata"])) == {name: wanted[kind][name] for name in trace["y"]}
        assert sum(trace["x"]) == pytest.approx(100)
    [picture] = [attributes for tag, attributes in Tags(page).tags if tag == "img"]
    assert b64decode(picture["src"].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")


def test_routed_wires(page, build):
    [heat] = plots(page)["wires"]["data"]
    assert (heat["z"][10][1], heat["z"][12][30], sum(map(sum, heat["z"]))) == (3, 1, 4)
    assert read_build(build).wires.densest == (10, 1, 3)


@pytest.mark.parametrize("name, content, words", [
    ("top.config", ".device LFE5U-25F\n", "cannot be read as a routed design"),
    ("top.config", None, "cannot be read as a routed design"),
    ("build.json", "{}", "cannot be read as a finished build"),
    ("report.json", "[]", "cannot be read as a finished build"),
    ("placement.json", None, "there is no such file")])
def test_what_is_no_build(build, name, content, words):
    (build / name).unlink()
    if content is not None:
        (build / name).write_text(content)
    with pytest.raises(ConfigError, match=words):
        read_build(build)
