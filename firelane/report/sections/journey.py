"""All the way to a board: the steps, and what was lost."""

from __future__ import annotations

from collections.abc import Sequence

from firelane.report.page.document import Section, Table


def steps(found: Sequence[tuple[str, str]]) -> Section:
    """What each step made."""
    return Section("steps", "Steps", "", (Table("What each step made", ("step", "what it made"), tuple(found),
                                                words=True),))


def loss(found: Sequence[tuple[str, str]]) -> Section:
    """What was lost of accuracy."""
    text = ("What the network computes as it was given is compared with what the board computes, on images that "
            "nothing was made with; no labels are needed.")
    return Section("loss", "What is lost", text, (Table("Loss", ("", ""), tuple(found)),))
