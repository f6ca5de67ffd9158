"""Settings of the whole suite: property tests draw the same examples every time and write nothing; each worker of
pytest-xdist compiles for itself."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow],  # the first example compiles
)
settings.load_profile("repeatable")

# Numba's files do not lock: of two processes that compile one kernel for two kinds of arrays, one may write its code
# under the name that the other's index has, and who loads that runs code that was made for other arrays. So no two
# workers share a cache. It is set before Numba is imported, and the processes that tests start inherit it.
if "PYTEST_XDIST_WORKER" in os.environ:
    cache = Path(__file__).parent.parent / ".numba_cache" / os.environ["PYTEST_XDIST_WORKER"]
    os.environ["NUMBA_CACHE_DIR"] = str(cache)


LARGEST_NUMBER_OF_WORKERS = 8  # each compiles what it meets: more would compile more than they test


def pytest_xdist_auto_num_workers(config):
    """How many workers there are without -n: one a core, or none for a single file, which is done before they start."""
    one_file = len(config.args) == 1 and ".py" in config.args[0]
    return 0 if one_file or config.getoption("usepdb") else min(os.cpu_count() or 1, LARGEST_NUMBER_OF_WORKERS)
