"""What is kept from run to run is made anew when any file that it is made by has changed.

Each kept result has in its key the digest of some packages. Here that list is held against what the module that makes
the result imports, directly or not: every file of that is edited, and the digest must change.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

from firelane.api import build_job, build_steps
from firelane.boards import get_board
from firelane.boards.comparison import cost as comparison_cost
from firelane.boards.explore import point as explore_point
from firelane.boards.explore import run as explore_run
from firelane.boards.explore.point import Question
from firelane.boards.explore.space import EnginePoint, Member
from firelane.boards.flow import place_route, synthesis, tools
from firelane.boards.flow.stages import Stages
from firelane.boards.report import published_fits
from firelane.boards.simulated import build as board_build
from firelane.boards.simulated import camera_board
from firelane.boards.top.camera_engine import CameraPlan
from firelane.boards.top.identity import Identity
from firelane.compiler.fit import estimate
from firelane.compiler.fit.estimate import EngineEstimate
from firelane.compiler.support.files import build_root
from firelane.compiler.support.kept_steps import KeptSteps
from firelane.compiler.support.progress import silent
from firelane.compiler.support.sources import digest_of_folders, package_folder, source_files
from firelane.compiler.train import kept as trained_kept
from firelane.compiler.train import run as trained_run
from firelane.hw.contract.config import EngineConfig
from firelane.models import catalogue, made_networks
from firelane.sim.evaluate import worker
from firelane.sim.simulator import build as simulator_build
from firelane.sim.simulator import engine_verilog, verilator
from tests.imports import MODULES, closure, imports

CFG = EngineConfig(trace=True)
PLAN = cast(CameraPlan, SimpleNamespace(timing=SimpleNamespace(bit_cycles=1)))
DESIGN = board_build.Design(identity=Identity(board="none", clock_hz=1, engine=CFG))


@dataclass(frozen=True)
class Kept:
    """A result that is kept.

    Parameters
    ----------
    user : module that forms the key
    maker : module that makes the result
    packages : that the digest in the key is of
    key : what the key is seen in, from an empty folder
    """

    user: ModuleType
    maker: ModuleType
    packages: tuple[str, ...]
    key: Callable[[Path], object]

    def __str__(self) -> str:
        return self.user.__name__.removeprefix("firelane.")


def simulator_directory(folder: Path) -> Path:
    (folder / "mine.v").write_text("")
    return simulator_build.build(CFG, verilog=folder / "mine.v").directory


def estimate_file(folder: Path) -> list[Path]:
    published_fits._figures(folder / "net.onnx", get_board("ulx3s_25f").engine)
    return sorted((build_root() / "estimates").glob("*.json"))


def build_key(folder: Path) -> str:
    return build_steps._Run(cast(build_job.BuildJob, None), cast(KeptSteps, None))._code_key


class _Kept(Stages):
    """Notes what a stage is made by, and takes it as kept."""

    def __init__(self) -> None:
        self.made_by: list[object] = []

    def stage(self, name, made_by, files, work, make):
        self.made_by.append(made_by[0])
        return True


def netlist_key(folder: Path) -> object:
    stages = _Kept()
    synthesis.synthesise(folder, "LFE5U-12F", stages, say=lambda text: None, progress=silent)
    return stages.made_by


def placement_key(folder: Path) -> object:
    stages, work = _Kept(), folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    with pytest.raises(FileNotFoundError):          # that of what a kept stage says
        place_route.place_and_route(work, [], [1], sites=None, goal=place_route.Goal(1e6), stages=stages,
                                    say=lambda text: None)
    return stages.made_by


def explored_file(folder: Path) -> Path:
    return explore_run._file(Member(), EnginePoint(), Question(), explore_run.code_digest())


KEPT = (
    Kept(explore_run, explore_point, explore_run.MADE_BY, explored_file),
    Kept(comparison_cost, comparison_cost, comparison_cost.MADE_BY,
         lambda folder: comparison_cost._file(comparison_cost.Question("squeezenet1.1", comparison_cost.OWN, 1))),
    Kept(synthesis, synthesis, synthesis.MADE_BY, netlist_key),
    Kept(place_route, place_route, place_route.MADE_BY, placement_key),
    Kept(build_steps, build_steps, build_steps.MADE_BY, build_key),
    Kept(catalogue, made_networks, catalogue.MADE_BY, lambda folder: catalogue.find("squeezenet1.1").path),
    Kept(engine_verilog, engine_verilog, engine_verilog.MADE_BY, lambda folder: engine_verilog.engine_verilog(CFG)),
    Kept(simulator_build, verilator, verilator.MADE_BY, simulator_directory),
    Kept(worker, worker, worker.DECIDED_BY, lambda folder: worker.code_digest()),
    Kept(board_build, board_build, board_build.MADE_BY, lambda folder: board_build.board_verilog(DESIGN)[0]),
    Kept(camera_board, camera_board, camera_board.MADE_BY, lambda folder: camera_board._camera_verilog(CFG, PLAN)[0]),
    Kept(camera_board, verilator, verilator.MADE_BY,
         lambda folder: camera_board.build_camera_board(CFG, PLAN).directory),
    Kept(published_fits, estimate, published_fits.MADE_BY, estimate_file),
    Kept(board_build, verilator, verilator.MADE_BY, lambda folder: board_build.build_board(DESIGN).program),
    Kept(trained_kept, trained_run, trained_kept.MADE_BY, lambda folder: trained_kept.code_digest()),
)


def empty_verilog(cfg: EngineConfig, images: None, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("")


kept_results = pytest.mark.parametrize("kept", KEPT, ids=str)


@pytest.fixture
def nothing_made(tmp_path, monkeypatch):
    """A build folder without anything, and makers that make empty files."""
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(tools, "version", lambda tool: "1")
    monkeypatch.setattr(tools, "nextpnr_ecp5", lambda: tools.Tool("nextpnr-ecp5", (), native=True))
    monkeypatch.setattr(made_networks, "make", lambda path, *others: path.touch())
    monkeypatch.setattr(engine_verilog, "write_verilog", empty_verilog)
    monkeypatch.setattr(published_fits, "load_graph", lambda path: None)
    monkeypatch.setattr(published_fits, "estimate", lambda graph, engine: EngineEstimate(
        engine, None, {"weight_words": 1}))
    monkeypatch.setattr(simulator_build, "compile_bench", lambda directory, *others: directory.mkdir())
    monkeypatch.setattr(board_build, "_verilog_text", lambda design, scratch: ("", []))
    monkeypatch.setattr(camera_board, "_verilog_text", lambda cfg, plan, scratch: ("", []))
    monkeypatch.setattr(verilator, "compile_bench", lambda directory, *others: directory.mkdir(exist_ok=True))
    monkeypatch.setattr(verilator, "compile_program", lambda directory, *others: directory.mkdir())


def files_of(maker: ModuleType) -> list[Path]:
    """What can change what `maker` makes: the modules that it needs, and data in their folders."""
    needed = {MODULES[module] for module in closure(maker.__name__)}
    data = {path for folder in {path.parent for path in needed} for path in source_files(folder)
            if path.suffix != ".py" and path.parent == folder}
    return sorted(needed | data)


def test_every_user_of_a_digest_is_known():
    users = {module for module in MODULES if "firelane.compiler.support.sources" in imports(module)}
    assert users == {kept.user.__name__ for kept in KEPT}


@kept_results
def test_a_change_of_any_file_changes_the_digest(kept, tmp_path):
    copies = {package: shutil.copytree(package_folder(package), tmp_path / package) for package in kept.packages}
    before, unseen = digest_of_folders(copies), []
    for path in files_of(kept.maker):
        found = [copies[package] / path.relative_to(package_folder(package)) for package in kept.packages
                 if path.is_relative_to(package_folder(package))]
        for copy in found:
            content = copy.read_bytes()
            copy.write_bytes(content + b"\n")
            changed = digest_of_folders(copies) != before
            copy.write_bytes(content)
            if changed:
                break
        else:
            unseen.append(str(path))
    assert unseen == []


@kept_results
def test_no_package_is_listed_in_vain(kept):
    files = files_of(kept.maker)
    assert [package for package in kept.packages
            if not any(path.is_relative_to(package_folder(package)) for path in files)] == []


@kept_results
def test_the_digest_is_in_the_key(kept, tmp_path, monkeypatch, nothing_made):
    versions = ["before", "before", "after"]
    keys = []
    for version in versions:
        monkeypatch.setattr(kept.user, "source_digest",
                            lambda *packages, now=version: now if packages == kept.packages else "other")
        keys.append(kept.key(tmp_path))
    assert keys[0] == keys[1] != keys[2]


def test_a_file_that_is_renamed_or_added_changes_the_digest(tmp_path):
    (tmp_path / "a.py").write_text("1")
    one = digest_of_folders({"p": tmp_path})
    (tmp_path / "notes.txt").write_text("not a source")
    assert digest_of_folders({"p": tmp_path}) == one
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    two = digest_of_folders({"p": tmp_path})
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.v").write_text("")
    assert len({one, two, digest_of_folders({"p": tmp_path})}) == 3


def test_what_is_no_package_is_refused():
    with pytest.raises(ValueError, match="^firelane.sim.reference is not a package$"):
        package_folder("firelane.sim.reference")
