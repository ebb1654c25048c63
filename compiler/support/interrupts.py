"""Signals that end a command: Ctrl-C, SIGTERM, and SIGHUP; and stretches of work that they must not cut in two."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Terminated(BaseException):
    """SIGTERM came, or the terminal was closed: as a KeyboardInterrupt, no handler of errors takes it for one."""


@contextlib.contextmanager
def raising(*, until_exit: bool) -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, SIGTERM and SIGHUP `Terminated`, so that what was begun is tidied up.

    Where one is ignored (nohup), that stays so.

    Parameters
    ----------
    until_exit : bool
        Whether the process ends with the block: signals then end it at once, without a word of Python's.
    """
    if not _is_main_thread():           # handlers can be set, and run, in the main thread only
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    hook = sys.unraisablehook
    try:
        for number in ENDING:
            if before[number] != signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else _terminate)
        sys.unraisablehook = _send_again
        yield
    finally:
        sys.unraisablehook = hook
        for number, old in before.items():
            if old != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL if until_exit or old is None else old)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _send_again(unraisable: Any) -> None:
    """A signal whose exception came where Python drops exceptions, as in a destructor, comes again."""
    number = {KeyboardInterrupt: signal.SIGINT, Terminated: signal.SIGTERM}.get(unraisable.exc_type)
    if number is None:
        sys.__unraisablehook__(unraisable)
    else:
        threading.Thread(target=os.kill, args=(os.getpid(), number)).start()    # in this one it would be dropped, too


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP wait until the block ends.

    Blocking them in this thread alone would not do: they then come to a thread of some library, and Python raises here
    all the same.
    """
    if not _is_main_thread():
        yield
        return
    came: list[int] = []
    before = {}
    try:
        for number in ENDING:
            before[number] = signal.getsignal(number)
            signal.signal(number, lambda sent, frame: came.append(sent))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if came:
            signal.raise_signal(came[0])


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
