"""Means and paired differences, against SciPy's own."""

import numpy as np
import pytest
from scipy import stats

from experiments.sweep.statistics import difference, mean_and_deviation


@pytest.mark.parametrize("count", [2, 5, 40])
def test_an_interval_is_that_of_the_paired_t_test(count):
    rng = np.random.default_rng(count)
    values, others = rng.normal(0.9, 0.02, count), rng.normal(0.91, 0.02, count)
    found, wanted = difference(values, others), stats.ttest_rel(values, others).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(wanted), rel=1e-12)
    assert found.mean == pytest.approx(np.mean(values - others)) and found.seeds == count


def test_equal_runs_have_an_interval_of_no_width_and_one_seed_has_none():
    same = difference([0.9, 0.8, 0.7], [0.9, 0.8, 0.7])
    assert (same.mean, same.low, same.high, same.seeds_for(0.01)) == (0, 0, 0, 2)
    one = difference([0.9], [0.8])
    assert one.mean == pytest.approx(0.1) and (one.low, one.high, one.seeds_for(0.01)) == (None, None, None)
    assert mean_and_deviation([0.5]) == (0.5, None)


def test_the_seeds_that_an_interval_takes_grow_with_the_square_of_the_spread():
    rng = np.random.default_rng(0)
    apart = rng.normal(0, 1, 400)
    found = difference(0.02 * apart, np.zeros(400))
    assert found.seeds_for(0.01) == pytest.approx((1.96 * 0.02 * apart.std(ddof=1) / 0.01) ** 2, abs=1)
    assert found.seeds_for(0.005) == pytest.approx(4 * found.seeds_for(0.01), abs=4)
