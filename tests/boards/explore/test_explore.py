"""Exploration: what a point costs is what the compiler says, the front is one, and nothing is asked twice."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from importlib.util import find_spec

import pytest

import firelane
from firelane.boards.engines import ENGINE_85F
from firelane.boards.explore import run
from firelane.boards.explore.front import csv_text, pareto
from firelane.boards.explore.point import SEED, Question, cost_of_member
from firelane.boards.explore.run import explore, in_process, pool
from firelane.boards.explore.space import EnginePoint, Member, Space
from firelane.cli.main import main
from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.energy import frame_energy
from firelane.compiler.fit.report import make_report
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.models.fire_graph import densities_by_kind, fire_graph
from firelane.models.squeezenet import NETWORKS
from tests.boards.explore.spaces import SMALL, TINY

needs_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed (firelane[explore])")


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Nothing is known from before."""
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))


def test_the_default_is_squeezenet():
    assert Member().network.convolutions == NETWORKS["squeezenet1.0-torchvision"].convolutions
    revised = Member(pools="early", stem="3x3").network
    assert revised.convolutions == NETWORKS["squeezenet1.1"].convolutions
    assert revised.body == NETWORKS["squeezenet1.1"].body


def test_densities():
    network = Member().network
    found = densities_by_kind(network)
    assert found["conv1"] == 0.9851 and 0.29 < found["fire9/expand3x3"] < 0.33
    total = sum(found[conv.name] * (conv.parameters - conv.outputs) for conv in network.convolutions)
    assert total == pytest.approx(415_921, rel=0.001)           # of Deep Compression


def test_a_point_costs_what_the_compiler_says():
    member = Member(**{name: values[0] for name, values in TINY.items()})
    engine = EnginePoint(banks=4, activation_words=512)
    [row] = cost_of_member(member, [engine], Question())
    graph = fire_graph(member.network, input_size=56, seed=SEED)
    report = make_report(compile_graph(graph, engine.config))
    assert (row["cycles"], row["bytes"], row["macs"]) == (report.cost.total, report.rom.bytes, report.dense_macs)
    energy = frame_energy(report, engine.config, 100e6, "LFE5U-85F")
    assert row["millijoules"] == pytest.approx(energy.total.mid, rel=0.5) and row["millijoules"] > 0
    assert row["millijoules_low"] < row["millijoules"] < row["millijoules_high"]
    assert row["fits"] and row["why"] == "" and row["weight_words"] % 512 == 0


def test_points_that_do_not_fit_say_why():
    rows = explore(SMALL, Question())
    assert len(rows) == 8 and [row["fits"] for row in rows] == [row["activation_words"] == 512 for row in rows]
    assert all(row["why"].startswith("needs ") and "activation memory" in row["why"] for row in rows if not row["fits"])
    [narrow] = cost_of_member(Member(), [EnginePoint(banks=1)], Question())
    assert not narrow["fits"] and "rows of 109 pixels" in narrow["why"]
    [none] = cost_of_member(Member(base=1), [EnginePoint()], Question())
    assert not none["fits"] and none["why"].startswith("no such network") and none["cycles"] is None
    small = replace(Question(), device="LFE5U-12F")
    assert "LUTs of" in cost_of_member(Member(**{name: values[0] for name, values in TINY.items()}),
                                       [EnginePoint(banks=4, activation_words=512)], small)[0]["why"]


def test_front():
    figures = ((True, 10, 5, 3), (True, 9, 5, 3), (True, 20, 5, 4), (False, 1, 1, 9), (True, 9, 5, 3))
    rows = [dict(zip(("fits", "cycles", "bytes", "weights"), each)) for each in figures]
    assert pareto(rows, ("cycles", "bytes", "-weights")) == [rows[1], rows[2], rows[4]]
    assert pareto(rows, ("cycles",)) == [rows[1], rows[4]]
    assert list(csv.DictReader(csv_text(rows[:1]).splitlines())) == [
        {"fits": "True", "cycles": "10", "bytes": "5", "weights": "3"}]
    with pytest.raises(ConfigError, match="did you mean cycles"):
        pareto(rows, ("cycle",))


