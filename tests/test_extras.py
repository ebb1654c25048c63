"""Groups of packages: what each is declared to have, that it suffices, and what who lacks it is told."""

from __future__ import annotations

import ast
import json
import re
import sys

import pytest

from firelane.cli.support import work
from firelane.compiler.support.extras import EXTRAS, MissingExtraError, from_extra
from firelane.compiler.support.files import build_root
from firelane.lazy import extra_of
from tests.extras import OURS, PROJECT, ROOT, declared, distributions, importable, normal, python
from tests.imports import MODULES, closure, statements

NOT_HERE = {"sklearn": "scikit-learn", "torch": "torch"}         #: of [train], which tests do not install
NAMES = """
import importlib, json
from firelane.compiler.support.extras import MissingExtraError
found = {}
for module in ("firelane", "firelane.cli.support.work"):
    home = importlib.import_module(module)
    for name in home.__all__:
        try:
            found[f"{module}.{name}"] = bool(getattr(home, name))
        except MissingExtraError as error:
            found[f"{module}.{name}"] = str(error)
print(json.dumps(found))
"""
COMMANDS = """
import contextlib, io, json, sys
from firelane.cli.main import main
found = {}
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        code = main(arguments)
    found[arguments[0]] = [code, said.getvalue()]
print(json.dumps(found))
"""


def third_party(module: str) -> set[str]:
    """Packages of others that a module imports, those aside that only a type checker sees."""
    found = set()
    for node in statements(module, for_types=False):
        match node:
            case ast.Import():
                found |= {alias.name.partition(".")[0] for alias in node.names}
            case ast.ImportFrom(module=str(source)):
                found.add(source.partition(".")[0])
    return found - sys.stdlib_module_names - {OURS}


def doors() -> list[tuple[str, str]]:
    """Modules that are imported by name, and the extras that each is said to need."""
    found = {(home, extra_of(home)) for module in ("firelane", "firelane.cli.support.work")
             for home in _texts(module, "lazy_names") if home in MODULES and home != module}
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="from_extra"), args=[ast.Constant(home), ast.Constant(extra), *_]):
                    found.add((home, extra))
                case ast.Call(func=ast.Name(id="from_extra")):
                    raise AssertionError(f"{module}: name the module and its extra where it is called")
    return sorted(found)


