"""Updates, the module `ottt_ref.training`: optimisers, and schedules of their learning rate.

>>> import numpy as np, ottt_ref as ot
>>> network = ot.dense_network([2, 8, 2], rng=0)
>>> inputs, labels = np.ones((6, 2, 2)) * [[1, 0], [0, 1]], np.array([0, 1])
>>> optimizer, schedule = ot.training.SGD(), ot.training.CosineSchedule(learning_rate=0.1, total=20)
>>> losses = []
>>> for epoch in range(20):
...     optimizer.learning_rate = schedule.at(epoch)
...     gradients = ot.ottt.gradients(network, inputs, labels)
...     optimizer.step(network.parameters, gradients)
...     losses.append(gradients.loss)
>>> bool(losses[-1] < losses[0] / 4)
True
"""

from .optimisers import SGD, Adam, Optimizer, require_optimizer
from .schedules import CosineSchedule

__all__ = ["SGD", "Adam", "CosineSchedule", "Optimizer", "require_optimizer"]
