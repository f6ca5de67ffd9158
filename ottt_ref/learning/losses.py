"""Losses ℓ(o, y) of one output and one target, and their gradients ∂ℓ/∂o.

    CrossEntropy       ℓ = -Σ_c y_c log softmax(o)_c               ∂ℓ/∂o = softmax(o) - y
    MeanSquaredError   ℓ = (1/C) Σ_c (o_c - y_c)²                  ∂ℓ/∂o = 2 (o - y) / C
    Mixed              ℓ = (1 - α) CrossEntropy + α MeanSquaredError, the paper's, α = 0.05

A target is a class label, or a row of C numbers: any for the squared error, a distribution over the classes for the
cross-entropy. A sequence's loss is Σ_t L[t] with L[t] = ℓ(o[t], y) / T, the mean over the batch. With weights w and a
target for each time step it is L[t] = w[t] ℓ(o[t], y[t]) / T, the mean over the batch: nothing is renormalised, and
what has the weight 0 counts in the mean as a 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ..exactness import exact_kind, exact_values, is_rounded
from ..finite import NonFiniteError, allowed, is_finite, of_time_step, refuse_non_finite
from ..kernel import kernel
from ..network.network import Network
from ..validation import (
    FLOAT_DTYPES,
    as_array,
    describe_shape,
    require_array,
    require_choice,
    require_count,
    require_result,
    require_unit_interval,
    shown,
)
from .regularisers import FiringRate, Regulariser


@kernel
def cross_entropy(value, gradient, outputs, targets):
    for b in range(outputs.shape[0]):
        largest = 1.0 * float(outputs[b, 0])  # 1.0 *: compiled, float() of a float32 stays one
        for c in range(outputs.shape[1]):
            largest = max(largest, 1.0 * float(outputs[b, c]))
        normaliser = 0.0
        for c in range(outputs.shape[1]):
            normaliser += math.exp(float(outputs[b, c]) - largest)
        total = 0.0
        for c in range(outputs.shape[1]):
            shifted = float(outputs[b, c]) - largest
            total -= float(targets[b, c]) * (shifted - math.log(normaliser))
            gradient[b, c] = math.exp(shifted) / normaliser - float(targets[b, c])
        value[b] = total


@kernel
def squared_error(value, gradient, outputs, targets, classes):
    for b in range(outputs.shape[0]):
        value[b] = 0
        for c in range(outputs.shape[1]):
            difference = outputs[b, c] - targets[b, c]
            value[b] += difference * difference / classes[0]
            gradient[b, c] = (difference + difference) / classes[0]


class Loss:
    """What every loss offers: `evaluate(outputs, targets)` → per sample ℓ [B] and ∂ℓ/∂o [B, C].

    Outputs and targets are [B, C] of the network's dtype. A subclass of one's own defines `evaluate`, which a method
    tries on two samples before it starts, and says what it needs:

    rational       whether it has values in exact numbers too
    distribution   whether a row of targets must be a distribution over the classes

    >>> import numpy as np, ottt_ref as ot
    >>> class AbsoluteError(ot.losses.Loss):
    ...     rational, distribution = True, False
    ...     def evaluate(self, outputs, targets):
    ...         return abs(outputs - targets).sum(axis=1), np.sign(outputs - targets)
    >>> loss = AbsoluteError()
    >>> outputs, targets = np.array([[0.5, 2.0]]), np.array([[1.0, 0.0]])
    >>> loss.value(outputs, targets).tolist(), loss.gradient(outputs, targets).tolist()
    ([2.5], [[-1.0, 1.0]])
    """

    rational: bool = False
    distribution: bool = True

    def evaluate(self, outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """ℓ of each sample, [B], and ∂ℓ/∂o, [B, C], at outputs and targets [B, C]."""
        raise TypeError(f"{type(self).__name__} must define evaluate(outputs, targets)")

    def value(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """ℓ of each sample, [B]."""
        return self.evaluate(outputs, targets)[0]

    def gradient(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """∂ℓ/∂o of each sample, [B, C]."""
        return self.evaluate(outputs, targets)[1]


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """-Σ_c y_c log softmax(o)_c, in natural logarithms.

    Of two classes with odds of 3 to 1, for a sample of the second:

    >>> import numpy as np, ottt_ref as ot
    >>> outputs, targets = np.log([[3.0, 1.0]]), np.array([[0.0, 1.0]])
    >>> value, gradient = ot.losses.CrossEntropy().evaluate(outputs, targets)
    >>> value.round(4).tolist(), gradient.round(4).tolist()
    ([1.3863], [[0.75, -0.75]])
    """

    def evaluate(self, outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _require_pair(outputs, targets)
        value, gradient = _results(outputs)
        cross_entropy(value, gradient, outputs, targets)
        return _finite(value, gradient)


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """(1/C) Σ_c (o_c - y_c)². Also runs on exact numbers.

    >>> import ottt_ref as ot
    >>> outputs, targets = ot.exact_array([[1.5, 0.0, 0.0]]), ot.exact_array([[1, 0, 0]])
    >>> value, gradient = ot.losses.MeanSquaredError().evaluate(outputs, targets)
    >>> print(value[0], *gradient[0])
    1/12 1/3 0 0
    """

    rational = True
    distribution = False

    def evaluate(self, outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _require_pair(outputs, targets)
        outputs, targets = _as_fractions(outputs, targets)
        value, gradient = _results(outputs)
        squared_error(value, gradient, outputs, targets, np.array([outputs.shape[1]], dtype=outputs.dtype))
        return _finite(value, gradient)


@dataclass(frozen=True)
class Mixed(Loss):
    """(1 - mse_weight) CrossEntropy + mse_weight MeanSquaredError, with mse_weight in [0, 1].

    >>> import numpy as np, ottt_ref as ot
    >>> outputs, targets = np.log([[3.0, 1.0]]), np.array([[0.0, 1.0]])
    >>> for loss in (ot.losses.CrossEntropy(), ot.losses.MeanSquaredError(), ot.losses.Mixed(mse_weight=0.5)):
    ...     print(round(float(loss.value(outputs, targets)[0]), 4))
    1.3863
    1.1035
    1.2449
    """

    mse_weight: float = 0.05
    _cross_entropy: CrossEntropy = field(default=CrossEntropy(), init=False, repr=False)
    _squared_error: MeanSquaredError = field(default=MeanSquaredError(), init=False, repr=False)

    def __post_init__(self):
        require_unit_interval("mse_weight", self.mse_weight)

    def evaluate(self, outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cross_value, cross_gradient = self._cross_entropy.evaluate(outputs, targets)
        squared_value, squared_gradient = self._squared_error.evaluate(outputs, targets)
        share = float(self.mse_weight)  # a Python float leaves float32 arrays as they are
        return (
            (1 - share) * cross_value + share * squared_value,
            (1 - share) * cross_gradient + share * squared_gradient,
        )


ALL = (CrossEntropy, MeanSquaredError, Mixed)
__all__ = [
    "CrossEntropy",
    "FiringRate",
    "Loss",
    "MeanSquaredError",
    "Mixed",
    "Regulariser",
    "average_loss",
    "require_loss",
    "require_sample_weights",
    "require_targets",
    "require_weights",
    "sequence_loss",
    "step_loss",
]


def require_loss(loss: Loss, network: Network) -> Loss:
    """Check that `loss` is a loss and has values in the network's numbers.

    >>> import ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=0).exact()
    >>> ot.losses.require_loss(ot.losses.Mixed(), network)
    Traceback (most recent call last):
    TypeError: loss must be MeanSquaredError for a network of exact numbers, got Mixed(mse_weight=0.05)
    """
    if not isinstance(loss, Loss) or type(loss) is Loss:
        raise TypeError(f"loss must be a loss such as Mixed(mse_weight=0.05), got {loss!r}")
    if network.dtype.hasobject and not loss.rational:
        numbers = next(iter(network.parameters.values()))
        if not all(isinstance(number, float | np.floating) for number in numbers.flat):
            raise TypeError(f"loss must be MeanSquaredError for a network of exact numbers, got {loss!r}")
    if type(loss) not in ALL:
        _try(loss, network)
    return loss


def _try(loss, network):
    """Evaluate a loss that is not built in on two samples: what it returns must fit."""
    outputs = np.full((2, network.output_size), network.number(0), dtype=network.dtype)
    targets = outputs.copy()
    targets[:, 0] = network.number(1)
    _evaluated(loss, outputs, targets)


def require_targets(
    loss: Loss, targets: npt.ArrayLike, batch_size: int, network: Network, time_steps: int | None = None
) -> np.ndarray:
    """Targets as rows of numbers [B, C] of the network's dtype; [T, B, C] where there is one for each time step.

    Takes class labels [B] (integers in 0 .. C-1) or rows [B, C]; given T, labels [T, B] or rows [T, B, C] as well.
    Raises TypeError or ValueError otherwise.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 4, 3], rng=0)
    >>> ot.losses.require_targets(ot.losses.Mixed(), np.array([2, 0]), 2, network).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    >>> labels = np.array([[2], [0]])
    >>> ot.losses.require_targets(ot.losses.Mixed(), labels, 1, network, time_steps=2).tolist()
    [[[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]]]
    """
    given, targets = targets, as_array("targets", targets)
    shape = (batch_size, network.output_size)
    shapes = [shape] if time_steps is None else [shape, (time_steps, *shape)]
    if targets.dtype.kind in "iu" and (targets.ndim == 1 or targets.shape in [rows[:-1] for rows in shapes]):
        return _one_hot(targets, shapes, network)
    if targets.shape not in shapes or targets.dtype != network.dtype:
        _refuse(given, targets, shapes, network)
    rows = require_array("targets", targets, targets.shape, network.dtype)
    rows = network.require_own_numbers("targets", rows) + network.number(0)
    if loss.distribution and not (np.all(rows >= 0) and np.allclose(rows.sum(axis=-1).astype(float), 1, atol=1e-6)):
        raise ValueError(
            f"targets must be distributions over the classes (at least 0, rows summing to 1) for {loss!r}, got "
            f"rows that sum to {rows.sum(axis=-1).min()} .. {rows.sum(axis=-1).max()}, least entry {rows.min()}"
        )
    return rows


def require_weights(
    weights: npt.ArrayLike | None, time_steps: int, batch_size: int, network: Network
) -> np.ndarray | None:
    """The weights of time steps and samples as numbers [T, B] of the network's dtype; None for None.

    Takes [T] or [T, B] truth values, whole numbers or numbers of the network's dtype, any finite ones, or "last": the
    last time step alone. Raises TypeError or ValueError otherwise.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 4, 3], rng=0)
    >>> ot.losses.require_weights([True, False], 2, 3, network).tolist()
    [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    >>> ot.losses.require_weights("last", 3, 1, network).ravel().tolist()
    [0.0, 0.0, 1.0]
    """
    if weights is None:
        return None
    if isinstance(weights, str):
        require_choice("weights", weights, ("last",))
        weights = np.arange(time_steps) == time_steps - 1
    found = _numbers_of_shape(weights, [(time_steps,), (time_steps, batch_size)], "a mask or numbers", network)
    if found.ndim == 1:
        found = np.repeat(found[:, np.newaxis], batch_size, axis=1)
    return found


def require_sample_weights(weights: npt.ArrayLike | None, batch_size: int, network: Network) -> np.ndarray | None:
    """The weights of the samples of one time step, [B], as `require_weights` gives them; None for None.

    >>> import ottt_ref as ot
    >>> ot.losses.require_sample_weights([0, 2], 2, ot.dense_network([2, 4, 3], rng=0)).tolist()
    [0.0, 2.0]
    """
    return None if weights is None else _numbers_of_shape(weights, [(batch_size,)], "a mask or numbers", network)


def _numbers_of_shape(weights, shapes, kind, network):
    """Weights of one of the shapes as numbers of the network's; TypeError or ValueError that lists the shapes."""
    array = as_array("weights", weights)
    dtype = "object" if network.dtype.hasobject else str(network.dtype)
    wanted = f"weights must be {kind} {' or '.join(map(describe_shape, shapes))} of {dtype}"
    if array.dtype.kind not in "biu" and array.dtype != network.dtype:
        raise TypeError(f"{wanted}, got {shown(weights if array.ndim == 0 else array)}")
    if array.shape not in shapes:
        raise ValueError(f"{wanted}, got shape {array.shape}{_weights_advice(array.shape, shapes)}")
    if array.dtype.kind in "biu":
        numbers = np.empty(array.shape, dtype=network.dtype)
        for index, number in np.ndenumerate(array):
            numbers[index] = network.number(int(number))
        return numbers
    array = require_array("weights", array, array.shape, network.dtype)
    return network.require_own_numbers("weights", array).copy()


def _weights_advice(shape, shapes):
    """What to do with weights of another shape, where that can be told: they may be [B, T], or lengths [B]."""
    whole = next((each for each in shapes if len(each) == 2), None)
    if whole is not None and shape == whole[::-1]:
        return ": weights.T are those, time first"
    if whole is not None and shape == whole[1:]:
        return (
            f": np.tile(weights, ({whole[0]}, 1)) if each is of a whole sample; where they are the lengths of the "
            f"sequences, np.arange({whole[0]})[:, np.newaxis] < weights is the mask"
        )
    return ""


def sequence_loss(
    loss: Loss,
    outputs: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray | None = None,
    time_steps: int | None = None,
) -> tuple[float | np.floating | Fraction, np.ndarray]:
    """Σ_t w[t] ℓ(o[t], y[t]) / T, mean over the batch, and its gradient at the outputs [T, B, C].

    targets     rows [B, C], the same at each time step, or [T, B, C]
    weights     w, [T, B]; 1 if not given
    time_steps  what the sum is divided by; the number of time steps if not given

    >>> import ottt_ref as ot
    >>> outputs, targets = ot.exact_array([[[3]], [[1]]]), ot.exact_array([[2]])
    >>> total, gradient = ot.losses.sequence_loss(ot.losses.MeanSquaredError(), outputs, targets)
    >>> print(total, *gradient.flat)
    1 1 -1
    >>> weights = ot.exact_array([[0], [1]])
    >>> total, gradient = ot.losses.sequence_loss(ot.losses.MeanSquaredError(), outputs, targets, weights)
    >>> print(total, *gradient.flat)
    1/2 0 -1
    """
    _require_sequence(outputs, targets, each_step=True)
    if weights is not None:
        require_result("weights", weights, outputs.shape[:2], outputs.dtype, "be")
    divisor = len(outputs) if time_steps is None else time_steps
    gradient = np.empty_like(outputs)
    total: Any = 0
    for t in range(len(outputs)):
        with of_time_step(t):
            each = targets if targets.ndim == 2 else targets[t]
            step_value, gradient[t] = step_loss(
                loss, outputs[t], each, divisor, None if weights is None else weights[t]
            )
        total = total + step_value
    return total, gradient


@kernel
def weigh(value, gradient, weights):
    """ℓ and ∂ℓ/∂o times w, in place."""
    for b in range(gradient.shape[0]):
        value[b] = weights[b] * value[b]
        for c in range(gradient.shape[1]):
            gradient[b, c] = weights[b] * gradient[b, c]


def step_loss(
    loss: Loss, outputs: np.ndarray, targets: np.ndarray, time_steps: int, weights: np.ndarray | None = None
) -> tuple[float | np.floating | Fraction, np.ndarray]:
    """L[t] = w[t] ℓ(o[t], y) / T, mean over the batch, and its gradient at the outputs of the step, [B, C].

    weights  w[t], [B]; 1 if not given

    >>> import ottt_ref as ot
    >>> outputs, targets = ot.exact_array([[3], [1]]), ot.exact_array([[2], [1]])
    >>> value, gradient = ot.losses.step_loss(ot.losses.MeanSquaredError(), outputs, targets, time_steps=4)
    >>> print(value, *gradient.flat)
    1/8 1/4 0
    """
    if not isinstance(loss, Loss):
        raise TypeError(f"loss must be a loss such as Mixed(mse_weight=0.05), got {loss!r}")
    require_count("time_steps", time_steps)
    _require_pair(outputs, targets)
    value, gradient = _evaluated(loss, outputs, targets)
    if weights is not None:
        require_result("weights", weights, outputs.shape[:1], outputs.dtype, "be")
        value, gradient = value.copy(), gradient.copy()  # a loss of one's own may keep what it gave
        weigh(value, gradient, weights)
    scale = time_steps * len(outputs)
    total = 0
    for b in range(len(outputs)):  # one after the other: numpy's pairwise sum differs between dtypes
        total = total + value[b]
    if isinstance(total, float | np.floating) and not math.isfinite(total) and not allowed():
        raise NonFiniteError("sum of the losses of a batch", total)
    return total / scale, gradient / scale


def _evaluated(loss: Loss, outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`loss.evaluate`; of a loss that is not built in what comes is checked, and it is given copies to work on.

    Raises TypeError or ValueError.
    """
    if type(loss) in ALL:
        return loss.evaluate(outputs, targets)
    found = loss.evaluate(outputs.copy(), targets.copy())
    wanted = {"the values [B]": outputs.shape[:1], "the gradients [B, C]": outputs.shape}
    if not isinstance(found, tuple) or len(found) != 2:
        raise TypeError(f"loss.evaluate must return {' and '.join(wanted)}, got {found!r}")
    for (what, shape), array in zip(wanted.items(), found):
        plain = isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray)
        if not plain or array.shape != shape or array.dtype != outputs.dtype:
            got = f"{array.dtype} {list(array.shape)}" if plain else repr(array)
            raise ValueError(f"loss.evaluate must return {what} as {outputs.dtype} {list(shape)}, got {got}")
    refuse_non_finite("loss", found[0])
    refuse_non_finite("gradient of the loss at the outputs", found[1])
    if exact_kind({"outputs": outputs, "targets": targets}) is None:
        return found
    for number in (number for array in found for number in array.flat):
        if is_rounded(number):
            raise TypeError(f"loss.evaluate must give exact numbers for exact numbers, got the float {number!r}")
    return exact_values(found[0]), exact_values(found[1])


def _require_pair(outputs, targets):
    """Check that both are [B, C] of one dtype: what kernels trust."""
    _require_outputs(outputs, 2, "[B, C]")
    require_result("targets", targets, outputs.shape, outputs.dtype, "be")


def _require_sequence(outputs, targets, each_step=False):
    """Check outputs [T, B, C] and targets [B, C], or with `each_step` also [T, B, C]."""
    _require_outputs(outputs, 3, "[T, B, C]")
    if not (each_step and isinstance(targets, np.ndarray) and targets.ndim == 3):
        require_result("targets", targets, outputs.shape[1:], outputs.dtype, "be")
    else:
        require_result("targets", targets, outputs.shape, outputs.dtype, "be")


def _require_outputs(outputs, axes, described):
    plain = isinstance(outputs, np.ndarray) and not isinstance(outputs, np.ma.MaskedArray)
    if not plain or outputs.dtype not in (*FLOAT_DTYPES, np.dtype(object)):
        raise TypeError(f"outputs must be an array {described} of numbers, got {outputs!r}")
    if outputs.ndim != axes or 0 in outputs.shape:
        raise ValueError(f"outputs must be {described} with each of at least 1, got shape {outputs.shape}")


def _as_fractions(outputs, targets):
    """Outputs and targets with fractions for whole numbers, where both are exact: ints would be divided to floats."""
    kind = exact_kind({"outputs": outputs, "targets": targets})
    return (outputs, targets) if kind is None else (exact_values(outputs, kind), exact_values(targets, kind))


def average_loss(
    loss: Loss, outputs: np.ndarray, targets: np.ndarray
) -> tuple[float | np.floating | Fraction, np.ndarray]:
    """ℓ of the time-averaged output, mean over the batch, and its gradient at the outputs [T, B, C].

    The same outputs as in `sequence_loss`: their average is right, and nothing is left to learn.

    >>> import ottt_ref as ot
    >>> outputs, targets = ot.exact_array([[[3]], [[1]]]), ot.exact_array([[2]])
    >>> total, gradient = ot.losses.average_loss(ot.losses.MeanSquaredError(), outputs, targets)
    >>> print(total, *gradient.flat)
    0 0 0
    """
    _require_sequence(outputs, targets)
    outputs, targets = _as_fractions(outputs, targets)
    time_steps = len(outputs)
    summed = targets - targets  # zeros of the network's kind: a count of exact spikes, an int, over T would be rounded
    for t in range(time_steps):  # one after the other: numpy's pairwise sum differs between dtypes
        summed = summed + outputs[t]
    total, gradient = step_loss(loss, summed / time_steps, targets, 1)
    return total, np.repeat(gradient[np.newaxis] / time_steps, time_steps, axis=0)


def _refuse(given, targets, shapes, network):
    """Raise for targets that are neither labels nor rows of the network's numbers of one of the shapes, with advice."""
    kind = "object" if network.dtype.hasobject else str(network.dtype)
    shape = shapes[0]
    wanted = f"targets must be integer class labels [{shape[0]}] or rows {describe_shape(shape)} of {kind}"
    for each in shapes[1:]:
        wanted += f", or for each time step labels {describe_shape(each[:-1])} or rows {describe_shape(each)}"
    if targets.ndim == 0:
        raise TypeError(f"{wanted}, got {shown(given)}")
    right_kind = targets.dtype == network.dtype or (targets.dtype.kind in "iu" and targets.shape != shape)
    raise (ValueError if right_kind and targets.ndim > 1 else TypeError)(
        f"{wanted}, got {shown(targets)}{_advice(targets, shapes, kind)}"
    )


def _advice(targets, shapes, kind):
    """What whoever gave these targets may have meant."""
    shape = shapes[0]
    batch, _ = shape
    numbers, whole = targets.dtype.kind in "biuf", targets.dtype.kind in "biu"
    if targets.shape in shapes and numbers:
        return ": ot.exact_array(targets) are rows" if kind == "object" else f": targets.astype(np.{kind}) are rows"
    if targets.shape in [rows[:-1] for rows in shapes] and numbers:
        return ": targets.astype(int) are labels"
    if targets.shape == (batch, 1) and whole:
        return ": targets[:, 0] are labels"
    if targets.shape == shape[::-1]:
        return ": targets.T are rows"
    if whole and targets.shape in [rows[-2::-1] for rows in shapes[1:]]:
        return ": targets.T are labels, time first"
    if len(shapes) == 1 and targets.ndim == (2 if whole else 3) and targets.shape[1] == batch:
        return ": a sample has one target here, which is the same at every time step"
    return ""


def _one_hot(labels, shapes, network):
    if labels.shape not in [rows[:-1] for rows in shapes]:
        wanted = " or ".join(describe_shape(rows[:-1]) for rows in shapes)
        raise ValueError(
            f"targets must be {wanted} class labels for this batch, got shape {labels.shape}: the inputs "
            "of a sequence are [T, B, ...], time first"
        )
    outside = (labels < 0) | (labels >= network.output_size)
    if outside.any():
        index = [int(number) for number in np.argwhere(outside)[0]]
        raise ValueError(
            f"targets must be labels in 0 .. {network.output_size - 1}, got {labels[tuple(index)]} at index {index}"
            f"{': what has no target takes any label, and the weight 0' if labels[tuple(index)] < 0 else ''}"
        )
    rows = np.full((*labels.shape, network.output_size), network.number(0), dtype=network.dtype)
    rows.reshape(-1, network.output_size)[np.arange(labels.size), labels.reshape(-1)] = network.number(1)
    return rows


def _finite(value, gradient):
    """Both, of a loss of ours: where the value is finite, so is its gradient. NonFiniteError unless allowed."""
    if not is_finite(value):
        refuse_non_finite("loss", value)
    return value, gradient


def _results(outputs):
    return np.empty(len(outputs), dtype=outputs.dtype), np.empty_like(outputs)
