"""Mistakes in what is said of single time steps: weights, targets, the T of the loss, the state at the start."""

from ..numpy_backend import Backend, Step
from .catalogue import ALL_BUT_RATES, FORWARD, SURROGATE, fault


@fault(
    "the loss is divided by the sum of the weights",
    shows={"dense-masked": SURROGATE, "dense-last-step": SURROGATE},
    spares=["dense"],
)
class WeightsRenormalised(Backend):
    def output_error(self, outputs):
        error = super().output_error(outputs)
        return error if self.weights is None else error * (self.weights.size / self.weights.sum())


@fault(
    "a part of a sequence is taken for a whole one: 1/T of its own T",
    shows={"feedback-chunk": ALL_BUT_RATES},
    spares=["dense"],
)
class LossOfChunk(Backend):
    def loss_steps(self):
        return len(self.inputs)


@fault(
    "the targets of the first time step are taken at each",
    shows={"recurrent-step-targets": ALL_BUT_RATES},
    spares=["dense"],
)
class TargetsOfFirstStep(Backend):
    def look_at(self, t):
        super().look_at(t)
        if self.step_targets is not None:
            self.targets = self.step_targets[0]


@fault(
    "a sequence starts from rest, whatever state it is given",
    shows={"feedback-chunk": FORWARD},
    spares=["dense"],
)
class InitialStateForgotten(Backend):
    def rest(self):
        given = super().rest()
        return Step([0 * potential for potential in given.potentials], [0 * output for output in given.outputs])
