"""`firelane`, and `python -m firelane`: quiet from the first moment, whatever signal comes."""

import os
import signal
import sys
from types import FrameType

from firelane.compiler.support.collector import collect_rarely


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)          # nothing has been begun yet


def main() -> int:
    """Run the command. Until it is imported, Ctrl-C and SIGTERM end the process without a word."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)
    collect_rarely()
    from firelane.cli.main import main as command  # noqa: PLC0415 (it takes its time)
    return command()


if __name__ == "__main__":
    sys.exit(main())
