"""SLTT on fast operations: `gradients` and `OnlineLearner`, of the reference's signatures (`ottt_ref.sltt`)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..learning.losses import Loss, Mixed
from ..learning.optimisers import Optimizer
from ..learning.regularisers import Regulariser
from ..methods import sltt as reference
from ..methods.shared.errors import ErrorFeedback
from ..methods.shared.gradients import Gradients
from ..network.network import Network
from . import driver, stepping


def gradients(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    error_feedback: ErrorFeedback | None = None,
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> Gradients:
    """SLTT's gradient of a sequence: `ottt_ref.sltt.gradients`, with the same arguments and results.

    Raises what it raises, and TypeError for a network of exact numbers.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref import fast
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> inputs, labels = np.linspace(0, 0.6, 8).reshape(4, 1, 2), np.array([1])
    >>> gradients, same = (method.gradients(network, inputs, labels) for method in (fast.sltt, ot.sltt))
    >>> all(np.allclose(gradients[name], same[name]) for name in same)
    True
    """
    return driver.gradients(
        "sltt",
        reference.SLTT,
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


class OnlineLearner(stepping.OnlineLearner, reference.OnlineLearner):
    """SLTT with an update after each time step, on fast operations: `ottt_ref.sltt.OnlineLearner`.

    Raises what it raises, and TypeError for a network of exact numbers.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref import fast
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> learner = fast.sltt.OnlineLearner(network, ot.training.SGD(0.1), time_steps=4)
    >>> for inputs in np.linspace(0, 0.6, 8).reshape(4, 1, 2):
    ...     loss, outputs = learner.step(inputs, np.array([1]))
    >>> outputs.shape
    (1, 2)
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
        self._learning = stepping.LearningNetwork(network)
        super().__init__(
            self._learning.network,
            optimizer,
            loss,
            error_feedback=error_feedback,
            time_steps=time_steps,
            regulariser=regulariser,
        )
