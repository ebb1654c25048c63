"""A folder is written all at once or not at all."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from firelane.compiler.support import marker, work_folder, workspace
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.interrupts import Terminated, raising
from firelane.compiler.support.marker import BUILD, COMPILED, MARKER, not_ours, read_whole
from firelane.compiler.support.outputs import check_file, check_folder
from firelane.compiler.support.work_folder import adopt, all_or_nothing, replacing


def test_a_failed_build_leaves_the_old_one_and_its_own_logs(tmp_path):
    folder = tmp_path / "build"
    with all_or_nothing(folder) as work:
        (work / "top.bit").write_text("old")
    with pytest.raises(RuntimeError), all_or_nothing(folder) as work:
        (work / "yosys.log").write_text("why")
        raise RuntimeError
    assert (folder / "top.bit").read_text() == "old"
    assert (tmp_path / "build.failed" / "yosys.log").read_text() == "why"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build", "build.failed"]


def test_an_error_names_the_log_where_it_is_now(tmp_path):
    log = tmp_path / "build.failed" / "yosys.log"
    with pytest.raises(ConfigError, match=f"^yosys: failed; the whole output is in {log}$"), \
            all_or_nothing(tmp_path / "build") as work:
        (work / "yosys.log").write_text("why")
        raise ConfigError("yosys", "failed", hint=f"the whole output is in {work / 'yosys.log'}")


def test_an_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be written: .*; choose another folder with -o$"), \
            all_or_nothing(tmp_path / "file" / "build"):
        pass


def test_what_is_the_users_is_left_alone(tmp_path):
    for name in ("precious", "build.failed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.tex").write_text("x")
    for name in ("precious", "build"):
        with pytest.raises(ConfigError, match="is there already, and Firelane did not write it; nothing is deleted"), \
                all_or_nothing(tmp_path / name):
            pytest.fail("hours of work would begin")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "build.failed", "build.failed/thesis.tex", "precious", "precious/thesis.tex"]


def test_what_comes_while_the_build_runs_is_left_alone(tmp_path):
    (tmp_path / "build").mkdir()
    with pytest.raises(ConfigError, match="Firelane did not write it"), all_or_nothing(tmp_path / "build") as work:
        (work / "top.bit").write_text("new")
        (tmp_path / "build" / "thesis.tex").write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == ["build"]
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["thesis.tex"]


def test_a_file_that_a_command_added_is_ours(tmp_path):
    folder = tmp_path / "build"
    with all_or_nothing(folder) as work:
        (work / "top.bit").write_text("old")
    with replacing(folder / "model", COMPILED) as work:
        (work / "program.bin").write_text("inner")
    (folder / "die.png").write_text("picture")
    assert not_ours(folder, BUILD) == "holds what Firelane did not write (die.png)"
    adopt(folder, ["die.png"])
    assert not_ours(folder, BUILD) is None
    (folder / "model" / "mine").write_text("")
    assert not_ours(folder, BUILD) == "holds what Firelane did not write (model/mine)"


@pytest.mark.parametrize("name, found", [
    ("file", "is no folder"), ("file/x", "cannot be written: Not a directory"), ("pipe", "is no folder"),
    (".", "is the folder that you are in, or around it"), ("x" * 300, "cannot be written: File name too long"),
])
def test_an_output_folder_is_tried_first(tmp_path, monkeypatch, name, found):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match=f"^{name}: {found}; .*-o"):
        check_folder(Path(name), BUILD, "-o")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "pipe"]


@pytest.mark.parametrize("name, found", [
    ("folder", "is a folder"), ("model", "is what is read"), ("link", "is what is read"),
    ("model/x", "cannot be written"), ("pipe", "is there already, and is no file"),
])
def test_an_output_file_is_tried_first(tmp_path, monkeypatch, name, found):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "model").write_text("")
    (tmp_path / "link").symlink_to("model")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match=f"^{name}: {found}"):
        check_file(Path(name), "-o", inputs=(None, Path("model")))


def test_a_system_that_cannot_exchange(tmp_path, monkeypatch):
    monkeypatch.setattr(work_folder, "exchange", lambda one, other: False)
    for content in ("old", "new"):
        with all_or_nothing(tmp_path / "build") as work:
            (work / "top.bit").write_text(content)
    assert (tmp_path / "build" / "top.bit").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_a_reader_gets_one_folder(tmp_path, monkeypatch):
    """Another one takes its place between any two reads: what is read then is of the old one, or all of the new one."""
    folder, plain = tmp_path / "build", marker._bytes_in
    write_numbered(folder, 0)
    for when in range(3):
        reads = iter(range(100))

        def bytes_in(opened, name, limit, when=when, reads=reads):
            if next(reads) == when:
                write_numbered(folder, when + 1)
            return plain(opened, name, limit)

        monkeypatch.setattr(marker, "_bytes_in", bytes_in)
        found = read_whole(folder, ["a", "b", "c"], 10)
        assert len(set(found.values())) == 1 and list(found) == ["a", "b", "c"]


def write_numbered(folder, number):
    with replacing(folder, BUILD) as fresh:
        for name in ("a", "b", "c"):
            (fresh / name).write_text(str(number))


class AtLine:
    """A trace function: `act` when so many lines of ours have been run."""

    def __init__(self, count, act):
        self.left, self.act = count, act

    def __call__(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(str(Path(work_folder.__file__).parent)):
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                self.act()
        return self

    @contextlib.contextmanager
    def traced(self):
        before = sys.gettrace()
        sys.settrace(self)
        try:
            yield
        finally:
            sys.settrace(before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")      # a file is closed late
@pytest.mark.parametrize("number, start", [(signal.SIGINT, 1), (signal.SIGTERM, 2)])
@pytest.mark.parametrize("first", [False, True])
def test_a_signal_at_any_line_leaves_the_old_or_the_new(tmp_path, number, start, first):
    ended = 0
    for line in range(start, 2000, 3):
        folder = tmp_path / str(line) / "a" / "build"
        if not first:
            write_numbered(folder, 0)
        tracer = AtLine(line, lambda: signal.raise_signal(number))
        try:
            with raising(until_exit=False), tracer.traced():
                write_numbered(folder, 1)
        except (KeyboardInterrupt, Terminated):
            ended += 1
        workspace._remove_all()                             # as at the end of the process
        left = sorted(str(path.relative_to(folder.parent)) for path in folder.parent.rglob("*"))
        assert left == ["build", "build/a", "build/b", "build/c", f"build/{MARKER}"] or (first and not left), line
        assert not left or not_ours(folder, BUILD) is None
        if tracer.left > 0:
            break
    assert ended > 50 and tracer.left > 0


KILLS = """
import os, signal, sys
from pathlib import Path
from firelane.compiler.support.marker import BUILD, not_ours
from tests.compiler.support.test_work_folder import AtLine, work_folder, write_numbered
if sys.argv[2] == "renames":
    work_folder.exchange = lambda one, other: False
