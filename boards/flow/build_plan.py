"""Files of an amaranth build plan, of which we take sources and constraints and leave the scripts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from amaranth.build.run import BuildPlan


def plan_text(plan: BuildPlan, name: str) -> str:
    content = plan.files[name]
    return content if isinstance(content, str) else content.decode()


def write_plan_files(plan: BuildPlan, names: Iterable[str], folder: Path) -> None:
    for name in names:
        (folder / name).write_text(plan_text(plan, name))
