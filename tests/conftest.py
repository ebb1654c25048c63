"""Libraries that tests use are as patient as the tests, see `tests.limits`; and Ctrl-C is what it is at a terminal."""

import os
import signal

from hypothesis import HealthCheck, settings

from firelane.compiler.support.collector import collect_rarely
from tests.limits import FOREVER

collect_rarely()

# Dask reads these when it is imported, here and in the processes that it starts.
os.environ["DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT"] = f"{FOREVER}s"
os.environ["DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL"] = f"{FOREVER}s"

# pytest imports readline, which puts the terminal's size into the environment that child processes inherit, workers of
# -n among them: tables would be as wide as that, and not as a test says, or as a pipe has them.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)
    os.unsetenv(name)           # readline has told C's environment, not Python's

# A suite in the background of a script starts with SIGINT ignored, and so would every command that a test ends with it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Every test's `settings` begin with these.
settings.register_profile("firelane", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("firelane")
