"""Libraries that tests use are as patient as the tests: see `tests.limits`."""

import os

from hypothesis import HealthCheck, settings

from tests.limits import FOREVER

# Dask reads these when it is imported, here and in the processes that it starts.
os.environ["DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT"] = f"{FOREVER}s"
os.environ["DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL"] = f"{FOREVER}s"

# Every test's `settings` begin with these.
settings.register_profile("firelane", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("firelane")
