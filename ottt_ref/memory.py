"""How much memory a piece of work takes: the figure that online training is about."""

import gc
import tracemalloc
from collections.abc import Callable


def peak_bytes(work: Callable[[], object], warm_ups: int = 4) -> int:
    """The peak of the memory that Python and numpy take while `work()` runs, above what they held before, in bytes.

    warm_ups  how often `work` runs before it is measured: compilation and caches are then behind it

    >>> from ottt_ref.memory import peak_bytes
    >>> 1_000_000 <= peak_bytes(lambda: bytearray(1_000_000)) < 1_010_000
    True
    """
    gc.collect()
    gc.disable()  # a collection empties CPython's free lists, whose refilling would look like growth
    try:
        for _ in range(warm_ups):
            work()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        gc.enable()
