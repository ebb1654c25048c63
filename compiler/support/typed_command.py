"""A command as a user types it, to be copied from what is printed."""

from __future__ import annotations

import shlex
from pathlib import Path


def typed(*words: str | Path) -> str:
    """A command of ours with names quoted where a shell needs that.

    >>> typed("run", "my cat.jpg", "--port", "auto")
    "firelane run 'my cat.jpg' --port auto"
    """
    return shlex.join(["firelane", *map(str, words)])
