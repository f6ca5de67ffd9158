"""Traps of spike representation: other rates, another slope of the clamp."""

import numpy as np

from ...network.layers import INPUTS
from ..variations import Variation
from ..varied_rates import weighted


def _mean(values, decay, source):
    return values.mean(axis=0)


def _reversed(values, decay, source):
    return weighted(values[::-1], decay, source)


def _undivided(values, decay, source):
    return weighted(values, decay, source) * (float(decay) ** np.arange(len(values))).sum()


def _inputs_averaged(values, decay, source):
    return values.mean(axis=0) if source == INPUTS else weighted(values, decay, source)


def _slope(current, threshold):
    return (current > 0) & (current < threshold)


def _everywhere(current, threshold):
    return np.ones_like(current) / threshold


def rate_traps():
    """Variations of spike representation alone."""
    return (
        Variation("rates-unweighted", "rates are plain means over time", "rates", rate=_mean),
        Variation("rates-reversed", "rates are weighted by λ^t: the first time step counts most", "rates",
                  rate=_reversed),
        Variation("rates-undivided", "rates are not divided by Λ_T", "rates", rate=_undivided),
        Variation("input-rates-unweighted", "the inputs' rates are plain means over time", "rates",
                  rate=_inputs_averaged),
        Variation("rates-closed-form", "rates are the clamp's own, layer by layer, not those of the spikes", "rates",
                  closed_form=True),
        Variation("clamp-without-threshold", "the clamp's slope lacks 1 / V_th", "gate", gate=_slope),
        Variation("clamp-ignored", "errors pass the clamp where it is flat", "gate", gate=_everywhere),
        Variation("rate-loops-ignored", "errors of rates do not come back by recurrent and feedback connections",
                  "adjoint", loops=False),
    )  # fmt: skip
