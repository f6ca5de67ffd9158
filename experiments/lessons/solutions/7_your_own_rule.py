"""Solutions of the exercises of lesson 7."""

import numpy as np
from exercises import lesson

from ottt_ref import methods

lesson_7 = lesson("7_your_own_rule")


class SLTT(lesson_7.Trace):
    """The error is multiplied by the spikes of the same time step. (`methods.Rule` as it stands does the same.)"""

    def presynaptic(self, connection, activity):
        return activity.presynaptic(connection)


lesson_7.exercise_1(SLTT)


class ShortMemory(methods.Rule):
    """The error is multiplied by s[t] + λ s[t-1]."""

    def __init__(self, network, batch_size):
        super().__init__(network, batch_size)
        self.decay, self.paired = network.decay(0), {}
        for c in network.connections:
            self.state[c.name] = np.zeros((batch_size, *network.shape_of(c.source)), network.dtype)

    def advance(self, activity):
        for c in self.network.connections:
            self.paired[c.name] = activity.presynaptic(c) + self.decay * self.state[c.name]
            self.state[c.name][...] = activity.presynaptic(c)

    def presynaptic(self, connection, activity):
        return self.paired[connection.name]


lesson_7.exercise_2(ShortMemory)
