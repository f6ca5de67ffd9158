"""SLTT: spatial learning through time, which is OTTT without the trace.

    g^N[t] = ψ^N[t] ∘ ∂L[t]/∂s^N[t],   g^l[t] = ψ^l[t] ∘ W^{l+1 T} g^{l+1}[t]
    ∇W^l = Σ_t g^l[t] s^{l-1}[t]^T,    ∇b^l = Σ_t g^l[t]

It runs forwards in time, and carries one potential and spike per neuron: no gradient passes from one time step to
another. `gradients` sums over the sequence and updates once; `OnlineLearner` updates after each time step.

Source: Meng et al. 2023, Towards memory- and time-efficient backpropagation for training spiking neural networks;
theorems E2 to E4.
"""

import warnings

from ..learning.losses import Mixed
from .shared import driver, online
from .shared.rule import Rule


class SLTT(Rule):
    """The rule: errors are paired with the presynaptic spikes of the same time step, as in the base class."""


def gradients(network, inputs, targets, loss=Mixed(), *, dialect=None, error_feedback=None, terms=False):
    """SLTT's gradient summed over a sequence.

    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype
    targets         class labels [B] or rows [B, n_out]
    dialect         does nothing, since SLTT traces nothing: deprecated
    error_feedback  how errors reach the layers: by transposed weights if not given (`methods.FeedbackMatrices`, ...)
    terms           whether to record what each time step adds

    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work.
    """
    if dialect is not None:
        warnings.warn("sltt: dialect does nothing, and will be no argument any more", DeprecationWarning, stacklevel=2)
    return driver.gradients(SLTT, network, inputs, targets, loss, error_feedback=error_feedback, terms=terms)


def accumulate(network, activity, output_errors, *, terms=False):
    """The algebra alone: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    Returns a GradientSum.
    """
    return driver.accumulate(SLTT, network, activity, output_errors, terms=terms)


class OnlineLearner(online.OnlineLearner):
    """SLTT with an update after each time step.

    optimizer   updates the network's parameters, with the gradient of L[t] = ℓ(o[t], y) / time_steps
    loss        Mixed() if not given
    time_steps  T, the length of the sequences, which scales the loss as in `gradients`; 6 is OTTT's authors'

    `reset()` between sequences. Raises TypeError or ValueError that names the argument.
    """

    def __init__(self, network, optimizer, loss=Mixed(), *, error_feedback=None, time_steps=6):
        super().__init__(SLTT, network, optimizer, loss, error_feedback=error_feedback, time_steps=time_steps)
