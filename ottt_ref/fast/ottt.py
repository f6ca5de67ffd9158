"""OTTT on fast operations: `gradients` (OTTT_A) and `OnlineLearner` (OTTT_O), of the reference's signatures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ..learning.losses import Loss, Mixed
from ..learning.optimisers import Optimizer
from ..learning.regularisers import Regulariser
from ..methods import ottt as reference
from ..methods.shared.errors import ErrorFeedback
from ..methods.shared.gradients import Gradients
from ..methods.shared.traces import DIALECTS, Dialect
from ..network.network import Network
from ..validation import require_choice
from . import driver, stepping, streaming
from .network import require_fast


def gradients(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    dialect: Dialect = "derivation",
    error_feedback: ErrorFeedback | None = None,
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> Gradients:
    """OTTT's gradient summed over a sequence: `ottt_ref.ottt.gradients`, with the same arguments and results.

    Raises what it raises, and TypeError for a network of exact numbers.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref import fast
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> inputs, labels = np.linspace(0, 0.6, 8).reshape(4, 1, 2), np.array([1])
    >>> gradients, same = (method.gradients(network, inputs, labels) for method in (fast.ottt, ot.ottt))
    >>> all(np.allclose(gradients[name], same[name]) for name in same)
    True
    """
    require_choice("dialect", dialect, DIALECTS)
    return driver.gradients(
        "ottt",
        partial(reference.OTTT, dialect=dialect),
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
        dialect=dialect,
    )


class OnlineLearner(stepping.OnlineLearner, streaming.OnlineLearner):
    """OTTT_O on fast operations: `ottt_ref.ottt.OnlineLearner`, with the same arguments, steps and errors.

    Chains of dense layers that learn by SGD are taken as a stream (`fast.streaming`); every other
    network as the reference takes it, with fast operations. `reason` says why, "" for a stream.

    Raises what the reference raises, and TypeError for a network of exact numbers.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref import fast
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> learner = fast.ottt.OnlineLearner(network, ot.training.SGD(0.1), time_steps=4)
    >>> for inputs in np.linspace(0, 0.6, 8).reshape(4, 1, 2):
    ...     loss, outputs = learner.step(inputs, np.array([1]))
    >>> outputs.shape, learner.reason
    ((1, 2), '')
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        loss: Loss = Mixed(),
        *,
        dialect: Dialect = "derivation",
        error_feedback: ErrorFeedback | None = None,
        time_steps: int | None = None,
        regulariser: Regulariser | None = None,
    ) -> None:
        options: dict[str, Any] = {"error_feedback": error_feedback, "regulariser": regulariser}
        reason = streaming.suits(require_fast(network), optimizer, loss, **options)
        self._learning = stepping.LearningNetwork(network) if reason else None
        computed = network if self._learning is None else self._learning.network
        super().__init__(computed, optimizer, loss, dialect=dialect, time_steps=time_steps, **options)
