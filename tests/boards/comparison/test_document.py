"""docs/comparison.md is what `make compare` writes: all of its text, a network's rows, and what it takes elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from firelane.boards.comparison.cost import DENSE, NAMES, OWN, PRUNED, TAPS, NetworkCost, Question, compare
from firelane.boards.comparison.document import HEAD, KNOWN, STRATEGIES, best, number, render
from firelane.boards.comparison.run import main
from firelane.models.comparison.accuracy import PUBLISHED
from firelane.models.squeezenet import NETWORKS
from tests.boards.comparison.costs import COST

DOCS = Path(__file__).parents[3] / "docs"
AGAIN = "write it again: make compare"


@pytest.fixture
def page():
    return (DOCS / "comparison.md").read_text()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """The cells of the table below a heading, by the network."""
    section = page.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    found = [cells(line) for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`*"): row[1:] for row in found}


def test_text(page):
    assert page.startswith(HEAD) and KNOWN in page, AGAIN


def test_every_network_is_there(page):
    for heading in ("Networks", "Dense", "Pruned", "What cannot run"):
        assert list(rows(page, heading)) == list(NAMES), AGAIN
    assert list(rows(page, "SqueezeNets with")) == [name for name in NAMES if name in NETWORKS], AGAIN


def test_accuracies(page):
    """As published, each with its source; nothing where nobody published any."""
    found = rows(page, "Networks")
    assert {name: tuple(row[-2:]) for name, row in found.items()} == {
        name: (f"{PUBLISHED[name].top1:g}", PUBLISHED[name].source) if name in PUBLISHED else ("", "none found")
        for name in NAMES}, AGAIN
    assert {*PUBLISHED} <= {*NAMES} and all(0 < one.top1 < 100 for one in PUBLISHED.values())


def test_a_row(page, tmp_path, monkeypatch):
    """v1.1 as Deep Compression would leave it, the least work: a compiler that takes other cycles changes it, too."""
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    costs = compare([Question("squeezenet1.1", OWN, taps) for taps in TAPS])
    line = next(line for line in render(costs, "").splitlines() if line.startswith("| `squeezenet1.1` |"))
    assert line in page.splitlines(), AGAIN
    assert not costs[0].problems and costs[0].words <= 1024 and 1.8 < costs[0].cycles / costs[1].cycles < 2


def test_sentences_of_other_pages(page):
    """What is taken from docs/exploration.md is still there, and so are the bytes and points of docs/compression.md."""
    exploration, compression = ((DOCS / name).read_text() for name in ("exploration.md", "compression.md"))
    for heading, _ in STRATEGIES.values():
        [row] = [line for line in page.splitlines() if line.endswith(f"{heading.lower()} |")]
        sentence = re.search(r"From .*?\(two taps a cycle\)\.", row)
        assert sentence and sentence[0] in " ".join(exploration.split()), AGAIN
    for figure in ("302 462", "2.4 points", "335 692", "1.9 points"):
        assert figure in compression


def test_what_is_missing():
    assert COST.fits and COST.short == {}
    assert replace(COST, words=1025).short == {"activation_words": (1025, 1024)}
    short = replace(COST, weight_words=67_585, program_words=4097)
    assert [*short.short] == ["weight_words", "program_words"] and not short.fits
    assert replace(COST, words=None).fits                           # not known, so not said
    assert not replace(COST, problems=("conv1: too wide",)).fits and not replace(COST, least=True).fits


def test_the_best():
    """By published accuracy and cycles: one that is slower and no better is left out."""
    def cost(network: str, cycles: int) -> NetworkCost:
        return replace(COST, network=network, cycles=cycles)
    costs = [cost("resnet18", 900), cost("alexnet", 950), cost("squeezenet1.1", 100), cost("squeezenet1.0", 200),
             cost("mobilenet_v2_0.25", 50)]
    assert [one.network for one in best(costs, DENSE, 1)] == ["squeezenet1.1", "resnet18"]
    assert best(costs, PRUNED, 1) == [] and best(costs, DENSE, 2) == []


def test_times():
    assert (COST.frames_per_second, COST.milliseconds) == (100, 10) and number(1_234_567) == "1 234 567"


def test_what_was_found_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))
    question = Question("squeezenet1.1", OWN, 1)
    told = []
    first = compare([question], lambda *progress: told.append(progress))
    assert told == [("comparing", 0, 1), ("comparing", 1, 1)]
    [file] = (tmp_path / "comparison").glob("*.json")
    monkeypatch.setattr("firelane.boards.comparison.cost._cost", lambda asked: pytest.fail(f"{asked} again"))
    assert compare([question]) == first
    file.write_text("damaged")
    with pytest.raises(pytest.fail.Exception, match="again"):
        compare([question])


def test_the_page_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("firelane.boards.comparison.run.compare", lambda asked, told: [
        replace(COST, network=one.network, weights=one.weights, taps=one.taps) for one in asked])
    (tmp_path / "exploration.md").write_text((DOCS / "exploration.md").read_text())
    main(tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text()
    assert text.startswith(HEAD) and "nothing: it fits" in text and "written: " in capsys.readouterr().out
