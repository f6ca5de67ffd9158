"""Mistakes in what connections deliver, and in how errors come back by them."""

from dataclasses import replace

import numpy as np

from ..numpy_backend import INPUTS, Backend
from .catalogue import ALL_BUT_RATES, BPTT, FORWARD, GRADIENTS, OTTT, RATES, SURROGATE, fault


@fault(
    "each layer hears the layer below one time step late",
    shows={"dense": FORWARD, "skip": FORWARD, "conv": FORWARD},
    spares=[],
)
class LayersLate(Backend):
    def delivered(self, connection, x, now, before):
        return x if connection.source == INPUTS else before.outputs[connection.source]


@fault(
    "recurrent and feedback connections deliver the spikes of two time steps before",
    shows={"recurrent": FORWARD, "feedback": FORWARD, "conv-feedback": FORWARD},
    spares=["dense"],
)
class LoopsLate(Backend):
    def run(self):
        self.earlier = None
        return super().run()

    def step(self, before, x):
        now = super().step(before, x)
        self.earlier = before
        return now

    def delivered(self, connection, x, now, before):
        if connection.delayed:
            earlier = self.earlier or before
            return super().delivered(connection, x, now, earlier)
        return super().delivered(connection, x, now, before)


@fault(
    "delays are one time step too short",
    shows={"delays": FORWARD},
    spares=["dense", "recurrent", "feedback"],
)
class DelaysShort(Backend):
    def read(self, entry, arrays):
        super().read(entry, arrays)
        self.connections = [replace(c, delay=c.delay - (c.delay > c.delayed)) for c in self.connections]


@fault(
    "delays are not read",
    shows={"delays": FORWARD},
    spares=["dense", "recurrent", "feedback"],
)
class DelaysIgnored(Backend):
    def read(self, entry, arrays):
        super().read(entry, arrays)
        self.connections = [replace(c, delay=int(c.delayed)) for c in self.connections]


@fault(
    "OTTT and SLTT pair errors that come back late with what is now",
    shows={"delays": (*OTTT, "sltt")},
    spares=["dense", "recurrent", "skip"],
)
class LateErrorsNow(Backend):
    def lag(self, connection, k):
        return 0


@fault(
    "OTTT and SLTT have no errors that come back late",
    shows={"delays": (*OTTT, "sltt")},
    spares=["dense", "recurrent", "skip"],
)
class LateErrorsLost(Backend):
    def lag(self, connection, k):
        return k + 1000 * connection.delay


class Deaf(Backend):
    """Connections whose names hold `word` deliver nothing."""

    word = None

    def delivered(self, connection, x, now, before):
        given = super().delivered(connection, x, now, before)
        return np.zeros_like(given) if self.word in connection.name else given


@fault("recurrent connections deliver nothing", shows={"recurrent": FORWARD}, spares=["dense", "feedback"])
class RecurrentIgnored(Deaf):
    word = ".recurrent"


@fault(
    "feedback connections deliver nothing",
    shows={"feedback": FORWARD, "conv-feedback": FORWARD},
    spares=["dense", "recurrent"],
)
class FeedbackIgnored(Deaf):
    word = ".feedback"


@fault(
    "skips deliver nothing",
    shows={"skip": ALL_BUT_RATES, "dense-standardised": FORWARD, "conv-residual": FORWARD},
    spares=["dense", "feedback"],
)
class SkipIgnored(Deaf):
    word = ".skip"


@fault(
    "errors do not come back by skips",
    shows={"skip": SURROGATE},
    spares=["dense", "feedback"],
)
class SkipErrorsLost(Backend):
    def incoming(self, l, errors, later, output_error):
        everything = self.connections
        self.connections = [c for c in everything if ".skip" not in c.name]
        total = super().incoming(l, errors, later, output_error)
        self.connections = everything
        return total


@fault(
    "BPTT's errors do not come back by recurrent and feedback connections",
    shows={"recurrent": BPTT, "feedback": BPTT, "conv-feedback": BPTT},
    spares=["dense", "skip"],
)
class LoopErrorsLost(Backend):
    def incoming(self, l, errors, later, output_error):
        return super().incoming(l, errors, None, output_error)


