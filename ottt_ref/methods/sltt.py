"""SLTT: spatial learning through time, which is OTTT without the trace.

    g^N[t] = ψ^N[t] ∘ ∂L[t]/∂s^N[t],   g^l[t] = ψ^l[t] ∘ W^{l+1 T} g^{l+1}[t]
    ∇W^l = Σ_t g^l[t] s^{l-1}[t]^T,    ∇b^l = Σ_t g^l[t]

It runs forwards in time, and carries one potential and spike per neuron: no gradient passes from one time step to
another. `gradients` sums over the sequence and updates once; `OnlineLearner` updates after each time step.

Source: Meng et al. 2023, Towards memory- and time-efficient backpropagation for training spiking neural networks;
theorems E2 to E4.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..learning.losses import Loss, Mixed
from ..learning.optimisers import Optimizer
from ..learning.regularisers import Regulariser
from ..network.network import Network
from ..simulation.simulator import Activity
from .shared import driver, online
from .shared.errors import ErrorFeedback
from .shared.gradients import Gradients, GradientSum
from .shared.rule import Rule
from .shared.traces import Dialect


class SLTT(Rule):
    """The rule: errors are paired with the presynaptic spikes of the same time step, as in the base class.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([1, 1, 1], rng=0)
    >>> rule, activity = ot.sltt.SLTT(network, batch_size=1), ot.simulate(network, np.ones((3, 1, 1)))
    >>> [float(rule.presynaptic(network.connections[0], activity.at(t))[0, 0]) for t in range(3)], rule.state
    ([1.0, 1.0, 1.0], {})
    """


def gradients(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    dialect: Dialect | None = None,
    error_feedback: ErrorFeedback | None = None,
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> Gradients:
    """SLTT's gradient summed over a sequence.

    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype or of whole numbers
    targets         class labels [B] or rows [B, n_out], or of each time step labels [T, B] or rows [T, B, n_out]
    dialect         does nothing, since SLTT traces nothing: deprecated
    error_feedback  how errors reach the layers: by transposed weights if not given (`methods.FeedbackMatrices`, ...)
    weights         of time steps and samples, [T] or [T, B]: they multiply ℓ, and nothing is renormalised; or "last"
    time_steps      T of the loss's 1/T, where the sequence is a part of a longer one; its own T if not given
    initial_state   the State to start from, with or without the rule's part; rest if not given
    regulariser     a penalty of the firing rates, of `losses.Regulariser`
    input_gradients whether to record W^T g[t], the error at the inputs within the time step
    terms           whether to record what each time step adds

    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> inputs, labels = np.linspace(0, 0.6, 8).reshape(4, 1, 2), np.array([1])
    >>> gradients = ot.sltt.gradients(network, inputs, labels)
    >>> {name: round(float(np.linalg.norm(value)), 3) for name, value in gradients.items()}
    {'layer0.weight': 0.192, 'layer0.bias': 0.34, 'readout.weight': 0.604, 'readout.bias': 0.65}
    """
    if dialect is not None:
        warnings.warn("sltt: dialect does nothing, and will be no argument any more", DeprecationWarning, stacklevel=2)
    return driver.gradients(
        SLTT,
        network,
        inputs,
        targets,
        loss,
        error_feedback=error_feedback,
        weights=weights,
        time_steps=time_steps,
        initial_state=initial_state,
        regulariser=regulariser,
        input_gradients=input_gradients,
        terms=terms,
    )


def accumulate(
    network: Network,
    activity: Activity,
    output_errors: np.ndarray,
    *,
    terms: bool = False,
) -> GradientSum:
    """The algebra alone: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    Returns a GradientSum.

    Where ψ is the inverse of the readout's weight, each time step adds an error of 1 to the biases of the first layer:

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs = ot.dense_network([1, 1, 1], decay=0.5, rng=0), np.ones((3, 1, 1))
    >>> activity, output_errors = ot.simulate(network, inputs), np.ones((3, 1, 1))
    >>> activity.layer_surrogate_derivatives[0][...] = network.parameters["readout.weight"] ** -1
    >>> sums = ot.sltt.accumulate(network, activity, output_errors)
    >>> sums.values["layer0.bias"].round(9).tolist(), sums.values["readout.bias"].tolist()
    ([3.0], [3.0])
    """
    return driver.accumulate(SLTT, network, activity, output_errors, terms=terms)


class OnlineLearner(online.OnlineLearner):
    """SLTT with an update after each time step.

    optimizer   updates the network's parameters, with the gradient of the loss of the step
    loss        ℓ, Mixed() if not given
    time_steps  T, the length of the sequences: the loss of a step is then ℓ(o[t], y) / T, and those of T steps
                add up to the loss of `gradients`. Without it the loss of a step is ℓ(o[t], y) itself
    regulariser  a penalty of the firing rates, of `losses.Regulariser`

    `reset()` between sequences. Raises TypeError or ValueError that names the argument.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> learner = ot.sltt.OnlineLearner(network, ot.training.SGD(0.1), time_steps=4)
    >>> for inputs in np.linspace(0, 0.6, 8).reshape(4, 1, 2):
    ...     loss, outputs = learner.step(inputs, np.array([1]))
    >>> outputs.shape, learner.state_bytes
    ((1, 2), 80)
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        loss: Loss = Mixed(),
        *,
        error_feedback: ErrorFeedback | None = None,
        time_steps: int | None = None,
        regulariser: Regulariser | None = None,
    ) -> None:
        super().__init__(
            SLTT,
            network,
            optimizer,
            loss,
            error_feedback=error_feedback,
            time_steps=time_steps,
            regulariser=regulariser,
        )
