"""Traps of the loss: sums in place of means, factors, another loss."""

from dataclasses import dataclass

import numpy as np

from ...learning import losses
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


def share_of_squared_error(loss):
    """1 for the squared error, 0 for the cross-entropy, and between them for a mixture."""
    share = {losses.CrossEntropy: 0.0, losses.MeanSquaredError: 1.0}.get(type(loss))
    return loss.mse_weight if share is None else share


def _mixture(share_from):
    """Loss → the mixture whose squared error has a share that is a function of the right one."""

    def vary(loss):
        share = share_from(share_of_squared_error(loss))

        def change(outputs, targets, gradient):
            parts = losses.CrossEntropy(), losses.MeanSquaredError()
            cross, squared = (part.gradient(outputs, targets) for part in parts)
            return (1 - share) * cross + share * squared

        return VariedLoss(loss, change)

    return vary


def _squared_share(factor):
    """Loss → Loss whose squared error is multiplied by a function of the number of classes."""

    def vary(loss):
        share = share_of_squared_error(loss)

        def change(outputs, targets, gradient):
            more = share * (factor(outputs.shape[1]) - 1)
            return gradient + more * losses.MeanSquaredError().gradient(outputs, targets)

        return VariedLoss(loss, change)

    return vary


def _averaged_cross_entropy(loss):
    share = share_of_squared_error(loss)

    def change(outputs, targets, gradient):
        less = (1 - share) * (1 - 1 / outputs.shape[1])
        return gradient - less * losses.CrossEntropy().gradient(outputs, targets)

    return VariedLoss(loss, change)


def _softmax(outputs):
    shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _through_softmax(once, error):
    """The error at the outputs from that at their softmax."""
    return once * (error - (once * error).sum(axis=1, keepdims=True))


def _softmax_twice(loss):
    share = share_of_squared_error(loss)

    def change(outputs, targets, gradient):
        once = _softmax(outputs)
        through = _through_softmax(once, losses.CrossEntropy().gradient(once, targets))
        return (1 - share) * through + share * losses.MeanSquaredError().gradient(outputs, targets)

    return VariedLoss(loss, change)


def _squared_of_softmax(loss):
    share = share_of_squared_error(loss)

    def change(outputs, targets, gradient):
        once = _softmax(outputs)
        squared = losses.MeanSquaredError()
        through = _through_softmax(once, squared.gradient(once, targets))
        return gradient + share * (through - squared.gradient(outputs, targets))

    return VariedLoss(loss, change)


def _hardened(loss):
    def change(outputs, targets, gradient):
        hard = np.zeros_like(targets)
        hard[np.arange(len(targets)), targets.argmax(axis=1)] = 1
        return loss.gradient(outputs, hard)

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
        Variation("cross-entropy-averaged", "the cross-entropy is divided by the number of classes", "loss",
                  loss=_averaged_cross_entropy),
        Variation("squared-error-left-out", "the mixed loss is the cross-entropy alone", "loss",
                  loss=_mixture(lambda share: 0.0)),
        Variation("cross-entropy-left-out", "the loss is the squared error alone", "loss",
                  loss=_mixture(lambda share: 1.0)),
        Variation("softmax-twice", "the cross-entropy is taken of outputs that went through a softmax", "loss",
                  loss=_softmax_twice),
        Variation("squared-error-of-softmax", "the squared error is taken of the softmax of the outputs", "loss",
                  loss=_squared_of_softmax),
        Variation("shares-exchanged", "the mixed loss gives each part the other's share", "loss",
                  loss=_mixture(lambda share: 1 - share)),
        Variation("loss-of-paper", "the loss is the paper's: 0.95 cross-entropy + 0.05 squared error", "loss",
                  loss=_mixture(lambda share: 0.05)),
        Variation("targets-hardened", "soft targets are taken for the label of their largest entry", "loss",
                  loss=_hardened),
        Variation("loss-divided-by-6", "the loss is divided by 6, whatever T is", "loss", loss=scaled(steps / 6)),
        Variation("last-step-alone", "only the last time step's loss counts, without 1 / T", "loss",
                  steps=lambda loss, outputs, targets, errors: len(errors) * _last(errors)),
        Variation("last-step-alone", "only the last time step's loss counts", "loss",
                  steps=lambda loss, outputs, targets, errors: _last(errors)),
        Variation("loss-of-average", "the loss is that of the time-averaged output", "loss",
                  steps=lambda loss, outputs, targets, errors: losses.average_loss(loss, outputs, targets)[1]),
        *_time_step_traps(case),
    )  # fmt: skip


def _time_step_traps(case):
    """Variations of what is said of single time steps, in the cases where something is."""
    steps, batch, divisor, weights = (
        case.entry["time_steps"], case.entry["batch_size"], case.loss_time_steps, case.weights,
    )  # fmt: skip
    found = []
    if weights is not None:
        by_sample = np.maximum(weights.sum(axis=0), np.finfo(weights.dtype).tiny)[:, np.newaxis]
        unweighted = losses.sequence_loss
        found += [
            Variation(
                "weights-renormalised",
                "the loss is divided by the sum of the weights, not by T and B",
                "loss",
                steps=lambda loss, outputs, targets, errors: errors * (divisor * batch / weights.sum()),
            ),
            Variation(
                "weights-renormalised",
                "each sample's loss is divided by the sum of its weights, not by T",
                "loss",
                steps=lambda loss, outputs, targets, errors: errors * (divisor / by_sample),
            ),
            Variation(
                "weights-left-out",
                "the weights are left out",
                "loss",
                steps=lambda loss, outputs, targets, errors: unweighted(loss, outputs, targets, None, divisor)[1],
            ),
        ]
    if divisor != steps:
        found.append(
            Variation(
                "loss-of-chunk",
                "the loss is divided by the number of time steps, not by the T given",
                "loss",
                steps=lambda loss, outputs, targets, errors: errors * (divisor / steps),
            )
        )
    if "targets of each step" in case.features:
        found += [
            Variation(
                f"targets-of-{word}-step",
                f"the targets of the {word} time step are taken at each",
                "loss",
                steps=lambda loss, outputs, targets, errors, t=t: losses.sequence_loss(
                    loss, outputs, targets[t], weights, divisor
                )[1],
            )
            for word, t in (("first", 0), ("last", -1))
        ]
    return tuple(found)  # fmt: skip


def _last(errors):
    result = np.zeros_like(errors)
    result[-1] = errors[-1]
    return result