@fault(
    "OTTT and SLTT send errors back by recurrent and feedback connections, within the time step",
    shows={"recurrent": (*OTTT, "sltt"), "feedback": (*OTTT, "sltt")},
    spares=["dense", "skip"],
)
class LoopErrorsAtOnce(Backend):
    def errors(self, step, output_error, later=None, kept=False):
        self.alone = None
        if later is None:
            self.alone = super().errors(step, output_error)
        return super().errors(step, output_error, later, kept)

    def incoming(self, l, errors, later, output_error):
        return super().incoming(l, errors, later or self.alone, output_error)


@fault(
    "the weights of loops are paired with the spikes of the same time step",
    shows={"recurrent": SURROGATE, "feedback": SURROGATE, "conv-feedback": SURROGATE},
    spares=["dense", "skip"],
)
class LoopsPairedAtOnce(Backend):
    def step(self, before, x):
        now = super().step(before, x)
        for connection in self.connections:
            if connection.delayed:
                now.given[connection.name] = now.outputs[connection.source]
        return now


@fault(
    "errors go back through W, not its transpose",
    shows={"dense": GRADIENTS, "recurrent": (*BPTT, *RATES)},
    spares=["feedback", "skip", "conv"],
)
class NotTransposed(Backend):
    def dense_back(self, error, weight):
        square = weight.shape[0] == weight.shape[1]
        return super().dense_back(error, weight.T if square else weight)


@fault("biases are left out", shows={"dense": FORWARD, "conv": FORWARD, "zero-weights": FORWARD}, spares=[])
class BiasIgnored(Backend):
    def bias(self, name):
        return np.zeros(1, dtype=self.dtype)


class LoopBias(Backend):
    """Biases of recurrent and feedback connections, otherwise."""

    def of_loop(self, name):
        return ".recurrent" in name or ".feedback" in name


@fault(
    "recurrent and feedback connections have no bias",
    shows={"recurrent": FORWARD, "conv-feedback": FORWARD},
    spares=["dense", "feedback"],
)
class LoopBiasIgnored(LoopBias):
    def bias(self, name):
        return super().bias(name) * (not self.of_loop(name))


@fault(
    "the bias of a loop acts from t = 1 on, when there are spikes to deliver",
    shows={"recurrent": FORWARD, "conv-feedback": FORWARD},
    spares=["dense", "feedback"],
)
class LoopBiasLate(LoopBias):
    late = False

    def rest(self):
        self.late = True
        return super().rest()

    def step(self, before, x):
        now = super().step(before, x)
        self.late = False
        return now

    def bias(self, name):
        return super().bias(name) * (not (self.late and self.of_loop(name)))


@fault(
    "a loop's bias has no gradient where the loop delivers nothing, as at t = 0",
    shows={"recurrent": SURROGATE, "conv-feedback": SURROGATE},
    spares=["dense", "feedback"],
)
class LoopBiasGradientLate(Backend):
    def add_gradients(self, gradients, connection, error, values, constant):
        super().add_gradients(gradients, connection, error, values, constant)
        name = f"{connection.name}.bias"
        if connection.delayed and name in gradients:
            silent = error[~values.reshape(len(values), -1).any(axis=1)]
            gradients[name] -= constant * silent.sum(axis=(0, *range(2, error.ndim)))


@fault(
    "BPTT's errors come back by loops within the time step",
    shows={"feedback": BPTT, "conv-feedback": BPTT},
    spares=["dense", "skip"],
)
class BpttLoopErrorsAtOnce(Backend):
    """By feedback alone: a layer's error needs its own."""

    def errors(self, step, output_error, later=None, kept=False):
        if later is None:
            return super().errors(step, output_error)
        alone = super().errors(step, output_error, [np.zeros_like(error) for error in later], kept)
        self.alone = {l: error for l, error in enumerate(alone)}
        found = super().errors(step, output_error, later, kept)
        self.alone = None
        return found

    alone = None

    def incoming(self, l, errors, later, output_error):
        return super().incoming(l, errors, self.alone or later, output_error)


@fault(
    "a skip from the inputs delivers those of the time step before",
    shows={"dense-standardised": FORWARD},
    spares=["dense", "skip", "conv-residual"],
)
class SkippedInputsLate(Backend):
    earlier = None

    def run(self):
        self.earlier = None
        return super().run()

    def online(self, rule):
        self.earlier = None
        return super().online(rule)

    def step(self, before, x):
        now = super().step(before, x)
        self.earlier = x
        return now

    def delivered(self, connection, x, now, before):
        if connection.source == INPUTS and connection.target > 0:
            return np.zeros_like(x) if self.earlier is None else self.earlier
        return super().delivered(connection, x, now, before)
