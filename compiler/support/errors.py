"""What went wrong, in words for the person who ran the command."""

from __future__ import annotations


class FirelaneError(Exception):
    """A problem that the user can mend: printed in one line, exit code 2, no traceback.

    Parameters
    ----------
    where : str
        What it is about: a node's name, a file, an option.
    found : str
        What was found there.
    hint : str
        What is possible, or what to do next.

    Attributes
    ----------
    further : tuple of FirelaneError
        What else is wrong, where several things were found at once.
    """

    further: tuple[FirelaneError, ...] = ()         #: found together with this one, see `support.problems`

    def __init__(self, where: str, found: str, *, hint: str = "") -> None:
        self.where = where
        self.found = found
        self.hint = hint
        self.further: tuple[FirelaneError, ...] = ()
        super().__init__(f"{where}: {found}" + (f"; {hint}" if hint else ""))

    def __reduce__(self):
        """Pickling keeps what the error says: it may come from another process."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[FirelaneError], args: tuple, attributes: dict) -> FirelaneError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class ModelError(FirelaneError):
    """The graph is broken, or has something that the engine cannot do."""


class CapacityError(FirelaneError):
    """The network is sound but does not fit this engine configuration."""


class ConfigError(FirelaneError):
    """An option, a board or an engine configuration is wrong."""


class MismatchError(Exception):
    """Two levels of truth disagree (exit code 1): a defect of ours, never of the user."""
