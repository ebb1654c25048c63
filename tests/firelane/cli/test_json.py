"""--json of every command that measures: one document, alone on standard output, and as its schema says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import onnx
import pytest

from firelane.boards.doctor.item import Item, Purpose
from firelane.boards.flow.bitstream import Build
from firelane.boards.flow.vivado_project import VivadoProject
from firelane.boards.host import discovery
from firelane.boards.host.discovery import SIMULATED, SerialLine
from firelane.boards.report import published_fits
from firelane.boards.report.build_record import Digests
from firelane.boards.report.build_report import BuildReport, Step
from firelane.boards.report.end_to_end import FrameWork
from firelane.boards.top.identity import Identity
from firelane.cli.commands.schema import NAMES, SCHEMAS
from firelane.cli.main import COMMANDS, main
from firelane.compiler.artefact.reader import read_model
from firelane.models.catalogue import CatalogueEntry
from firelane.models.made_images import made_images
from firelane.sim.benchmark.records import store
from tests.boards.host.digits import CFG, compiled_folder, expected, image_file, pixels
from tests.boards.host.fake_board import FakeBoard, on_terminal
from tests.compiler.small_networks import SIDE
from tests.compiler.train import pictures
from tests.float_models import small_squeezenet
from tests.json_schemas import check
from tests.sim.benchmark.examples import accuracy_record, frame_record

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys) -> Run:
    """Runs a command with --json in an empty folder; gives the document."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str, code: int = 0) -> dict[str, Any]:
        assert main([*words, "--json"]) == code, capsys.readouterr().err
        return check(words[0], json.loads(capsys.readouterr().out))
    return command


@pytest.fixture
def model(tmp_path) -> Iterator[str]:
    """A small float network, and eight images beside it."""
    onnx.save(small_squeezenet(SIDE, fires=1), tmp_path / "f.onnx")
    np.save(tmp_path / "images.npy", made_images(8, (3, SIDE, SIDE), seed=0))
    yield "f.onnx"


class TestSchemas:
    def test_they_are_schemas_of_commands(self, capsys):
        assert len(NAMES) == 18 and set(NAMES) <= set(COMMANDS)
        for name in NAMES:
            assert main(["schema", name]) == 0
            schema = json.loads(capsys.readouterr().out)
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["properties"]["command"]["const"] == name and schema["title"]

    def test_every_field_is_described(self):
        def fields(schema: Any) -> Iterator[tuple[str, dict]]:
            if isinstance(schema, dict):
                yield from schema.get("properties", {}).items()
                for part in schema.values():
                    yield from fields(part)
            for part in schema if isinstance(schema, list) else ():
                yield from fields(part)
        found = [(name, field) for command in NAMES
                 for name, field in fields(json.loads((SCHEMAS / f"{command}.json").read_text()))]
        assert len(found) > 200
        assert [name for name, field in found if not field["description"].endswith(".")] == []

    def test_unknown(self, capsys):
        assert main(["schema", "estimat"]) == 2
        assert capsys.readouterr().err == "error: COMMAND: estimat: has no --json; did you mean estimate?\n"

    def test_every_json_has_one(self):
        from click import Context

        from firelane.cli.main import firelane
        having = {name for name in COMMANDS for param in firelane.get_command(Context(firelane), name).params
                  if "--json" in param.opts}
        assert having == set(NAMES)


class TestModels:
    def test_estimate(self, run):
        assert run("estimate", "digits", "--board", "ulx3s_25f")["boards"][0]["fits"] is True
        seen = run("estimate", "digits", "--board", "ulx3s_85f", "--camera", "ov7670")["boards"][0]
        assert seen["camera"]["frames_per_second"] == 31.26 and seen["camera_problem"] is None
        refused = run("estimate", "digits", "--board", "ulx3s_12f")
        assert refused["boards"][0]["shortages"][0]["found"]

    def test_estimate_of_what_is_impossible(self, run, model):
        float_model = onnx.load(model)
        float_model.graph.node[1].op_type = "Tanh"
        onnx.save(float_model, "tanh.onnx")
        found = run("estimate", "tanh.onnx", code=2)
        assert found["problems"] and found["boards"] == [] and found["layers_on"] is None

    def test_compile(self, run):
        found = run("compile", "digits", "--board", "ulx3s_25f", "-o", "made")
        assert found["fits"] and found["written"] == "made" and found["agreement"]["images"] > 0
        assert sum(layer["rom"]["values"] for layer in found["layers"]) == pytest.approx(found["rom"]["values"])
        assert int(found["program_digest"], 16) == read_model(Path("made")).digest

    def test_compile_without_a_board_and_what_does_not_fit(self, run, tmp_path):
        assert run("compile", "digits", "--no-check")["frames_per_second"] is None
        found = run("compile", "digits", "--no-check", "--board", "ulx3s_12f", "--banks", "8", "-o", "none",
                    code=2)
        assert found["fits"] is False and not all(line["fits"] for line in found["usage"])
        assert found["written"] is None and not Path("none").exists()

    def test_quantize_and_compress(self, run, model):
        images = ("--calib", "images.npy", "--preset", "raw")
        assert run("quantize", model, *images, "-o", "q.onnx", "--limit", "4")["images"] == 4
        found = run("compress", model, *images, "-o", "c.onnx", "--budget", "9KB", "--effort", "fast")
        assert found["rom_bytes"] <= 9000 and found["board"] is None and found["expected_loss"]["images"] > 0

    def test_train(self, run, tmp_path):
        onnx.save(pictures.network(), "net.onnx")
        pictures.folder_of_stripes(tmp_path / "images", 6)
        found = run("train", "images", "--from", "net.onnx", "-o", "mine.onnx", "--views", "1")
        assert found["classes"] == list(pictures.CLASSES) and found["images"] + found["held_out"] == 18
        assert found["best"] in found["steps"] and found["written"] == "mine.onnx"
        assert sum(map(sum, found["confusion"])) == found["held_out"] == 3

    def test_evaluate(self, run, tmp_path):
        image_file(0, tmp_path / "images")
        found = run("evaluate", "digits", "--images", "images", "--workers", "0", "--derive-float", "-o", "r.json")
        assert found["images"] == 1 and found["layers"] and found == json.loads(Path("r.json").read_text())

    def test_simulate(self, run):
        found = run("simulate", "--limit", "1")
        assert found["frames"] == 1 and found["correct"] == 1 and found["layers"][0]["measured"] > 0


