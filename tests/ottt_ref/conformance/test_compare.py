"""Comparison of two arrays: spikes exactly, other numbers relative to the largest."""

import numpy as np
import pytest

from ottt_ref.conformance.arrays import Expected
from ottt_ref.conformance.compare import differing, first_in_time

SPIKES = np.array([[[0.0, 1.0]], [[1.0, 0.0]], [[1.0, 1.0]]])  # [T, B, n]


@pytest.mark.parametrize("off", [-1.0, -0.4, 0.3, 0.01, -1e-12])
@pytest.mark.parametrize("place", [(0, 0, 0), (1, 0, 1), (2, 0, 1)])
def test_spikes_are_compared_exactly_in_time(place, off):
    got = SPIKES.copy()
    got[place] += off
    found = first_in_time([("spikes/0", got, SPIKES)], relative=0.5)
    assert (found.array, found.time_step, found.index) == ("spikes/0", place[0], place[1:])
    assert found.got == got[place] and found.expected == SPIKES[place]
    assert first_in_time([("spikes/0", SPIKES.copy(), SPIKES)], relative=0.5) is None
    assert first_in_time([("potential/0", got, SPIKES)], relative=0.5) is None or off == -1.0


@pytest.mark.parametrize("off", [0.4, 1e-12])
def test_spikes_are_compared_exactly_as_whole_arrays(off):
    assert Expected("spikes/0", "spikes/0", SPIKES, True, True).exact
    assert not Expected("outputs", "outputs", SPIKES, True, True).exact
    assert differing(SPIKES + off, SPIKES, 0.0).all() and not differing(SPIKES, SPIKES, 0.0).any()
