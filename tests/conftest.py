"""Settings of the whole suite: property tests draw the same examples every time and write nothing."""

import gc
import os
from pathlib import Path

import pytest
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

FAST = Path(__file__).parent / "ottt_ref" / "fast"
ALL_SLOW = ("\npytestmark = pytest.mark.slow\n", "\npytestmark = [\n    pytest.mark.slow,\n")


def pytest_ignore_collect(collection_path, config):
    """Files whose tests are all slow are not even read where no slow one is asked for: it would take ten seconds."""
    unwanted = config.option.markexpr == "not slow" and collection_path.suffix == ".py"
    if not unwanted:
        return None
    all_slow = FAST in collection_path.parents or any(
        mark in collection_path.read_text(encoding="utf-8") for mark in ALL_SLOW
    )
    return True if all_slow else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What says float32 or single precision is slow: Numba compiles a kernel once more for it.

    So is what is of the fast backend, in its folder or by its name: its kernels take longest to compile, those of
    single precision a minute, which makes them exhaustive.
    """
    for item in items:
        single = "float32" in item.name or "single_precision" in item.name
        if single or "fast" in item.name or FAST in item.path.parents:
            item.add_marker(pytest.mark.slow)
        if single and FAST in item.path.parents:
            item.add_marker(pytest.mark.exhaustive)
        if item.get_closest_marker("exhaustive"):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish():
    """What was imported stays; a search for cycles after every 700 fractions would take a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


LARGEST_NUMBER_OF_WORKERS = 8  # each compiles what it meets: more would compile more than they test


def pytest_xdist_auto_num_workers(config):
    """How many workers there are without -n: one a core, or none for a single file, which is done before they start."""
    one_file = len(config.args) == 1 and ".py" in config.args[0]
    return 0 if one_file or config.getoption("usepdb") else min(os.cpu_count() or 1, LARGEST_NUMBER_OF_WORKERS)


@pytest.fixture(scope="session")
def by_name():
    """The kit's cases by name."""
    from .kit_cases import Cases  # here, not above: most tests need no kit

    return Cases()


@pytest.fixture(scope="session")
def cases(by_name):
    """All of the kit's cases."""
    return list(by_name.values())


@pytest.fixture(scope="session")
def exported(by_name, tmp_path_factory):
    """A folder with all of the kit's cases, which is read alone."""
    from .kit_cases import export

    folder = tmp_path_factory.mktemp("cases")
    with pytest.MonkeyPatch.context() as patch:
        export(by_name, folder, patch)
    return folder
