"""The `firelane` command: exit codes, one line for what the user can mend."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from firelane.boards import get_board
from firelane.cli.main import main
from firelane.compiler.support import collector

DIGITS = Path(__file__).parents[3] / "models" / "digits_squeezenet.onnx"


def test_compile_writes_and_reports(tmp_path, capsys):
    assert main(["compile", str(DIGITS), "--board", "ulx3s_85f", "-o", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "What fits" in text and f"frames/s at {get_board('ulx3s_85f').clock_hz / 1e6:g} MHz" in text
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["firelane.json", "manifest.json",
                                                                         "program.bin", "rom", "schedule.txt"]


def test_a_board_that_is_too_small_gets_a_report_and_no_folder(tmp_path, capsys):
    assert main(["compile", "digits", "--no-check", "--board", "ulx3s_12f", "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert said.out.startswith("does not fit: LUT (estimate): ") and "written: " not in said.out
    assert said.err == ("error: ulx3s_12f: the engine needs more than the board has of LUT (estimate); nothing is "
                        "written; a smaller engine, or a larger board\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options, message", [
    (["--banks", "3"], r"error: --banks: banks must be 1, 2, 4, 8 or 16, not 3\n"),
    (["--activation-words", "8"],
     r"error: --activation-words: activation_words must be an integer from 16 to 4096, not 8\n"),
    (["--board", "nexys"], r"error: --board: unknown board 'nexys'; one of .*\n"),
    (["--banks", "1", "--activation-words", "100"],
     r"error: node 'conv1': rows of 27 pixels, the engine has 14 lanes; --banks 2 or a smaller input is needed\n"
     r"  also: node 'pool1': rows of 25 pixels, .*\n"),
])
def test_errors_of_the_user(tmp_path, capsys, options, message):
    assert main(["compile", str(DIGITS), "-o", str(tmp_path / "out"), *options]) == 2
    assert re.fullmatch(message, capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_model(tmp_path, capsys):
    assert main(["compile", str(tmp_path / "no.onnx")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_usage(capsys):
    assert main(["compile"]) == 2
    assert capsys.readouterr().err == "error: MODEL: it is missing; firelane compile [OPTIONS] MODEL\n"
    assert main(["--help"]) == 0


@pytest.mark.parametrize("command", [
    ["compile", "no.onnx"], ["quantize", "no.onnx", "--calib", "no"],
    ["compress", "no.onnx", "--calib", "no", "--budget", "9"],
    ["bitstream", "--board", "ulx3s_12f"], ["vivado-project", "no.onnx", "--board", "arty_a7_100"], ["die-plot", "no"],
    ["validate", "no", "--port", "no"], ["new-board", "mine", "--from", "ulx3s_85f"],
    ["import", "deep-compression", "no"], ["patch", "no", "no"], ["bench"],
    ["evaluate", "no.onnx", "--images", "no"], ["compress", "no.onnx", "--calib", "no", "--sweep"],
])
def test_outputs_are_tried_first(tmp_path, monkeypatch, capsys, command):
    """Each names a file below a file, and nothing else that there is: that is what it complains of."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("thesis")
    assert main([*command, "-o", "file/out"]) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(r"error: file/out: cannot be written: Not a directory; .* with -o\n", said)
    assert Path("file").read_text() == "thesis" and [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_model_is_not_written_over(capsys):
    assert main(["quantize", str(DIGITS), "--calib", "no", "-o", str(DIGITS)]) == 2
    assert capsys.readouterr().err == f"error: {DIGITS}: is what is read; name another file with -o\n"


@pytest.mark.parametrize("number, code, said", [("SIGINT", 130, "\ninterrupted\n"), ("SIGTERM", 143, "terminated\n")])
def test_signals_end_a_command_quietly(number, code, said):
    script = (f"import signal, sys; from firelane.cli.commands import boards; from firelane import __main__\n"
              f"boards.command.callback = lambda **options: signal.raise_signal(signal.{number})\n"
              f"sys.argv[1:] = ['boards']; sys.exit(__main__.main())")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, said)


@pytest.mark.parametrize("number, code, said", [("SIGINT", 130, "\ninterrupted\n"), ("SIGTERM", 143, "terminated\n")])
def test_an_interrupted_command_does_not_wait_for_its_threads(number, code, said):
    """One of them never ends; what is to be done at the end is done."""
    script = ("import atexit, signal, sys, threading; from firelane.cli.commands import boards\n"
              "from firelane import __main__\n"
              "from firelane.compiler.compress.workers import workers\n"
              "def command(**options):\n"
              "    atexit.register(print, 'tidied up')\n"
              "    with workers(1) as threads:\n"
              "        results = threads.map(lambda number: number or threading.Event().wait(), [1, 0, 2])\n"
              "        print(next(results))\n"
              f"        signal.raise_signal(signal.{number})\n"
              "boards.command.callback = command\n"
              "sys.argv[1:] = ['boards']; sys.exit(__main__.main())")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (code, said, "1\ntidied up\n")


def test_commands_collect_garbage_rarely():
    script = ("import gc, sys; from firelane.cli.commands import boards; from firelane import __main__\n"
              "boards.command.callback = lambda **options: print(*gc.get_threshold())\n"
              "sys.argv[1:] = ['boards']; sys.exit(__main__.main())")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert tuple(map(int, done.stdout.split())) == (collector.YOUNG, collector.MIDDLE, collector.OLD)


PRINTING = ("import sys; from rich.console import Console; from firelane.cli.commands import boards\n"
            "from firelane import __main__\n"
            "boards.command.callback = lambda **options: {}\n"
            "sys.argv[1:] = ['boards']; sys.exit(__main__.main())")


@pytest.mark.parametrize("call", ["print('x' * 100_000)", "Console().print('x ' * 100_000)", "print('x')"])
def test_a_disk_that_is_full_is_an_error_of_the_user(call):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", PRINTING.format(call)], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: output: No space left on device; make room, or write it "
                                                 "elsewhere\n")


@pytest.mark.parametrize("call", ["print('x' * 100_000)", "Console().print('x ' * 100_000)", "print('x')"])
def test_a_reader_that_has_gone_is_no_mismatch(call):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        done = subprocess.run([sys.executable, "-c", PRINTING.format(call)], stdout=gone, stderr=subprocess.PIPE,
                              text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")
