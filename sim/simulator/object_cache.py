"""A compiler command that `make` gives it, run; but sources of Verilator's own library are compiled once for all.

    python object_cache.py FOLDER LIBRARY g++ ... -c -o verilated.o LIBRARY/verilated.cpp

That library is a third of the work of a simulator's build, and the same for every engine. The name of a kept object in
FOLDER is the digest of its command, but for what the library does not read, and of the compiler's version. `make`
starts this file for each object, so it imports nothing of ours.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

UNREAD = ("-DVM_TIMING=",)          #: no source of the library asks for it


def main(folder: str, library: str, *command: str) -> int:
    """Run `command`, or copy what it made before; returns its exit code."""
    if Path(library) not in Path(command[-1]).parents or "-o" not in command:
        return subprocess.call(command)
    version = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=False).stdout
    read = [argument for argument in command if not argument.startswith(UNREAD)]
    kept = Path(folder) / f"{hashlib.sha256(repr((read, version)).encode()).hexdigest()[:16]}.o"
    target = Path(command[command.index("-o") + 1])
    if kept.exists():
        shutil.copyfile(kept, target)
        return 0
    status = subprocess.call(command)
    if status == 0:
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(target, fresh)
        fresh.replace(kept)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
