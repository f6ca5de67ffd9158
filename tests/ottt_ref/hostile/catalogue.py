"""By callable, how a right call of it is drawn: `CATALOGUE[name](rng)` is a Call."""

from . import fast_calls, network_calls, outside_calls, parts_calls, paths_calls, task_calls

CATALOGUE = {
    **parts_calls.catalogue(),
    **network_calls.catalogue(),
    **outside_calls.catalogue(),
    **task_calls.catalogue(),
    **fast_calls.catalogue(),
    **paths_calls.catalogue(),
}
