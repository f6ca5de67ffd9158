"""Mistakes in what connections deliver, and in how errors come back by them."""

import numpy as np

from ..numpy_backend import INPUTS, Backend
from .catalogue import BPTT, FORWARD, GRADIENTS, OTTT, SURROGATE, fault


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


@fault("skips deliver nothing", shows={"skip": FORWARD}, spares=["dense", "feedback"])
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
    shows={"dense": GRADIENTS, "recurrent": BPTT},
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
