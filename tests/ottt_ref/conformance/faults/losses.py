"""Mistakes in the loss and its gradient."""

import numpy as np
from scipy.special import softmax

from ..numpy_backend import Backend
from .catalogue import BPTT, FORWARDS_IN_TIME, GRADIENTS, SURROGATE, fault


@fault(
    "the loss is summed over the batch",
    shows={"dense": GRADIENTS, "conv": GRADIENTS},
    spares=["dense-one-sample", "dense-long"],
)
class LossSummedOverBatch(Backend):
    def loss_gradient(self, outputs, targets):
        return len(outputs) * super().loss_gradient(outputs, targets)


@fault(
    "the loss is summed over time, not divided by T",
    shows={"dense": SURROGATE, "dense-long": SURROGATE},
    spares=["dense-one-step"],
)
class LossSummedOverTime(Backend):
    def output_error(self, outputs):
        return len(self.inputs) * super().output_error(outputs)


@fault(
    "the loss is divided by 6, whatever T is",
    shows={"dense-square": SURROGATE, "dense-long": SURROGATE},
    spares=["dense", "conv"],
)
class LossDividedBySix(Backend):
    def output_error(self, outputs):
        return len(self.inputs) / 6 * super().output_error(outputs)


@fault(
    "the squared error is summed over the classes",
    shows={"dense": GRADIENTS, "dense-squared-error": GRADIENTS},
    spares=["dense-cross-entropy"],
)
class SquaredErrorSummed(Backend):
    def squared_error(self, outputs, targets):
        return 2 * (outputs - targets)


@fault(
    "the squared error has a factor of 1/2",
    shows={"dense": GRADIENTS, "dense-squared-error": GRADIENTS},
    spares=["dense-cross-entropy"],
)
class SquaredErrorHalved(Backend):
    def squared_error(self, outputs, targets):
        return super().squared_error(outputs, targets) / 2


@fault(
    "the squared error is that of the softmax",
    shows={"dense": GRADIENTS, "dense-squared-error": GRADIENTS},
    spares=["dense-cross-entropy"],
)
class SquaredErrorOfSoftmax(Backend):
    def squared_error(self, outputs, targets):
        shares = softmax(outputs, axis=1)
        error = shares * super().squared_error(shares, targets)
        return error - shares * error.sum(axis=1, keepdims=True)


@fault(
    "the cross-entropy takes the softmax of a softmax",
    shows={"dense": GRADIENTS, "dense-cross-entropy": GRADIENTS},
    spares=["dense-squared-error"],
)
class SoftmaxTwice(Backend):
    def cross_entropy(self, outputs, targets):
        shares = softmax(outputs, axis=1)
        error = shares * super().cross_entropy(shares, targets)
        return error - shares * error.sum(axis=1, keepdims=True)


@fault(
    "the mixed loss's shares are exchanged",
    shows={"dense": GRADIENTS, "dense-mixed": GRADIENTS},
    spares=["dense-cross-entropy", "dense-squared-error"],
)
class SharesExchanged(Backend):
    def loss_gradient(self, outputs, targets):
        gradient = super().loss_gradient(outputs, targets)
        if self.entry["loss"]["type"] != "Mixed":
            return gradient
        return self.cross_entropy(outputs, targets) + self.squared_error(outputs, targets) - gradient


@fault(
    "the loss is always the paper's, with α = 0.05",
    shows={"dense-mixed": GRADIENTS, "dense-cross-entropy": GRADIENTS, "dense-squared-error": GRADIENTS},
    spares=["dense"],
)
class PapersLoss(Backend):
    def read(self, entry, arrays):
        super().read({**entry, "loss": {"type": "Mixed", "mse_weight": 0.05}}, arrays)


@fault(
    "the mixed loss is the cross-entropy alone",
    shows={"dense": GRADIENTS, "dense-mixed": GRADIENTS},
    spares=["dense-cross-entropy", "dense-squared-error"],
)
class MixedIsCrossEntropy(Backend):
    def squared_error(self, outputs, targets):
        if self.entry["loss"]["type"] == "Mixed":
            return self.cross_entropy(outputs, targets)
        return super().squared_error(outputs, targets)


class LossOfSequence(Backend):
    """A loss that needs the whole sequence; online learning, which never has it, is left as it is."""

    steps = None

    def read(self, entry, arrays):
        self.steps = None
        super().read(entry, arrays)

    def run(self):
        self.steps = super().run()
        return self.steps


@fault(
    "the loss is that of the output's mean over time",
    shows={"dense": (*BPTT, *FORWARDS_IN_TIME), "conv": (*BPTT, *FORWARDS_IN_TIME)},
    spares=["dense-one-step"],
)
class LossOfMeanOutput(LossOfSequence):
    def output_error(self, outputs):
        if self.steps:
            outputs = np.mean([step.outputs[-1] for step in self.steps], axis=0)
        return super().output_error(outputs)


@fault(
    "the loss is that of the last time step's output",
    shows={"dense": (*BPTT, *FORWARDS_IN_TIME), "conv": (*BPTT, *FORWARDS_IN_TIME)},
    spares=["dense-one-step"],
)
class LossOfLastOutput(LossOfSequence):
    def output_error(self, outputs):
        if not self.steps:
            return super().output_error(outputs)
        if outputs is not self.steps[-1].outputs[-1]:
            return np.zeros_like(outputs)
        return len(self.inputs) * super().output_error(outputs)
