"""What `make fuzz` runs: python -m tests.fuzz --cases 100000 --seed 1 --write docs/reliability.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from firelane.compiler.support.progress import display
from tests.fuzz.run import run, table
from tests.fuzz.targets import TARGETS

BEGIN, END = "<!-- fuzz: begin -->", "<!-- fuzz: end -->"
WATCHDOG = 60           #: seconds of processor time of one case


def main() -> int:
    """Run, print, and write if a document is named; 1 if a case was wrong, ended in a traceback or hung."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=list(TARGETS), default="")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, display(Console(stderr=True)) as progress:
        tallies = run(options.cases, options.seed, Path(folder), watchdog=WATCHDOG, only=options.only,
                      progress=progress)
    lines = table(tallies)
    print("\n".join(lines))
    for name, tally in tallies.items():
        for case, fault in tally.faults[:5]:
            print(f"{name}, case {case}: {fault}")
    if options.write and not options.only:
        text = options.write.read_text()
        head, rest = text.split(BEGIN)
        figures = f"Seed {options.seed}:\n\n" + "\n".join(lines)
        options.write.write_text(f"{head}{BEGIN}\n\n{figures}\n\n{END}{rest.split(END)[1]}")
    return 0 if all(tally.sound for tally in tallies.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
