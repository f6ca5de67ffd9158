"""Traps of the loss: sums in place of means, factors, another loss."""

from dataclasses import dataclass

import numpy as np

from ... import losses
from ..variations import Variation


@dataclass(frozen=True)
class VariedLoss(losses.Loss):
    """A loss whose gradient at the outputs is some function of outputs, targets and the right loss."""

    right: losses.Loss
    change: object

    @property
    def distribution(self):
        return self.right.distribution

    def evaluate(self, outputs, targets):
        value, gradient = self.right.evaluate(outputs, targets)
        return value, np.asarray(self.change(outputs, targets, gradient), dtype=outputs.dtype)


def with_loss(change):
    """Loss → Loss with another gradient."""
    return lambda loss: VariedLoss(loss, change)


def _squared_share(factor):
    """Loss → Loss whose squared error is multiplied by a function of the number of classes."""

    def vary(loss):
        share = {losses.CrossEntropy: 0.0, losses.MeanSquaredError: 1.0}.get(type(loss))
        share = loss.mse_weight if share is None else share
        squared = losses.MeanSquaredError()

        def change(outputs, targets, gradient):
            classes = outputs.shape[1]
            return gradient + share * (factor(classes) - 1) * squared.gradient(outputs, targets)

        return VariedLoss(loss, change)

    return vary


def _softmax_twice(loss):
    share = {losses.CrossEntropy: 0.0, losses.MeanSquaredError: 1.0}.get(type(loss))
    share = loss.mse_weight if share is None else share
    cross, squared = losses.CrossEntropy(), losses.MeanSquaredError()

    def change(outputs, targets, gradient):
        shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        once = shifted / shifted.sum(axis=1, keepdims=True)
        at_once = cross.gradient(once, targets)
        through = once * (at_once - (once * at_once).sum(axis=1, keepdims=True))
        return (1 - share) * through + share * squared.gradient(outputs, targets)

    return VariedLoss(loss, change)


def loss_traps(case):
    """Variations of the loss: sums in place of means, factors, another loss."""
    steps, batch = case.entry["time_steps"], case.entry["batch_size"]

    def scaled(factor):
        return with_loss(lambda outputs, targets, gradient: factor * gradient)

    return (
        Variation("loss-summed-over-batch", "the loss is summed over the batch, not averaged", "loss",
                  loss=scaled(batch)),
        Variation("loss-summed-over-time", "the loss is summed over the time steps, without 1 / T", "loss",
                  loss=scaled(steps)),
        Variation("loss-summed", "the loss is summed over the batch and the time steps", "loss",
                  loss=scaled(batch * steps)),
        Variation("loss-halved", "the loss is halved", "loss", loss=scaled(0.5)),
        Variation("loss-negative", "gradients have the other sign", "loss", loss=scaled(-1.0)),
        Variation("squared-error-summed", "the squared error is summed over the classes, not averaged", "loss",
                  loss=_squared_share(lambda classes: classes)),
        Variation("squared-error-halved", "the squared error has a factor 1/2", "loss",
                  loss=_squared_share(lambda classes: 0.5)),
        Variation("squared-error-half-sum", "the squared error is half the sum over the classes", "loss",
                  loss=_squared_share(lambda classes: classes / 2)),
        Variation("squared-error-left-out", "the mixed loss is the cross-entropy alone", "loss",
                  loss=lambda loss: losses.CrossEntropy()),
        Variation("cross-entropy-left-out", "the loss is the squared error alone", "loss",
                  loss=lambda loss: losses.MeanSquaredError()),
        Variation("softmax-twice", "the cross-entropy is taken of outputs that went through a softmax", "loss",
                  loss=_softmax_twice),
        Variation("last-step-alone", "only the last time step's loss counts, without 1 / T", "loss",
                  steps=lambda errors: _last(errors) * len(errors)),
        Variation("last-step-alone", "only the last time step's loss counts", "loss", steps=_last),
    )  # fmt: skip


def _last(errors):
    result = np.zeros_like(errors)
    result[-1] = errors[-1]
    return result
