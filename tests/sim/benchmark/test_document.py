"""sim.benchmark.document: the tables say what the records say, and only what was measured is there."""

from __future__ import annotations

from firelane.sim.benchmark.document import render, table
from tests.sim.benchmark.examples import accuracy_record, build_record, frame_record


def line(text: str, begin: str) -> str:
    """The only table row that begins so."""
    found = [row for row in text.splitlines() if row.startswith(f"| {begin} |")]
    assert len(found) == 1, found
    return found[0]


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def section(text: str, title: str) -> str:
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_table():
    assert table([("a", "b"), ("c", "1")]) == "| a | b |\n|---|---:|\n| c | 1 |\n"


def test_frame():
    text = render({"squeezenet1.1": frame_record()})
    assert cells(line(section(text, "Whole frames, 224 x 224, through Verilator"), "SqueezeNet v1.1")) == [
        "SqueezeNet v1.1", "random", "640 x 2", "1 100", "1.3750 of 800", "1.3095 of 840", "2.000", "1 000 of 1 000"]
    assert "| SqueezeNet v1.1, a made image | 7 cock, 0.750 | 3, 0.125 |" in section(text, "Best classes")
    assert cells(line(section(text, "Speed of the tools"), "SqueezeNet v1.1")) == [
        "SqueezeNet v1.1", "1.2", "1.2", "0.50", "2.2", "61", "0.1", "22 000", "0.5"]


def test_layers():
    rows = section(render({"squeezenet1.1": frame_record()}), "Layers of SqueezeNet v1.1")
    assert cells(line(rows, "conv")) == ["conv", "9 TILE", "100", "8", "800", "1 000", "1 000", "90.9%", "2.20"]
    assert cells(line(rows, "pool")) == ["pool", "4 TILE", "10", "4", "40", "100", "100", "9.1%", ""]
    assert cells(line(rows, "whole frame"))[1:] == ["13", "", "", "840", "1 100", "1 100", "", "2.00"]


def test_one_tap_and_two_side_by_side():
    text = render({"squeezenet1.1-two-taps": frame_record(frame_cycles=600), "squeezenet1.1": frame_record()})
    rows = section(text, "Whole frames, 224 x 224, through Verilator")
    one, two = (cells(line(rows, f"SqueezeNet v1.1{taps}")) for taps in ("", ", two taps a cycle"))
    assert (one[3], two[3]) == ("1 100", "600") and rows.index("v1.1 |") < rows.index("v1.1, two")
    assert "## Layers of SqueezeNet v1.1, two taps a cycle\n" in text
    assert "squeezenet1.1-two-taps" in text.partition("Names:")[2].partition("Raw results")[0]


def test_a_prediction_out_of_bounds_is_shown():
    def row(measured):
        text = section(render({"squeezenet1.1": frame_record(measured=measured)}), "Predicted and measured cycles")
        return cells(line(text, "SqueezeNet v1.1"))[3:]
    assert row(1000) == ["all equal", "0.000%", "0.5%"]
    assert row(996) == ["conv", "0.402%", "0.5%"]
    assert row(990) == ["conv", "1.010%", "0.5% EXCEEDED"]


def test_accuracy():
    text = render({"accuracy": accuracy_record()})
    assert cells(line(text, "float")) == ["float", "80.0%", "90.0%"]
    assert cells(line(text, "integer reference")) == ["integer reference", "78.0%", "92.0%"]
    assert "50 photographs" in text and "## Whole frames" not in text


def test_the_origin_of_each_measurement():
    text = section(render({"squeezenet1.1": frame_record(), "accuracy": accuracy_record()}), "When and where")
    assert cells(line(text, "accuracy")) == ["accuracy", "0123456789ab", "2026-01-02", "2 cores of a machine"]
    assert line(text, "squeezenet1.1")


def test_the_same_records_give_the_same_document():
    assert render({"accuracy": accuracy_record()}) == render({"accuracy": accuracy_record()})


def test_boards():
    text = render({}, [build_record()])
    assert cells(line(section(text, "Boards"), "ulx3s_85f")) == [
        "ulx3s_85f", "net", "8", "67 584", "37 000 of 83 640", "21 000 of 83 640", "202 of 208", "140 of 156",
        "80.2", "75", "3 000 000", "25.0", "3", "1 234", "0.5"]
    assert cells(line(section(text, "When and where"), "ulx3s_85f, net"))[1:3] == ["0123456789ab", "2026-01-02"]
    assert "## Boards" not in render({"accuracy": accuracy_record()})