WORK = FrameWork(image_bytes=3000, result_bytes=10, cycles=1000)


class TestBoards:
    def test_boards(self, run, monkeypatch):
        monkeypatch.setattr("firelane.boards.report.board_fit._work", lambda graph, cfg: WORK)
        monkeypatch.setattr(published_fits, "_figures", lambda path, engine: published_fits._Figures(WORK, {}))
        monkeypatch.setattr(published_fits, "find", lambda name, progress: CatalogueEntry(path=Path(name)))
        assert len(run("boards")["boards"]) == 9

    def test_devices(self, run, monkeypatch):
        with on_terminal(FakeBoard(digest=7).answers) as path:
            monkeypatch.setattr(discovery, "serial_lines",
                                lambda: [SerialLine(port, SIMULATED) for port in (path, "/no/such/port")])
            board, none = run("devices")["ports"]
        assert board["model_digest"] == "00000007" and none["problem"]

    def test_doctor(self, run, monkeypatch):
        monkeypatch.setattr("firelane.boards.doctor.checks.check", lambda machine: [
            Item("perl", Purpose.SIM, False, "not found", "apt install perl")])
        assert run("doctor", code=2)["things"][0]["fix"] == "apt install perl"

    @pytest.mark.parametrize("wrong, code", [(0, 0), (1, 1)])
    def test_validate(self, run, tmp_path, wrong, code):
        folder = compiled_folder("digits", tmp_path / "digits")
        right = expected("digits", pixels(0))
        board = FakeBoard(compute=lambda image: bytes([right[0] ^ wrong]) + right[1:], chunk=10,
                          digest=read_model(folder).digest, identity=Identity(board="fake", clock_hz=1000, engine=CFG))
        with on_terminal(board.answers) as path:
            found = run("validate", str(folder), "digits", "--port", path, "--image",
                        str(image_file(0, tmp_path)), code=code)
        assert found["passed"] == (code == 0) and (found["first_difference"] is None) == found["passed"]

    def test_run_has_a_line_for_each_image(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
        folder = compiled_folder("digits", tmp_path / "build" / "digits")
        board = FakeBoard(compute=lambda image: bytes(10), digest=read_model(folder).digest,
                          identity=Identity(board="fake", clock_hz=50_000, engine=CFG))
        images = [str(image_file(number, tmp_path)) for number in (1, 2)]
        with on_terminal(board.answers) as path:
            assert main(["run", *images, "--port", path, "--json"]) == 0
        found = [check("run", json.loads(line)) for line in capsys.readouterr().out.splitlines()]
        assert [record["image"] for record in found] == images


def test_bench(run, tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    store("accuracy", accuracy_record())
    store("squeezenet1.1", frame_record())
    found = run("bench", "--only", "none", "-o", "made.md")
    assert found["written"] == "made.md" and found["results"]["squeezenet1.1"]["report"]["frame_cycles"] > 0
    assert found["results"]["accuracy"]["scores"]


class TestBuilds:
    def test_bitstream(self, run, monkeypatch):
        def build(board, top, contents, model, folder, *, seeds, say, progress):
            say("placing")
            report = BuildReport({"LUT": (20_000, 24_288)}, 81e6, 75e6, (Step("routing", 12.3, "a", "b"),))
            return Build(folder, folder / "top.bit", Digests("d" * 64, "b" * 64), 5, report, {"yosys": "pyosys 0"})
        monkeypatch.setattr("firelane.boards.flow.model_build.build_bitstream", build)
        monkeypatch.setattr("firelane.boards.flow.model_build.board_design", lambda board, contents: "the design")
        found = run("bitstream", "--board", "ulx3s_25f", "-o", "made")
        assert found["resources"]["LUT"] == {"used": 20_000, "available": 24_288} and found["written"] == "made/top.bit"

    def test_vivado_project(self, run, monkeypatch):
        def written(board, top, folder, *, say):
            say("counting")
            return VivadoProject(folder, {"LUT": 63_000, "RAMB18": 250})
        monkeypatch.setattr("firelane.boards.flow.vivado_project.write_project", written)
        monkeypatch.setattr("firelane.boards.flow.vivado_project.board_design", lambda board, contents: "the design")
        found = run("vivado-project", "--board", "arty_a7_100", "-o", "made")
        assert found["resources"]["RAMB18"] == {"used": 250, "available": 270} and found["model"] == "digits_squeezenet"


@pytest.mark.parametrize("words", [["estimate", "none.onnx"], ["compile", "digits", "--board", "toaster"],
                                   ["simulate", "--limit", "9999"], ["evaluate", "digits", "--images", "none"],
                                   ["devices", "--bard"], ["compress", "digits", "--calib", "none", "--sweep"]])
def test_errors_are_one_line_on_standard_error(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.splitlines()[-1].startswith("error: ")
