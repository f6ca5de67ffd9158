"""Gradients forwards in time: one door for OTTT and SLTT, and which engine takes what comes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..learning.losses import Loss
from ..methods.shared import driver as single_steps
from ..methods.shared.driver import started
from ..methods.shared.errors import ErrorFeedback
from ..methods.shared.gradients import Gradients
from ..methods.shared.rule import Rule
from ..methods.shared.task import require_task
from ..network.network import Network
from . import engines, samples, windows
from .network import fast_network, require_fast


def gradients(
    method: str,
    rule: Callable[[Network, int], Rule],
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss,
    *,
    error_feedback: ErrorFeedback | None,
    weights: npt.ArrayLike | None,
    time_steps: int | None,
    initial_state: Mapping[str, np.ndarray] | None,
    regulariser: Any,
    input_gradients: bool,
    terms: bool,
    dialect: str = "derivation",
) -> Gradients:
    """`methods.gradients` of OTTT and SLTT, on fast operations; the arguments and errors are the same.

    rule  that of the method, in its dialect
    """
    require_fast(network)
    asked = {
        "error_feedback": error_feedback,
        "regulariser": regulariser,
        "input_gradients": input_gradients,
        "terms": terms,
    }
    of_sequence: dict[str, Any] = {"weights": weights, "time_steps": time_steps, "initial_state": initial_state}
    found = engines.in_one_call(method, network, inputs, targets, loss, asked, {**of_sequence, "dialect": dialect})
    if found is not None:
        return found
    options = {**of_sequence, "regulariser": regulariser, "input_gradients": input_gradients, "terms": terms}
    task = require_task(network, inputs, targets, loss, forwards="a rule that runs forwards in time", **options)
    if not engines.of_samples(network, method, loss, asked):
        try:
            return samples.gradients(rule, network, task)
        except windows.NotFinite:  # see below
            pass
    fast = fast_network(network)
    running, feedback = started(rule, fast, task.inputs.shape[1], error_feedback)
    if not windows.why_single_steps(fast, feedback, terms):
        try:
            return windows.gradients(running, fast, task, input_gradients)
        except windows.NotFinite:  # the loop by single time steps says what, where and when
            pass
    return single_steps.gradients(rule, fast, inputs, targets, loss, error_feedback=error_feedback, **options)
