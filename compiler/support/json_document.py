"""What a command prints for programs: JSON with its format and the name of the command, which has a published schema.

The schemas are in `firelane.cli.schemas`. FORMAT grows if a field goes, or means something else; new fields may come.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORMAT = 1


def json_document(command: str, fields: Mapping[str, Any], *, indent: int | None = 1) -> str:
    """The text: one object; no `indent` gives one line."""
    return json.dumps({"firelane_format": FORMAT, "command": command, **fields}, indent=indent, allow_nan=False,
                      default=_plain)


def _plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's, a path as text."""
    return str(value) if isinstance(value, Path) else value.item()
