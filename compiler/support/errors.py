"""What went wrong, in words for the person who ran the command."""

from __future__ import annotations

OPTION = "--"
# Names of arguments in Python that are not the option's own.
ARGUMENTS = {"--calib": "calibration", "--compiled": "model", "--float": "float_model", "--from": "start",
             "--no-reference": "reference", "--taps": "taps_per_cycle", "FOLDER": "pictures"}


class FirelaneError(Exception):
    """A problem that the user can mend: printed in one line, exit code 2, no traceback.

    As text it is for who called a function: options have the names that they have in Python. `typed` is for who typed
    a command.

    Parameters
    ----------
    where : str
        What it is about: a node's name, a file, an option as it is typed.
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
        super().__init__(self._line(_argument(where)))

    @property
    def typed(self) -> str:
        """The error with its option as it is typed."""
        return self._line(self.where)

    def __reduce__(self):
        """Pickling keeps what the error says: it may come from another process."""
        return _restored, (type(self), self.args, self.__dict__)

    def _line(self, where: str) -> str:
        return f"{where}: {self.found}" + (f"; {self.hint}" if self.hint else "")


def _argument(where: str) -> str:
    """What an option is called in Python; anything else as it is."""
    return ARGUMENTS.get(where) or (where[len(OPTION):].replace("-", "_") if where.startswith(OPTION) else where)


def option_of(argument: str) -> str:
    """The option that an argument of a Python function is on the command line.

    >>> option_of("weight_words"), option_of("taps_per_cycle")
    ('--weight-words', '--taps')
    """
    named = {name: option for option, name in ARGUMENTS.items()}
    return named.get(argument) or OPTION + argument.replace("_", "-")


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
