"""The measure of memory: what it counts and what it does not."""

import gc
import tracemalloc

import numpy as np
import pytest

from ottt_ref.memory import peak_bytes, without_collection

pytestmark = pytest.mark.slow


def test_counts_the_most_that_is_held_at_once():
    def work():
        first = np.zeros(100_000)
        del first
        return np.zeros(50_000)

    assert 800_000 <= peak_bytes(work) < 810_000


def test_does_not_count_what_was_there_before():
    held = np.zeros(1_000_000)
    assert peak_bytes(lambda: held.sum()) < 10_000


def test_what_was_traced_at_the_start_is_taken_off_the_peak(monkeypatch):
    measured = iter([(300, 300), (310, 1000)])
    monkeypatch.setattr(tracemalloc, "get_traced_memory", lambda: next(measured))
    assert peak_bytes(lambda: None, warm_ups=0) == 700


def test_measures_after_as_many_warm_ups_as_are_asked_for():
    calls = []
    peak_bytes(lambda: calls.append(tracemalloc.is_tracing()), warm_ups=2)
    assert calls == [False, False, True]


def test_nothing_is_collected_on_the_way(monkeypatch):
    collections, seen = [], []
    monkeypatch.setattr(gc, "collect", lambda: collections.append("a collection"))

    def work():
        seen.append(gc.isenabled())

    with without_collection():
        peak_bytes(work, warm_ups=1)
        peak_bytes(work, warm_ups=1)
    assert seen == [False] * 4 and len(collections) == 1 and gc.isenabled()
    peak_bytes(work, warm_ups=0)
    assert seen == [False] * 5 and len(collections) == 2 and gc.isenabled()


def test_stops_measuring_when_the_work_fails():
    with pytest.raises(ZeroDivisionError):
        peak_bytes(lambda: 1 / 0)
    assert not tracemalloc.is_tracing()