for line in range(1 + (sys.argv[2] == "renames"), 2000, 3):
    folder = Path(sys.argv[1], str(line), "build")
    write_numbered(folder, 0)
    child = os.fork()
    if not child:
        with AtLine(line, lambda: os.kill(os.getpid(), signal.SIGKILL)).traced():
            write_numbered(folder, 1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    names = [path.name for path in folder.parent.iterdir()]
    assert len(names) <= 2 and all(name == "build" or name.startswith(".build.") for name in names), (line, names)
    assert sys.argv[2] == "renames" or (folder / "a").read_text() in "01" and not not_ours(folder, BUILD), line
    write_numbered(folder, 2)
    assert [path.name for path in folder.parent.iterdir()] == ["build"], (line, list(folder.parent.iterdir()))
    assert not not_ours(folder, BUILD) and (folder / "a").read_text() == "2"
    if not status:
        sys.exit(0 if line > 50 else 1)
sys.exit(2)
"""


@pytest.mark.parametrize("how", ["exchange", "renames"])
def test_a_kill_at_any_line_leaves_a_folder_and_at_most_one_hidden_one(tmp_path, how):
    done = subprocess.run([sys.executable, "-c", KILLS, str(tmp_path), how], cwd=Path(__file__).parents[3], check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


WRITERS = """
import sys
from pathlib import Path
from tests.compiler.support.test_work_folder import write_numbered
for turn in range(20):
    write_numbered(Path(sys.argv[1]), int(sys.argv[2]))
"""


def test_writers_wait_for_each_other(tmp_path):
    folder = tmp_path / "build"
    write_numbered(folder, 0)
    writers = [subprocess.Popen([sys.executable, "-c", WRITERS, str(folder), str(number)],
                                cwd=Path(__file__).parents[3]) for number in range(3)]
    while any(writer.poll() is None for writer in writers):
        assert len(set(read_whole(folder, ["a", "b", "c"], 10).values())) == 1
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["build"]
