"""Reading nextpnr's report: the slowest clock counts, and missing timing is seen."""

import json
from dataclasses import replace

import pytest

from firelane.boards.report.build_report import read_report, table


def write_report(path, fmax: dict[str, float]):
    steps = [{"from": {"cell": "x", "port": "Q"}, "to": {"cell": "y", "port": "D"}, "delay": 1.5, "type": "logic"},
             {"from": {"cell": "a", "port": "Q"}, "to": {"cell": "b", "port": "D"}, "delay": 4.25, "type": "routing"}]
    path.write_text(json.dumps({
        "fmax": {name: {"achieved": megahertz, "constraint": 75.0} for name, megahertz in fmax.items()},
        "utilization": {"TRELLIS_COMB": {"used": 31000, "available": 83640}, "DP16KD": {"used": 79, "available": 208},
                        "TRELLIS_FF": {"used": 17000, "available": 83640}},
        "critical_paths": [{"from": "posedge engine", "to": "posedge engine", "path": steps}],
    }))
    return path


def test_read(tmp_path):
    report = read_report(write_report(tmp_path / "r.json", {"usb": 120.0, "engine": 81.5}), target_hz=75e6)
    assert report.resources == {"LUT": (31000, 83640), "FF": (17000, 83640), "EBR": (79, 208)}
    assert report.achieved_hz == pytest.approx(81.5e6)
    assert report.meets_timing
    assert [str(step) for step in report.worst_path] == ["1.50 ns logic: x -> y", "4.25 ns routing: a -> b"]
    assert report.limit == "5.8 ns, 4.2 ns of it on wires, from x to b"
    assert [row[0] for row in table(report, title="t").rows] == ["LUT", "FF", "EBR", "Fmax (MHz)"]


def test_no_path_is_reported(tmp_path):
    report = replace(read_report(write_report(tmp_path / "r.json", {"engine": 80.0}), target_hz=75e6), worst_path=())
    assert report.limit == "not reported"


def test_missed_timing(tmp_path):
    assert not read_report(write_report(tmp_path / "r.json", {"engine": 74.9}), target_hz=75e6).meets_timing


def test_no_clock(tmp_path):
    with pytest.raises(ValueError, match="names no clock$"):
        read_report(write_report(tmp_path / "r.json", {}), target_hz=75e6)
