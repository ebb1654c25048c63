"""`firelane demo` as a process: its page, what it refuses before there is one, and its end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from firelane.cli.main import main
from firelane.demo.server import listening
from tests.firelane.demo.conftest import bench, model  # noqa: F401 (fixtures)
from tests.firelane.demo.served import ask
from tests.firelane.demo.test_server import best, pixels, png

FIRELANE = Path(sys.executable).with_name("firelane")


def error_of(capsys, *arguments: object) -> str:
    assert main([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize("ending, code, said", [(signal.SIGINT, 0, "ended\n"), (signal.SIGTERM, 143, "terminated\n")])
def test_from_the_page_to_the_end(bench, ending, code, said):  # noqa: F811
    process = subprocess.Popen(
        [FIRELANE, "demo", bench.model.folder, "--port", bench.port], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    line = process.stdout.readline()
    url = re.fullmatch(r"page: (http://127\.0\.0\.1:\d+)/ \(Ctrl-C ends it\)\n", line)[1]
    while not ask(f"{url}/about")[1]:
        pass
    assert ask(f"{url}/classify", png(pixels(2)[0]))[1]["classes"][0]["index"] == best(2)
    process.send_signal(ending)
    rest, _ = process.communicate()
    assert (process.returncode, rest) == (code, said)


def test_what_is_refused_before_there_is_a_page(bench, capsys, tmp_path):  # noqa: F811
    with listening(0) as taken:
        assert "Address already in use; 0 takes any" in error_of(capsys, "demo", "--http-port", taken.getsockname()[1])
    assert "there is no /dev/absent" in error_of(capsys, "demo", "--port", "/dev/absent")
    assert "is no compiled model" in error_of(capsys, "demo", tmp_path, "--port", bench.port)
    assert "there is no such folder, file or network" in error_of(capsys, "demo", "no-such-network")
