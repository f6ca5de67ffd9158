"""How much memory a piece of work takes: the figure that online training is about."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
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


def peaks_by_length(measure: Callable[[int, int], int], lengths: Sequence[int], warm_ups: int = 2) -> list[int]:
    """What `measure(length, warm_ups)` gives for each of the lengths; the longest comes first, and warms up for all.

    warm_ups  of the longest; the others have one each

    >>> from ottt_ref.memory import peak_bytes, peaks_by_length
    >>> measure = lambda length, warm_ups: peak_bytes(lambda: bytearray(length), warm_ups)
    >>> [round(size, -4) for size in peaks_by_length(measure, (10**5, 10**6))]
    [100000, 1000000]
    """
    found = {}
    with without_collection():
        for length in sorted(lengths, reverse=True):
            found[length] = measure(length, warm_ups)
            warm_ups = min(warm_ups, 1)
    return [found[length] for length in lengths]


def fill_free_lists() -> None:
    """Have CPython keep as many freed tuples, floats, lists and dicts for reuse as it ever does.

    There are up to 2000 tuples of each length up to 20, and some hundred others. They are counted as taken, and fill
    slowly: what follows would seem to grow by some bytes for thousands of steps. A garbage collection empties them.

    >>> from ottt_ref.memory import fill_free_lists
    >>> fill_free_lists()
    """
    for length in range(1, 21):
        kept = [tuple([None] * length) for _ in range(2000)]
        del kept
    makers: tuple[Callable[[int], object], ...] = (
        lambda k: k + 0.5,
        lambda k: [k],
        lambda k: {k: k},
        lambda k: (k, []),
    )
    for make in makers:
        others = [make(k) for k in range(1000)]
        del others


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
