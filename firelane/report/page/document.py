"""What a report is made of: sections of plots, pictures and tables, under a head of facts."""

from __future__ import annotations

from dataclasses import dataclass

from plotly.graph_objects import Figure


@dataclass(frozen=True, eq=False)
class Plot:
    """A plot under its title, with a sentence that says what to see in it.

    Parameters
    ----------
    name : str
        Of its element in the page; one of its kind.
    title, sees : str
    figure : plotly.graph_objects.Figure
        Without title, with axes that name their units.
    """

    name: str
    title: str
    sees: str
    figure: Figure


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that is no plot: the bytes of a PNG, of so many pixels."""

    name: str
    title: str
    sees: str
    png: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Table:
    """A table: its heads, and as many texts in each row; folded away, if it is long.

    The first column names what a row is about, the others are numbers unless `words` says that they are text.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False
    words: bool = False


@dataclass(frozen=True, eq=False)
class Section:
    """A heading with what is below it; `name` is where the table of contents leads."""

    name: str
    title: str
    text: str
    parts: tuple[Plot | Picture | Table, ...]

    @property
    def plots(self) -> tuple[Plot, ...]:
        """Its plots alone."""
        return tuple(part for part in self.parts if isinstance(part, Plot))


@dataclass(frozen=True, eq=False)
class Document:
    """A report.

    Parameters
    ----------
    title : str
    answer : str
        What came out, in a line.
    facts : tuple of (str, str)
        What it is about: model, digest, board, engine, ...
    figures : tuple of (str, str)
        The few numbers that matter most, each with what it is.
    sections : tuple of Section
    """

    title: str
    answer: str
    facts: tuple[tuple[str, str], ...]
    figures: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    @property
    def plots(self) -> tuple[Plot, ...]:
        """All plots, in their order."""
        return tuple(plot for section in self.sections for plot in section.plots)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all elements of the page: each may occur once."""
        return tuple(part.name for section in self.sections
                     for part in (section, *(each for each in section.parts if not isinstance(each, Table))))
