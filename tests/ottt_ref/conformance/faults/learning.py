"""Mistakes in online learning, and in what gradients are handed over as."""

import numpy as np

from ..numpy_backend import Backend
from .catalogue import GRADIENTS, OFFLINE, ONLINE, fault


@fault(
    "the updates are applied at the end of the sequence",
    shows={"dense": ONLINE, "dense-long": ONLINE},
    spares=["dense-one-step"],
)
class UpdatesAtTheEnd(Backend):
    def online(self, rule):
        self.held = []
        return super().online(rule)

    def update(self, gradients):
        self.held.append(gradients)
        if len(self.held) == len(self.inputs):
            super().update({name: sum(each[name] for each in self.held) for name in gradients})


@fault("the optimiser has a momentum of 0.9", shows={"dense": ONLINE}, spares=["dense-one-step"])
class Momentum(Backend):
    def online(self, rule):
        self.velocity = self.zeros()
        return super().online(rule)

    def update(self, gradients):
        self.velocity = {name: 0.9 * value + gradients[name] for name, value in self.velocity.items()}
        super().update(self.velocity)


@fault("gradients are not cleared after an update", shows={"dense": ONLINE}, spares=["dense-one-step"])
class GradientsAccumulate(Backend):
    def online(self, rule):
        self.total = self.zeros()
        return super().online(rule)

    def update(self, gradients):
        self.total = {name: value + gradients[name] for name, value in self.total.items()}
        super().update(self.total)


@fault("the loss of a step is not divided by T", shows={"dense": ONLINE}, spares=["dense-one-step"])
class OnlineLossUndivided(Backend):
    def update(self, gradients):
        super().update({name: len(self.inputs) * gradient for name, gradient in gradients.items()})


@fault("the updates go uphill", shows={"dense": ONLINE, "dense-one-step": ONLINE}, spares=[])
class Ascent(Backend):
    def update(self, gradients):
        super().update({name: -gradient for name, gradient in gradients.items()})


@fault(
    "potentials and traces are forgotten after each update",
    shows={"dense": ONLINE, "recurrent": ONLINE},
    spares=["dense-one-step"],
)
class ForgetsAfterUpdate(Backend):
    def online(self, rule):
        history = []
        for x in self.inputs:
            gradients = self.zeros()
            self.add_step(gradients, self.step(self.rest(), x), {}, rule)
            self.update(gradients)
            history.append(self.parameters)
        return {name: np.stack([row[name] for row in history]) for name in self.parameters}


@fault(
    "a layer is updated before errors go back through it",
    shows={"dense": ONLINE, "dense-one-step": ONLINE},
    spares=["silent"],
)
class UpdatesBeforeErrorsPass(Backend):
    learning = False

    def online(self, rule):
        self.learning = True
        found = super().online(rule)
        self.learning = False
        return found

    def add_step(self, gradients, step, traces, rule):
        if not self.learning:
            return super().add_step(gradients, step, traces, rule)
        errors, output_error = [None] * len(self.neurons), self.output_error(step.outputs[-1])
        for l in reversed(range(len(self.neurons))):
            errors[l] = step.derivatives[l] * self.incoming(l, errors, None, output_error)
            own = self.zeros()
            for connection in self.into(l):
                self.add_gradients(own, connection, errors[l], *self.paired(connection, step, traces, rule))
            super().update(own)
        return errors

    def update(self, gradients):
        """Nothing is left to do: each layer is up to date."""


@fault(
    "the parameters that are recorded are those before the update",
    shows={"dense": ONLINE, "dense-one-step": ONLINE},
    spares=[],
)
class RecordsBeforeUpdate(Backend):
    def online(self, rule):
        start = self.parameters
        found = super().online(rule)
        return {name: np.concatenate([start[name][None], rows[:-1]]) for name, rows in found.items()}


@fault(
    "the weights' gradients are laid out [n_in, n_out]",
    shows={"dense": OFFLINE, "conv": OFFLINE},
    spares=[],
)
class GradientsTransposed(Backend):
    def result(self, gradients, errors, loss):
        found = {name: value.swapaxes(0, 1) if value.ndim > 1 else value for name, value in gradients.items()}
        return super().result(found, errors, loss)


@fault("one number of the gradient is not a number", shows={"dense": OFFLINE, "silent": OFFLINE}, spares=[])
class NotANumber(Backend):
    def result(self, gradients, errors, loss):
        next(iter(gradients.values())).flat[-1] = np.nan
        return super().result(gradients, errors, loss)


@fault("the biases' gradients are forgotten", shows={"dense": GRADIENTS, "conv": GRADIENTS}, spares=[])
class BiasGradientForgotten(Backend):
    def bias_gradient(self, summed, constant):
        return np.zeros_like(summed)


@fault("the learning rate is always 0.1", shows={"dense-slow": ONLINE}, spares=["dense", "conv"])
class RateAlwaysATenth(Backend):
    def read(self, entry, arrays):
        super().read({**entry, "online": {**entry["online"], "learning_rate": 0.1}}, arrays)


@fault("the optimiser has a weight decay of 1e-4", shows={"dense": ONLINE, "dense-one-step": ONLINE}, spares=[])
class WeightDecay(Backend):
    def update(self, gradients):
        super().update({name: value + 1e-4 * self.parameters[name] for name, value in gradients.items()})


@fault("gradients are clipped to ± 0.01", shows={"dense": ONLINE, "conv": ONLINE}, spares=[])
class GradientsClipped(Backend):
    def update(self, gradients):
        super().update({name: np.clip(value, -0.01, 0.01) for name, value in gradients.items()})


@fault(
    "weights are standardised once, before the sequence: what was learned since is not",
    shows={"dense-standardised": ONLINE, "conv-standardised": ONLINE},
    spares=["dense", "conv"],
)
class StandardisedOnce(Backend):
    def read(self, entry, arrays):
        self.used = {}
        super().read(entry, arrays)

    def weight(self, operation, name):
        if operation["type"] != "WeightStandardised":
            return super().weight(operation, name)
        return self.used.setdefault(name, super().weight(operation, name))


class NotLearned(Backend):
    """Online, parameters of one name stay as they are."""

    word = None

    def update(self, gradients):
        super().update({name: value * (not name.endswith(self.word)) for name, value in gradients.items()})


@fault(
    "the gains of standardised weights are not learned online",
    shows={"dense-standardised": ONLINE, "conv-standardised": ONLINE},
    spares=["dense", "conv-residual"],
)
class GainsNotLearned(NotLearned):
    word = ".gain"


@fault("SkipInit's gain is not learned online", shows={"conv-residual": ONLINE}, spares=["dense", "conv-standardised"])
class SkipGainNotLearned(NotLearned):
    word = ".skip_gain"


@fault("biases are not learned online", shows={"dense": ONLINE, "conv": ONLINE}, spares=[])
class BiasesNotLearned(NotLearned):
    word = ".bias"