def _texts(module: str, function: str) -> list[str]:
    return [inner.value for node in ast.walk(ast.parse(MODULES[module].read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
            for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)]


@pytest.mark.parametrize("name", EXTRAS)
def test_the_table_is_that_of_the_project(name):
    extra = EXTRAS[name]
    packages = {*extra.packages, *(package for tool in extra.tools for package in tool.packages)}
    by_import = distributions()
    found = {normal(next(iter(by_import[package]), "")) if package in by_import
             else NOT_HERE.get(package, normal(package)) for package in packages}
    assert found == {"distributed" if one == "dask" else one for one in declared(name)}


@pytest.mark.parametrize("home, extra", doors())
def test_an_extra_suffices(home, extra):
    """All that is imported at once is there; what is imported later has a door of its own."""
    there = importable(filter(None, extra.split(","))) | set(NOT_HERE if extra == "train" else ())
    lacking = {module: sorted(third_party(module) - there) for module in closure(home, lazily=False, above=True)}
    assert {module: names for module, names in lacking.items() if names} == {}


def test_the_walk_sees_packages():
    """A check of the checker."""
    assert "scipy" in third_party("firelane.compiler.compress.correction")
    assert ("firelane.sim.evaluate.cluster", "cluster") in doors() and ("firelane.boards.host.run", "") in doors()
    assert "onnx" not in importable(()) and {"numpy", "serial", "amaranth"} <= importable(())
    assert not {"scipy", "numba", "sklearn", "onnxruntime", "matplotlib", "dask"} & importable(["sim"])


def test_what_a_plain_installation_can_do(tmp_path):
    done = python((), tmp_path, "-c", NAMES)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name in ("classify", "load_model", "find_devices", "devices_to_table", "validate", "check", "chosen_port"):
        assert found[f"firelane.cli.support.work.{name}"] is True, found
    for name in ("load", "compile", "simulate", "compress", "quantize", "evaluate", "estimate"):
        extra = extra_of(f"firelane.api.{name}" if name != "load" else "firelane.api.network")
        assert re.fullmatch(rf"firelane\.{name}: needs \w+, which is not installed; "
                            rf"pip install 'firelane\[{extra}\]'", found[f"firelane.{name}"])
    assert {f"firelane.cli.support.work.{name}" for name in work.__all__} <= found.keys()


def test_commands_that_lack_an_extra_say_so_before_any_work(tmp_path):
    """In one line; what files the arguments name is not even looked at."""
    wanted = {
        "compress": (["no.onnx", "--calib", "no", "--budget", "1KB", "-o", "x.onnx"], "compress"),
        "quantize": (["no.onnx", "--calib", "no", "-o", "x.onnx"], "compile"),
        "boards": ([], "compile"), "die-plot": (["no"], "report"), "patch": (["no", "no", "-o", "no"], "build"),
        "evaluate": (["no.onnx", "--images", "no"], "compile"),
    }
    done = python((), tmp_path, "-c", COMMANDS, json.dumps([[name, *given] for name, (given, _) in wanted.items()]))
    assert done.returncode == 0, done.stderr
    for name, (code, said) in json.loads(done.stdout).items():
        assert code == 2 and re.fullmatch(
            rf"error: firelane {name}: needs [^,:]+, which is not installed; pip install "
            rf"'firelane\[{wanted[name][1]}\]'\n", said), (name, said)


def test_commands_of_a_plain_installation(tmp_path):
    done = python((), tmp_path, "-c", COMMANDS, json.dumps([
        ["run", "no.png", "--port", "/dev/none"], ["load", "no", "--port", "/dev/none"],
        ["devices", "--port", "/dev/none"], ["doctor"]]))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "no.png: there is no such file" in found["run"][1] and "/dev/none" in found["devices"][1]
    assert found["load"][0] == 2 and "no: " in found["load"][1]
    assert "pip install 'firelane[sim]'" in found["doctor"][1] and "packages [cluster]" in found["doctor"][1]


def test_make_sim_needs_its_extra_alone(tmp_path):
    """Drawn digits through the Verilog, in Python that has nothing else; cocotb's inside the simulator included."""
    done = python(["sim"], tmp_path, "-m", "firelane", "simulate", "--limit", "1", FIRELANE_BUILD=str(build_root()))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 of 10 values of 1 frame equal the reference" in " ".join(done.stdout.split())


def test_a_network_that_is_made_needs_more(tmp_path):
    """Networks by name are quantized here; it is said before that begins."""
    done = python(["sim"], tmp_path, "-c", "import firelane; firelane.load('squeezenet1.1')")
    assert done.returncode and done.stderr.strip().splitlines()[-1].endswith(
        "the network squeezenet1.1: needs onnxruntime, which is not installed; pip install 'firelane[compile]'")


def test_missing_tools(monkeypatch):
    """What is called and not imported is looked for as well."""
    monkeypatch.setattr("firelane.compiler.support.extras._can_be_found", lambda package: package != "pyosys")
    from_extra("firelane.boards.flow.tools", "sim", "firelane x")
    monkeypatch.setattr("firelane.compiler.support.extras._can_be_found", lambda package: False)
    with pytest.raises(MissingExtraError, match=r"^firelane x: needs Yosys \(pyosys\), which is not installed; pip "):
        from_extra("firelane.boards.flow.tools", "sim", "firelane x")


def test_a_defect_of_ours_is_no_missing_package():
    with pytest.raises(ModuleNotFoundError, match="firelane.nowhere") as caught:
        from_extra("firelane.nowhere", "sim", "x")
    assert not isinstance(caught.value, MissingExtraError)


def test_every_extra_is_in_the_table_or_for_development():
    assert set(PROJECT["optional-dependencies"]) - set(EXTRAS) <= {
        "docs", "exporters", "exporters-intel", "exporters-tensorflow", "journey", "notebook", "test"}


def test_the_document_has_what_each_extra_takes():
    """A row for each extra that is measured, none without a number."""
    text = (ROOT / "docs/installation.md").read_text()
    rows = dict(re.findall(r"^\| `\[([a-z-]+)\]` \| (\d+) \|", text, re.MULTILINE))
    measured = set(PROJECT["optional-dependencies"]) - {
        "exporters", "exporters-intel", "exporters-tensorflow", "journey", "train"}
    assert rows.keys() == measured and all(int(size) > 50 for size in rows.values())
