"""What a user hands to make reaches the command as it was typed, and nothing else reads it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parent.parent / "Makefile"
HOSTILE = ("x'; touch PWNED; echo '", 'x"; touch PWNED; echo "', "$(shell touch PWNED)", "${shell touch PWNED}", "a$b",
           "a$$b", "`touch PWNED`", "$(touch PWNED)", "a b  c ", "*", "~", "a\\b\\", "a#b", "a;b", "a,b", "%", "!x",
           "$(info x)$(error y)", "a\nb: ; touch PWNED", "$(eval all: ; touch PWNED)", "--help", "é", "$(MODEL)",
           "$1$@$<", "a=b", "a\ttouch PWNED", "a && touch PWNED", "$(value MODEL)", "a:=b", "$")
OPTIONS = {"IMAGE": "--image", "IMAGES": "--images", "LIMIT": "--limit", "SIZE": "--input-size", "LABELS": "--labels",
           "BOARD": "--board", "BANKS": "--banks", "TAPS": "--taps", "ACTIVATION_WORDS": "--activation-words",
           "WEIGHT_WORDS": "--weight-words", "PROGRAM_WORDS": "--program-words",
           "PRESET": "--preset", "CHANNELS": "--channels", "MEAN": "--mean", "SCALE": "--scale", "RESIZE": "--resize"}
PRINT = "import json, os, subprocess, sys\nprint(json.dumps(sys.argv[2:]))\n"
# What builds of ours do: a tool that calls make again, which must not read the values either.
AGAIN = PRINT + "subprocess.run(['make', '-f', os.environ['AGAIN']], stdout=subprocess.DEVNULL, check=True)\n"


@pytest.fixture
def firelane(tmp_path):
    def write(text):
        script = tmp_path / "firelane"
        script.write_text(f"#!{sys.executable}\n{text}")
        script.chmod(0o755)
        return script
    return write


def arguments(target, firelane, folder, *words, **environment):
    """What the command gets."""
    plain = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(["make", "-s", "-f", MAKEFILE, target, f"FIRELANE={firelane}", "INSTALLED=", *words],
                          cwd=folder, env=plain | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(folder)) == ["firelane"]
    return json.loads(done.stdout)


def turns(names):
    """Values for the names, so that each value is once the first name's."""
    for turn in range(0, len(HOSTILE), len(names)):
        yield [(name, HOSTILE[(turn + place) % len(HOSTILE)]) for place, name in enumerate(names)]


def written(given):
    """Arguments of `firelane simulate`, the model last, where it cannot be taken for an option."""
    return [*(f"{option}={given[name]}" for name, option in OPTIONS.items()), "--", given["MODEL"]]


@pytest.mark.parametrize("shift", range(3))
def test_a_value_is_one_word(tmp_path, firelane, shift):
    script, names = firelane(PRINT), ["MODEL", *OPTIONS]
    for values in turns(names[3 * shift:] + names[:3 * shift]):
        given = dict(values)
        assert arguments("sim", script, tmp_path, *(f"{name}={value}" for name, value in values)) == written(given)


@pytest.mark.parametrize("target, names", [("bitstream", ("MODEL", "BOARD", "BANKS", "TAPS", "SEED", "SEEDS",
                                                          "CLOCK", "PRESET", "CHANNELS", "MEAN", "SCALE", "RESIZE")),
                                           ("program", ("MODEL", "BOARD"))])
def test_a_value_of_other_targets(tmp_path, firelane, target, names):
    script = firelane(PRINT)
    for values in list(turns(names))[:5]:
        assert arguments(target, script, tmp_path, *(f"{name}={value}" for name, value in values)) == [
            *(f"--{name.lower()}={value}" for name, value in values if name != "MODEL"), "--", dict(values)["MODEL"]]


def test_values_of_the_environment(tmp_path, firelane):
    script = firelane(PRINT)
    for values in turns(["MODEL", *OPTIONS]):
        assert arguments("sim", script, tmp_path, **dict(values)) == written(dict(values))


def test_makes_below_do_not_read_values(tmp_path, firelane):
    inner = tmp_path.parent / f"{tmp_path.name}.mk"
    inner.write_text("all:\n\t@true\n")
    script = firelane(AGAIN)
    value = "$(shell touch PWNED)"
    assert arguments("sim", script, tmp_path, f"IMAGE={value}", f"MODEL={value}", AGAIN=str(inner)) == [
        f"--image={value}", "--", value]


def test_what_is_left_out(tmp_path, firelane):
    script = firelane(PRINT)
    assert arguments("sim", script, tmp_path) == arguments("sim", script, tmp_path, "WAVES=0", "MODEL=") == []
    assert [arguments("sim", script, tmp_path, f"WAVES={value}") for value in ("1", "yes", "true")] == [
        ["--waves=all"]] * 3
    assert arguments("sim", script, tmp_path, "WAVES=$(x) *") == ["--waves=$(x) *"]
    assert [arguments("sim", script, tmp_path, f"WAVES={value}") for value in ("no", "false", "0")] == [[]] * 3
    assert arguments("bitstream", script, tmp_path) == ["--board=ulx3s_85f"]
    assert arguments("bench", script, tmp_path, "ONLY=one $(two) *") == ["--only=one", "--only=$(two)", "--only=*"]
    assert arguments("vivado", script, tmp_path, "MODEL=-x") == ["--board=arty_a7_100", "--", "-x"]


def test_help_fits_a_terminal():
    lines = subprocess.run(["make", "-s", "help"], cwd=MAKEFILE.parent, capture_output=True, text=True,
                           check=True).stdout.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    phony = next(line for line in MAKEFILE.read_text().splitlines() if line.startswith(".PHONY: ")).split()[1:]
    assert set(phony) - {"help"} <= {line.split()[1] for line in lines if line.startswith("make ")}
