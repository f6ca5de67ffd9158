"""Mistakes in the loss and its gradient."""

import numpy as np
from scipy.special import softmax

from ..numpy_backend import Backend
from .catalogue import BPTT, EVERYTHING, FORWARD, FORWARDS_IN_TIME, GRADIENTS, OFFLINE, RATES, SURROGATE, fault


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
    shows={"dense-mixed": EVERYTHING, "dense-cross-entropy": EVERYTHING, "dense-squared-error": EVERYTHING},
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


@fault(
    "targets that are rows are turned into the label of their largest",
    shows={"dense-soft-targets": EVERYTHING, "dense-squared-error": EVERYTHING},
    spares=["dense", "dense-mixed"],
)
class TargetsHardened(Backend):
    def read(self, entry, arrays):
        targets = arrays["targets"]
        super().read(entry, {**arrays, "targets": targets if targets.ndim == 1 else targets.argmax(axis=1)})


@fault(
    "targets that are rows are divided by their sum",
    shows={"dense-squared-error": EVERYTHING},
    spares=["dense", "dense-mixed"],
)
class TargetsNormalised(Backend):
    def read(self, entry, arrays):
        super().read(entry, arrays)
        self.targets = self.targets / self.targets.sum(axis=1, keepdims=True)


@fault("labels are smoothed: a tenth is shared out", shows={"dense": EVERYTHING}, spares=["dense-squared-error"])
class LabelsSmoothed(Backend):
    def read(self, entry, arrays):
        super().read(entry, arrays)
        if arrays["targets"].ndim == 1:
            self.targets = 0.9 * self.targets + 0.1 / self.targets.shape[1]


@fault(
    "the cross-entropy is averaged over the classes",
    shows={"dense": GRADIENTS, "dense-cross-entropy": GRADIENTS},
    spares=["dense-squared-error"],
)
class CrossEntropyAveraged(Backend):
    def cross_entropy(self, outputs, targets):
        return super().cross_entropy(outputs, targets) / outputs.shape[1]


def unprotected_softmax(outputs):
    """The softmax that does not subtract the largest."""
    with np.errstate(over="ignore", invalid="ignore"):
        exponentials = np.exp(outputs)
        return exponentials / exponentials.sum(axis=1, keepdims=True)


@fault(
    "the softmax does not subtract the largest output, and overflows",
    shows={"saturated-float32": GRADIENTS},
    spares=["saturated", "dense-float32"],
)
class SoftmaxOverflows(Backend):
    def cross_entropy(self, outputs, targets):
        return unprotected_softmax(outputs) - targets


WITH_LOSS = (*FORWARD, *OFFLINE)  # what the loss is reported with


@fault(
    "the loss that is reported takes the logarithm of a softmax that overflows",
    shows={"saturated-float32": WITH_LOSS},
    spares=["saturated", "dense-float32"],
)
class LossOverflows(Backend):
    def cross_entropy_value(self, outputs, targets):
        return -(targets * np.log(unprotected_softmax(outputs))).sum(axis=1)


@fault("the loss that is reported has the binary logarithm", shows={"dense": WITH_LOSS}, spares=["dense-squared-error"])
class LossOfBaseTwo(Backend):
    def cross_entropy_value(self, outputs, targets):
        return super().cross_entropy_value(outputs, targets) / np.log(2)


@fault(
    "the loss that is reported is summed over the batch",
    shows={"dense": WITH_LOSS, "conv": WITH_LOSS},
    spares=["dense-one-sample"],
)
class ReportedLossSummedOverBatch(Backend):
    def loss_value(self, outputs, targets):
        return self.inputs.shape[1] * super().loss_value(outputs, targets)


@fault(
    "the loss that is reported is summed over time",
    shows={"dense": tuple(method for method in WITH_LOSS if method not in RATES)},
    spares=["dense-one-step"],
)
class ReportedLossSummedOverTime(Backend):
    def sequence_loss(self, steps):
        return len(steps) * super().sequence_loss(steps)


@fault(
    "the loss that is reported is that of the mean output",
    shows={"dense": tuple(method for method in WITH_LOSS if method not in RATES)},
    spares=["dense-one-step"],
)
class ReportedLossOfMeanOutput(Backend):
    def sequence_loss(self, steps):
        return self.loss_value(np.mean([step.outputs[-1] for step in steps], axis=0), self.targets)


@fault(
    "the loss is divided by 4, whatever the batch is",
    shows={"dense-one-sample": GRADIENTS, "dense-square": GRADIENTS},
    spares=["dense", "conv"],
)
class LossDividedByFour(Backend):
    def loss_gradient(self, outputs, targets):
        return len(outputs) / 4 * super().loss_gradient(outputs, targets)
