"""Table and drawing of a sweep, from rows whose best ones are known."""

import io

import numpy as np
import pytest
from PIL import Image

from firelane.compiler.compress.frontier import (
    DPI,
    INCHES,
    LABELS_AT_MOST,
    OTHERS,
    OURS,
    best_rows,
    csv_text,
    png_bytes,
    write_frontier,
)
from firelane.compiler.compress.frontier_row import FrontierRow
from firelane.compiler.support.errors import FirelaneError


def row(size: int, top1: float | None = None, agreement: float | None = None, cycles: int = 4_000_000,
        label: str = "") -> FrontierRow:
    return FrontierRow(label=label or str(size), size=size, top1=top1, agreement=agreement, cycles=cycles)


SWEEP = [row(345_000, 0.638, 0.9), row(303_000, 0.607, 0.85, 3_800_000), row(322_000, 0.527, 0.7, 3_900_000),
         row(336_000, 0.638, 0.91, 3_950_000, "half, say")]


def ink(content: bytes, colour: str) -> np.ndarray:
    """Places (N, 2) of the pixels that are of a colour."""
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    wanted = [int(colour[start:start + 2], 16) for start in (1, 3, 5)]
    return np.argwhere(np.abs(pixels - wanted).max(axis=2) < 8)


def test_csv_is_sorted_by_size_and_leaves_out_what_is_not_known():
    assert csv_text([*SWEEP, row(1, cycles=5)]).splitlines() == [
        "label,size,top1,agreement,cycles", "1,1,,,5", "303000,303000,0.607,0.85,3800000",
        "322000,322000,0.527,0.7,3900000", '"half, say",336000,0.638,0.91,3950000', "345000,345000,0.638,0.9,4000000"]


@pytest.mark.parametrize("measure, sizes", [("top1", [303_000, 336_000]), ("agreement", [303_000, 336_000])])
def test_best_rows_are_worse_than_none_that_is_smaller(measure, sizes):
    assert [best.size for best in best_rows(SWEEP, measure)] == sizes


def test_best_of_one_size_is_one_row():
    rows = [row(10, 0.5, label="a"), row(10, 0.7, label="b"), row(10, 0.6, label="c"), row(11, 0.7), row(12)]
    assert [best.label for best in best_rows(rows, "top1")] == ["b"]


def test_drawing_has_our_points_and_the_published_ones():
    content = png_bytes(SWEEP, float_top1=0.65)
    assert Image.open(io.BytesIO(content)).size == tuple(round(side * DPI) for side in INCHES)
    ours, others = ink(content, OURS), ink(content, OTHERS)
    middle = INCHES[0] * DPI / 2
    for panel in (ours[:, 1] < middle, ours[:, 1] > middle):
        assert panel.sum() > 100
    assert (others[:, 1] < middle).sum() > 100 and (others[:, 1] > middle).sum() > 50
    assert others[others[:, 1] < middle][:, 1].min() > ours[ours[:, 1] < middle][:, 1].min()     # they are larger


def test_published_points_need_a_float_network_to_stand_at():
    assert len(ink(png_bytes(SWEEP, float_top1=0.65), OTHERS)) > len(ink(png_bytes(SWEEP), OTHERS))


def test_agreement_where_there_are_no_labels():
    rows = [row(300_000, agreement=0.8), row(330_000, agreement=0.9), row(340_000)]
    assert len(ink(png_bytes(rows), OURS)) > 100
    assert png_bytes(rows) != png_bytes([*rows[:2]])


def test_same_rows_same_bytes():
    assert png_bytes(SWEEP, 0.65) == png_bytes(SWEEP, 0.65) != png_bytes(SWEEP[:3], 0.65)


def test_many_points_have_no_names():
    rows = [row(300_000 + index, 0.5, label="a long label") for index in range(LABELS_AT_MOST + 1)]
    named = [row(300_000 + index, 0.5, label="another label, longer") for index in range(LABELS_AT_MOST + 1)]
    assert png_bytes(rows) == png_bytes(named)
    assert png_bytes(rows[:3]) != png_bytes(named[:3])


def test_files(tmp_path):
    write_frontier(SWEEP, tmp_path / "made" / "f.csv", tmp_path / "made" / "f.png", float_top1=0.65)
    assert (tmp_path / "made" / "f.csv").read_text() == csv_text(SWEEP)
    assert (tmp_path / "made" / "f.png").read_bytes() == png_bytes(SWEEP, 0.65)
    assert len(list((tmp_path / "made").iterdir())) == 2


def test_nothing_to_draw(tmp_path):
    with pytest.raises(FirelaneError, match="^sweep: nothing was reached; a larger budget, or one more step$"):
        write_frontier([], tmp_path / "f.csv", tmp_path / "f.png")
    assert not list(tmp_path.iterdir())


def test_file_that_cannot_be_written(tmp_path):
    with pytest.raises(FirelaneError, match="is a folder; name a file with -o$"):
        write_frontier(SWEEP, tmp_path, tmp_path / "f.png")
