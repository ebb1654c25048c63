"""The wheel: what is in it, and that it works from a folder where the user has a `models/` and a `sim/` of his own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from firelane.compiler.support.files import build_root
from firelane.models.digits import load_split
from tests.imports import MODULES, ORDER, PACKAGE

ROOT = Path(__file__).resolve().parent.parent
SUFFIXES = {".py", ".v", ".vlt", ".cpp", ".onnx", ".json", ".html", ".css", ".js", ".png"}
FOREIGN = ("models", "sim", "hw", "compiler", "boards")
FLOAT_DIGITS = ROOT / "models" / "digits_squeezenet_float.onnx"
COMMANDS = """
import contextlib, io, json, sys
from firelane.cli.main import main
found = []
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        code = main(arguments)
    found.append((code, said.getvalue()))
print(json.dumps(found))
"""


def build_wheel(folder: Path) -> Path:
    """The wheel of this tree, built from a copy, in which setuptools may leave what it likes."""
    tree = folder / "tree"
    for room in ORDER:
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, tree / name)
    pip("wheel", tree, "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    [wheel] = folder.glob("*.whl")
    return wheel


def pip(*arguments: str | Path) -> None:
    """Without network."""
    done = subprocess.run([sys.executable, "-m", "pip", *map(str, arguments), "--no-index", "--quiet",
                           "--disable-pip-version-check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_all_of_the_tree_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    tree = {path.relative_to(ROOT).as_posix() for room in ORDER for path in (ROOT / room).rglob("*")
            if path.suffix in SUFFIXES and "__pycache__" not in path.parts}
    assert inside == {path if path.startswith(f"{PACKAGE}/") else f"{PACKAGE}/{path}" for path in tree}
    assert len([name for name in inside if name.endswith(".py")]) == len(MODULES)


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """Runs a program of a new environment, which has the wheel and sees our packages, in a hostile folder."""
    folder = tmp_path_factory.mktemp("installed")
    home, environment = folder / "home", folder / "environment"
    for name in FOREIGN:
        (home / name).mkdir(parents=True)
        (home / name / "__init__.py").write_text(f"raise RuntimeError('{name} of the user is no business of ours')\n")
    venv.create(environment, symlinks=True)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text("".join(f"{path}\n" for path in sys.path if Path(path).name == packages.name))
    pip("--python", environment / "bin" / "python", "install", "--no-deps", wheel)
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(program: str, *arguments: str | Path) -> str:
        done = subprocess.run([environment / "bin" / program, *map(str, arguments)], check=False, cwd=home,
                              capture_output=True, text=True, env=variables | {"FIRELANE_BUILD": str(build_root())})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    return run


def test_it_is_the_wheel_that_runs(run):
    output = run("python", "-c", "import firelane.sim.verilog as here; print(here.__file__)")
    assert f"{os.sep}environment{os.sep}" in output
    assert run("firelane", "--version") == "firelane, version 0.1.0\n" and "board-sim" in run("firelane", "--help")


def test_simulate(run):
    """`python -m` has the user's folder on its path, and so has cocotb's Python inside the simulator."""
    output = run("python", "-m", "firelane", "simulate", "--limit", "1")
    assert "10 of 10 values of 1 frame equal the reference" in " ".join(output.split())


def test_commands(run, tmp_path):
    """One process for all, because each imports for a second; exit code and words of each."""
    images, quantized, compiled = tmp_path / "images", tmp_path / "q.onnx", tmp_path / "compiled"
    images.mkdir()
    held_out = load_split()[1]
    for index in range(3):
        Image.fromarray(held_out.images[index, :, :, 0]).save(images / f"{index}.png")
    wanted = (
        (["quantize", FLOAT_DIGITS, "--calib", images, "--channels", "gray", "-o", quantized], 0, "written: "),
        (["compile", quantized, "--board", "ulx3s_25f", "-o", compiled], 0, "What fits"),
        (["evaluate", quantized, "--images", images, "--workers", "0"], 0, "3 images"),
        (["boards", "--json"], 0, '"model": "digits-bypass"'),
        (["board-sim", compiled, "--board", "ulx3s_12f"], 2, "was compiled for another engine"),
        (["bitstream", "--board", "ice40"], 2, "error: --board: unknown board 'ice40'"),
        (["bench", "--only", "none"], 2, "docs/benchmarks.md is part of a checkout, and this is an installed package"),
    )
    found = json.loads(run("python", "-c", COMMANDS, json.dumps([list(map(str, step[0])) for step in wanted])))
    for (arguments, code, words), (found_code, said) in zip(wanted, found, strict=True):
        assert found_code == code and words in said, (arguments, said)
    assert (compiled / "program.bin").exists()
