"""BPTT on fast operations: `gradients`, of the reference's signature (`ottt_ref.bptt`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..learning.losses import Loss, Mixed, average_loss
from ..learning.regularisers import Regulariser
from ..methods import bptt as reference
from ..methods.shared.gradients import Gradients
from ..methods.shared.task import require_task
from ..network.network import Network
from ..network.neurons import RESET_GRADIENTS
from ..validation import require_choice
from . import engines
from .backward import backward, why_single_steps
from .forward import record_of
from .network import fast_network, require_fast
from .windows import NotFinite, require_finite, sequence_loss


def gradients(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    reset_gradient: Literal["detached", "kept"] = "detached",
    loss_of: Literal["steps", "average"] = "steps",
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> Gradients:
    """The gradient of a sequence's loss by BPTT: `ottt_ref.bptt.gradients`, with the same arguments and results.

    Raises what it raises, and TypeError for a network of exact numbers.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref import fast
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> inputs, labels = np.linspace(0, 0.6, 8).reshape(4, 1, 2), np.array([1])
    >>> gradients, same = (method.gradients(network, inputs, labels) for method in (fast.bptt, ot.bptt))
    >>> all(np.allclose(gradients[name], same[name]) for name in same)
    True
    """
    require_choice("reset_gradient", reset_gradient, RESET_GRADIENTS)
    require_choice("loss_of", loss_of, reference.LOSSES_OF)
    require_fast(network)
    asked = {
        "reset_gradient": reset_gradient,
        "loss_of": loss_of,
        "regulariser": regulariser,
        "input_gradients": input_gradients,
        "terms": terms,
    }
    of_sequence: dict[str, Any] = {"weights": weights, "time_steps": time_steps, "initial_state": initial_state}
    found = engines.in_one_call("bptt", network, inputs, targets, loss, asked, of_sequence)
    if found is not None:
        return found
    options = {**of_sequence, "regulariser": regulariser, "input_gradients": input_gradients, "terms": terms}
    task = require_task(
        network,
        inputs,
        targets,
        loss,
        one_loss="" if loss_of == "steps" else "loss_of='average', one loss of the time-averaged output",
        **options,
    )
    fast = fast_network(network)
    if not why_single_steps(fast, terms):
        try:
            return _by_layers(fast, task, reset_gradient == "kept", loss_of, input_gradients)
        except NotFinite:  # going by single time steps says what, where and when
            pass
    return reference.gradients(fast, inputs, targets, loss, reset_gradient=reset_gradient, loss_of=loss_of, **options)


def _by_layers(network, task, kept, loss_of, input_gradients):
    activity = record_of(network, task.inputs, task.initial_state)
    require_finite(*(state for states in activity.layer_states for state in states))
    total: Any
    if loss_of == "steps":
        total, output_errors = sequence_loss(task, 0, activity.outputs)
    else:
        total, output_errors = average_loss(task.loss, activity.outputs, task.targets)
    penalty, regularisation = task.sequence_regularisation(activity)
    sums = backward(network, activity, output_errors, kept, regularisation, input_gradients)
    require_finite(*sums.values.values(), *([] if sums.inputs is None else [sums.inputs]))
    return sums.result(total + penalty, activity.outputs, final_state=activity.final_state, regularisation=penalty)