def test_what_is_finished_is_not_asked_again():
    asked = []

    def interrupted(tasks):
        for number, rows in in_process(tasks):
            asked.append(tasks[number][0])
            yield number, rows
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        explore(SMALL, Question(), interrupted)
    shown = []
    rows = explore(SMALL, Question(), in_process, lambda stage, done, total: shown.append((done, total)))
    assert len(asked) == 1 and len(rows) == 8 and shown == [(0, 4), (4, 4)]
    assert explore(SMALL, Question(), lambda tasks: pytest.fail("asked again") if tasks else ()) == rows
    wider = Space({**SMALL.axes, "taps": [1], "activation_words": [512, 768]})
    explore(wider, Question(), in_process, lambda stage, done, total: shown.append((done, total)))
    assert shown[-1] == (2, 2)                  # 512 words were known
    file = run._file(Member(**{**{name: values[0] for name, values in TINY.items()}, "squeeze_ratio": 0.25}),
                     EnginePoint(banks=4, activation_words=64), Question(), run.source_digest(*run.MADE_BY))
    file.write_bytes(b"{")
    assert explore(SMALL, Question()) == rows


@needs_dask
@pytest.mark.filterwarnings("default")          # of Dask's, which are not ours to mend
def test_on_a_dask_cluster():
    with pool(workers=1) as work:
        found = explore(SMALL, Question(), work)
    assert found == [row for member in SMALL.members for row in cost_of_member(member, SMALL.engines, Question())]


@needs_dask
def test_no_scheduler_there():
    with pytest.raises(FirelaneError, match="not an address|no answer"), pool(scheduler="127.0.0.1:1"):
        pass
    with pytest.raises(ConfigError, match="leave out"), pool(workers=2, scheduler="127.0.0.1:1"):
        pass


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "firelane.boards.explore.dask_pool", raising=False)
    with pytest.raises(FirelaneError, match=r"needs distributed, .* pip install 'firelane\[explore\]'$"):
        firelane.explore(TINY)
    assert firelane.explore({**TINY, "banks": [4]}, workers=0).points


@pytest.mark.parametrize(("axes", "message"), [
    ({"colour": [1]}, "colour: no axis"), ({"taps": [3]}, "taps_per_cycle must be"),
    ({"pools": ["never"]}, "one of early"), ({"banks": []}, "no values"),
    ({"base": range(400), "increment": range(400)}, "at most 100,000"),
    (dict.fromkeys(("base", "increment", "frequency", "input_size"), range(100_000)), "at most 100,000"),   # in no time
])
def test_refused(axes, message):
    with pytest.raises(ConfigError, match=message):
        Space(axes)


@pytest.mark.parametrize(("axes", "why"), [
    ({"squeeze_ratio": float("nan")}, "squeeze_ratio is nan"),
    ({"squeeze_ratio": float("inf")}, "squeeze_ratio is inf"),
    ({"pct_3x3": float("nan")}, "pct_3x3 is nan"), ({"frequency": 0}, "freq is 0"),
    ({"base": 1}, "module 0 would have 0 squeeze filters, 1 of 1x1 and 0 of 3x3"),
])
def test_no_such_network(axes, why):
    [row] = cost_of_member(Member(**axes), [EnginePoint()], Question())
    assert row["why"] == f"no such network: {why}" and not row["fits"] and row["cycles"] is None


def test_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["explore", "--workers", "0", "--base", "8", "--increment", "8", "--pools", "early", "--stem", "3x3",
             "--input-size", "56", "--squeeze-ratio", "0.25,0.5", "--banks", "4", "--activation-words", "64,512",
             "--taps", "1"]
    assert main([*words, "-o", "front.csv", "--points", "points.csv", "--report", "page.html"]) == 0
    said = capsys.readouterr().out
    assert "2 of 4 points fit LFE5U-85F; 2 are on the front of cycles, bytes, words, -weights" in said.splitlines()[0]
    assert "Why points do not fit" in said and "squeeze ratio 0.25" in said
    with open("front.csv") as front, open("points.csv") as points:
        assert len([*csv.DictReader(front)]) == 2 and len([*csv.DictReader(points)]) == 4
    assert "Cycles against weights" in (tmp_path / "page.html").read_text()
    assert main([*words, "--json"]) == 0
    assert [point["on_front"] for point in json.loads(capsys.readouterr().out)["points"]] == [False, True, False, True]
    assert main([*words, "--banks", "four"]) == 2 and main([*words, "--device", "LFE"]) == 2


def test_the_engine_is_that_of_the_85f():
    assert EnginePoint().config == replace(ENGINE_85F, weight_words=1 << 18, program_words=1 << 13, average_bits=23)
