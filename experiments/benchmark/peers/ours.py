"""This library as a peer: the plain reference and `ottt_ref.fast`, which have the same signatures."""

from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np

import ottt_ref as ot

LOSS = ot.losses.CrossEntropy()


class Ours:
    """A module with `simulate` and methods in it: the library's, or `ottt_ref.fast`."""

    dialect, reset = "derivation", "soft"

    def __init__(self, workload, module, method="ottt", within=nullcontext):
        self.module, self.method, self._within = module, method, within
        self.network = workload.network()
        self.inputs, self.labels = workload.inputs, workload.labels
        self.optimizer = ot.training.SGD(workload.learning_rate, momentum=0.0)
        self._update = partial(module.step, self.optimizer) if module is not ot else self.optimizer.step
        self.learner = None
        if workload.task.online and method == "ottt":
            self.learner = module.ottt.OnlineLearner(
                self.network, self.optimizer, LOSS, time_steps=workload.task.time_steps
            )

    @property
    def about(self):
        """Which engine computes it; nothing of the plain reference."""
        if self.module is ot:
            return ""
        with self._within():
            asked = {"optimizer": self.optimizer} if self.learner is not None else {}
            return str(self.module.plan(self.network, self.method, **asked)).partition("\n")[0]

    def step(self):
        """One update with the sequence's gradient, or one after each time step; the loss."""
        with self._within():
            if self.learner is not None:
                self.learner.reset()
                return sum(self.learner.step(now, self.labels)[0] for now in self.inputs)
            gradients = getattr(self.module, self.method).gradients(self.network, self.inputs, self.labels, LOSS)
            self._update(self.network.parameters, gradients)
            return gradients.loss

    def parameters(self):
        """The weights as they are now."""
        return {name: np.array(value) for name, value in self.network.parameters.items()}

    def firing_rates(self):
        """The share of the neurons of each spiking layer that fire in a time step."""
        activity = self.module.simulate(self.network, self.inputs)
        return [float(spikes.mean(dtype=np.float64)) for spikes in activity.spikes]


def reference(workload):
    """The plain reference: OTTT_A, or OTTT_O."""
    return Ours(workload, ot)


def reference_bptt(workload):
    """The plain reference: BPTT."""
    return Ours(workload, ot, "bptt")


def reference_rtrl(workload):
    """The plain reference: RTRL."""
    return Ours(workload, ot, "rtrl")


def fast(workload):
    """`ottt_ref.fast`: OTTT_A, or OTTT_O."""
    return Ours(workload, _fast())


def fast_bptt(workload):
    """`ottt_ref.fast`: BPTT."""
    return Ours(workload, _fast(), "bptt")


def fast_plain(workload):
    """`ottt_ref.fast` without its hand-built loops."""
    module = _fast()
    return Ours(workload, module, within=module.plain_kernels)


def fast_events(workload):
    """`ottt_ref.fast`, dense layers event-driven however many neurons fire."""
    return Ours(workload, _fast(), within=lambda: _choosing(most=10.0))


def fast_dense(workload):
    """`ottt_ref.fast`, dense layers by dense arithmetic however few neurons fire."""
    return Ours(workload, _fast(), within=lambda: _choosing(most=0.0))


@contextmanager
def _choosing(most):
    """A `with` block in which dense layers are event-driven up to this share of numbers that are not 0."""
    from ottt_ref.fast import dense_chains
    from ottt_ref.fast.operations import dense

    thousandths = (int(1000 * most),) * 2
    changes = ((dense_chains.SHARES, thousandths), (dense.FORWARD_SHARE, most), (dense.GRADIENT_SHARE, most))
    before = [dict(shares) for shares, _ in changes]
    for shares, value in changes:
        shares.update(dict.fromkeys(shares, value))
    try:
        yield
    finally:
        for (shares, _), kept in zip(changes, before):
            shares.update(kept)


def _fast():
    from ottt_ref import fast as module  # here: who asks for the reference alone need not load it

    return module
