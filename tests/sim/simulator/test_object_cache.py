"""Objects of Verilator's library are compiled once."""

from __future__ import annotations

import stat

import pytest

from firelane.sim.simulator.object_cache import UNREAD, main
from firelane.sim.simulator.verilator import LIBRARY

COMPILER = """#!/bin/sh
echo "$*" >> {log}
case "$*" in
    --version) cat {folder}/version ;;
    *broken*) exit 3 ;;
    *) printf '%s' "object of $*" > x.o ;;
esac
"""


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Calls the cache for a source in the library, or beside it; gives exit code, object, and compilations so far."""
    log, compiler, work = tmp_path / "log", tmp_path / "compiler", tmp_path / "work"
    work.mkdir()
    compiler.write_text(COMPILER.format(log=log, folder=tmp_path))
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "version").write_text("1")
    monkeypatch.chdir(work)

    def call(source: str, *flags: str) -> tuple[int, str, int]:
        (work / "x.o").unlink(missing_ok=True)
        code = main(str(tmp_path / "kept"), str(tmp_path / "library"), str(compiler), *flags, "-c", "-o", "x.o",
                    str(tmp_path / source))
        made = (work / "x.o").read_text() if (work / "x.o").exists() else ""
        return code, made, sum(line != "--version" for line in log.read_text().splitlines())
    return call


def test_the_library_is_compiled_once(compiled):
    first = compiled("library/a.cpp", "-O2")
    assert first[0] == 0 and first[1].startswith("object of -O2 -c -o x.o") and first[2] == 1
    assert compiled("library/a.cpp", "-O2") == first


def test_other_flags_sources_and_compilers_make_other_objects(compiled, tmp_path):
    done = [compiled("library/a.cpp"), compiled("library/a.cpp", "-O2"), compiled("library/b.cpp")]
    assert [count for _, _, count in done] == [1, 2, 3]
    (tmp_path / "version").write_text("2")
    assert compiled("library/b.cpp")[2] == 4


def test_what_the_library_does_not_read_makes_no_other_object(compiled):
    assert compiled("library/a.cpp", "-DVM_TIMING=0") == compiled("library/a.cpp", "-DVM_TIMING=1")


def test_no_source_of_the_library_reads_it():
    sources = [path.read_text() for path in LIBRARY.iterdir() if path.suffix in (".cpp", ".h")]
    names = [argument.removeprefix("-D").removesuffix("=") for argument in UNREAD]
    assert len(sources) > 20 and not [name for name in names if any(name in text for text in sources)]


def test_what_is_not_of_the_library_is_always_compiled(compiled):
    assert [compiled("mine.cpp")[2], compiled("mine.cpp")[2]] == [1, 2]


def test_a_failure_is_told_and_not_kept(compiled):
    assert [compiled("library/broken.cpp") for _ in range(2)] == [(3, "", 1), (3, "", 2)]
