"""The fast backend before the conformance kit, as any other: `ottt-ref conform ottt_ref.fast.adapter:adapter`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from ..conformance import files
from ..conformance.reference import FORWARD, targets_at
from ..conformance.specifications import FEATURES
from ..learning.optimisers import SGD
from ..methods.shared.task import require_task
from . import simulate
from .methods import METHODS
from .windows import sequence_loss

GRADIENTS = {
    name: partial(method.gradients, **options)
    for method in METHODS.values()
    for name, (_, options) in method.variants.items()
}
ONLINE = {
    name: partial(method.learner, **options)
    for method in METHODS.values()
    if method.learner is not None
    for name, (_, options) in method.online.items()
}


def adapter(case: files.Case, method: str) -> Mapping[str, np.ndarray]:
    """Run a case by the fast backend: every method that it has, of every case; RTRL and SR are the reference's alone.

    >>> from ottt_ref.conformance import checking, files, report
    >>> from ottt_ref.fast.adapter import adapter
    >>> print(report.summary(list(checking.check(adapter, files.make_cases(["dense"])))))
    8 passed, 0 failed, 3 unsupported, 0 not compared
    """
    if method == FORWARD:
        return _forward(case)
    asked = {"weights": case.weights, "initial_state": case.initial_state, "time_steps": case.loss_time_steps}
    if method in ONLINE:
        return _online(case, method, asked)
    found = GRADIENTS[method](case.network, case.inputs, case.targets, case.loss, **asked)
    return {**found, "loss": np.asarray(found.loss)}


adapter.methods = (FORWARD, *GRADIENTS, *ONLINE)  # type: ignore[attr-defined]
adapter.features = tuple(FEATURES)  # type: ignore[attr-defined]


def _forward(case):
    network = case.network
    activity = simulate(network, case.inputs, initial_state=case.initial_state)
    arrays = {"outputs": activity.outputs}
    for l, layer in enumerate(network.layers):
        arrays |= {f"{state}/{l}": values for state, values in zip(layer.neuron.states, activity.layer_states[l])}
        if layer.neuron.spiking:
            arrays[f"spikes/{l}"] = activity.layer_outputs[l]
            arrays[f"psi/{l}"] = activity.layer_surrogate_derivatives[l]
    task = require_task(
        network, case.inputs, case.targets, case.loss, weights=case.weights, time_steps=case.loss_time_steps
    )
    arrays["loss"] = np.asarray(sequence_loss(task, 0, activity.outputs)[0])
    return arrays


def _online(case, method, asked):
    network = case.network
    optimizer = SGD(case.entry["online"]["learning_rate"], momentum=0)
    learner = ONLINE[method](network, optimizer, case.loss, time_steps=asked["time_steps"])
    learner.reset(asked["initial_state"])
    rows: dict[str, list] = {parameter: [] for parameter in network.parameters}
    for t, row in enumerate(case.inputs):
        weights = None if asked["weights"] is None else asked["weights"][t]
        learner.step(row, targets_at(case.targets, t), weights=weights)
        for parameter, value in network.parameters.items():
            rows[parameter].append(value.copy())
    return {parameter: np.stack(values) for parameter, values in rows.items()}
