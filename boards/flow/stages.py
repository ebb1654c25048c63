"""Stages of a build that are kept until it is finished, so that one which is interrupted goes on where it was.

    build/stages/NAME-x1y2z3w4/netlist          a folder for each stage, written all at once
                               seed_1-placed    ...

Each holds the files that the stage made, and the digest of all that it was made by. A stage that is made by something
else takes the place of the older one; the folder of a build goes when that is finished.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from firelane.compiler.support.files import build_root, digest
from firelane.compiler.support.marker import STAGE, not_ours
from firelane.compiler.support.outputs import real_path
from firelane.compiler.support.work_folder import replacing

KEY = "key.txt"


class Stages:
    """The stages of the build whose result goes to `folder`."""

    def __init__(self, folder: Path):
        self._root = build_root() / "stages" / f"{folder.name}-{digest([str(real_path(folder))])[:8]}"

    def stage(self, name: str, made_by: Sequence[str | Path], files: Sequence[str], work: Path,
              make: Callable[[], None]) -> bool:
        """Put the files of a stage into `work`: as they were kept, or by `make`, after which they are kept.

        Parameters
        ----------
        made_by : texts, and files, whose contents count; the digest of the code that makes it among them

        Returns
        -------
        bool
            Whether they were kept.
        """
        key = digest([name, *made_by])
        kept = self._root / name
        if self._is_kept(kept, key, files):
            for file in files:
                shutil.copyfile(kept / file, work / file)
            return True
        make()
        with replacing(kept, STAGE) as fresh:
            (fresh / KEY).write_text(key)
            for file in files:
                shutil.copyfile(work / file, fresh / file)
        return False

    def remove(self) -> None:
        """All stages go: the build is finished."""
        for kept in self._root.iterdir() if self._root.is_dir() else ():
            if not_ours(kept, STAGE) is None:
                shutil.rmtree(kept, ignore_errors=True)
        if self._root.is_dir() and not any(self._root.iterdir()):
            self._root.rmdir()

    @staticmethod
    def _is_kept(kept: Path, key: str, files: Sequence[str]) -> bool:
        return (kept.is_dir() and not_ours(kept, STAGE) is None and (kept / KEY).is_file()
                and (kept / KEY).read_text() == key and all((kept / file).is_file() for file in files))
