"""How much memory a piece of work takes: the figure that online training is about."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def peak_bytes(work: Callable[[], object], warm_ups: int = 4) -> int:
    """The peak of the memory that Python and numpy take while `work()` runs, above what they held before, in bytes.

    warm_ups  how often `work` runs before it is measured: compilation and caches are then behind it

    >>> from ottt_ref.memory import peak_bytes
    >>> 1_000_000 <= peak_bytes(lambda: bytearray(1_000_000)) < 1_010_000
    True
    """
    with without_collection():
        for _ in range(warm_ups):
            work()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            work()
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()


@contextmanager
def without_collection() -> Iterator[None]:
    """A `with` block in which several peaks are measured after one warm-up, the first one's.

    A garbage collection empties CPython's free lists, whose refilling would look like growth. Here there is one at the
    beginning, and none on the way.

    >>> from ottt_ref.memory import peak_bytes, without_collection
    >>> with without_collection():
    ...     peaks = [peak_bytes(lambda: bytearray(1_000_000), warm_ups) for warm_ups in (4, 1)]
    >>> [round(peak, -4) for peak in peaks]
    [1000000, 1000000]
    """
    if not gc.isenabled():
        yield
        return
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
