"""Losses ℓ(o, y) of one output and one target, and their gradients ∂ℓ/∂o.

    CrossEntropy       ℓ = -Σ_c y_c log softmax(o)_c               ∂ℓ/∂o = softmax(o) - y
    MeanSquaredError   ℓ = (1/C) Σ_c (o_c - y_c)²                  ∂ℓ/∂o = 2 (o - y) / C
    Mixed              ℓ = (1 - α) CrossEntropy + α MeanSquaredError, the paper's, α = 0.05

A target is a class label, or a row of C numbers: any for the squared error, a distribution over the classes for the
cross-entropy. A sequence's loss is Σ_t L[t] with L[t] = ℓ(o[t], y) / T, the mean over the batch.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from ..exactness import exact_kind, exact_values, is_rounded
from ..finite import NonFiniteError, allowed, is_finite, of_time_step, refuse_non_finite
from ..kernel import kernel
from ..network.network import Network
from ..validation import (
    FLOAT_DTYPES,
    as_array,
    describe_shape,
    require_array,
    require_count,
    require_result,
    require_unit_interval,
    shown,
)


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


def require_targets(loss: Loss, targets: np.ndarray, batch_size: int, network: Network) -> np.ndarray:
    """Targets as rows of numbers [B, C] of the network's dtype.

    Takes class labels [B] (integers in 0 .. C-1) or rows [B, C]. Raises TypeError or ValueError otherwise.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 4, 3], rng=0)
    >>> ot.losses.require_targets(ot.losses.Mixed(), np.array([2, 0]), 2, network).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    given, targets = targets, as_array("targets", targets)
    shape = (batch_size, network.output_size)
    if targets.ndim == 1 and targets.dtype.kind in "iu":
        return _one_hot(targets, batch_size, network)
    if targets.ndim != 2 or targets.shape != shape or targets.dtype != network.dtype:
        _refuse(given, targets, shape, network)
    rows = require_array("targets", targets, shape, network.dtype)
    rows = network.require_own_numbers("targets", rows) + network.number(0)
    if loss.distribution and not (np.all(rows >= 0) and np.allclose(rows.sum(axis=1).astype(float), 1, atol=1e-6)):
        raise ValueError(
            f"targets must be distributions over the classes (at least 0, rows summing to 1) for {loss!r}, got "
            f"rows that sum to {rows.sum(axis=1).min()} .. {rows.sum(axis=1).max()}, least entry {rows.min()}"
        )
    return rows


def sequence_loss(
    loss: Loss, outputs: np.ndarray, targets: np.ndarray
) -> tuple[float | np.floating | Fraction, np.ndarray]:
    """Σ_t ℓ(o[t], y) / T, mean over the batch, and its gradient at the outputs [T, B, C].

    >>> import ottt_ref as ot
    >>> outputs, targets = ot.exact_array([[[3]], [[1]]]), ot.exact_array([[2]])
    >>> total, gradient = ot.losses.sequence_loss(ot.losses.MeanSquaredError(), outputs, targets)
    >>> print(total, *gradient.flat)
    1 1 -1
    """
    _require_sequence(outputs, targets)
    time_steps = len(outputs)
    gradient = np.empty_like(outputs)
    total: Any = 0
    for t in range(time_steps):
        with of_time_step(t):
            step_value, gradient[t] = step_loss(loss, outputs[t], targets, time_steps)
        total = total + step_value
    return total, gradient


def step_loss(
    loss: Loss, outputs: np.ndarray, targets: np.ndarray, time_steps: int
) -> tuple[float | np.floating | Fraction, np.ndarray]:
    """L[t] = ℓ(o[t], y) / T, mean over the batch, and its gradient at the outputs of the step, [B, C].

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


def _require_sequence(outputs, targets):
    """Check outputs [T, B, C] and targets [B, C]."""
    _require_outputs(outputs, 3, "[T, B, C]")
    require_result("targets", targets, outputs.shape[1:], outputs.dtype, "be")


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


def _refuse(given, targets, shape, network):
    """Raise for targets that are neither labels [B] nor rows [B, C] of the network's numbers, with what to do."""
    kind = "object" if network.dtype.hasobject else str(network.dtype)
    wanted = f"targets must be integer class labels [{shape[0]}] or rows {describe_shape(shape)} of {kind}"
    if targets.ndim == 0:
        raise TypeError(f"{wanted}, got {shown(given)}")
    right_kind = targets.dtype == network.dtype or (targets.dtype.kind in "iu" and targets.shape != shape)
    raise (ValueError if right_kind and targets.ndim > 1 else TypeError)(
        f"{wanted}, got {shown(targets)}{_advice(targets, shape, kind)}"
    )


def _advice(targets, shape, kind):
    """What whoever gave these targets may have meant."""
    batch, _ = shape
    numbers, whole = targets.dtype.kind in "biuf", targets.dtype.kind in "biu"
    if targets.shape == shape and numbers:
        return ": ot.exact_array(targets) are rows" if kind == "object" else f": targets.astype(np.{kind}) are rows"
    if targets.shape == (batch,) and numbers:
        return ": targets.astype(int) are labels"
    if targets.shape == (batch, 1) and whole:
        return ": targets[:, 0] are labels"
    if targets.shape == shape[::-1]:
        return ": targets.T are rows"
    if targets.ndim == (2 if whole else 3) and targets.shape[1] == batch:
        return ": a sample has one target, which is the same at every time step"
    return ""


def _one_hot(labels, batch_size, network):
    if labels.shape != (batch_size,):
        raise ValueError(
            f"targets must be [{batch_size}] class labels for this batch, got shape {labels.shape}: the inputs "
            "of a sequence are [T, B, ...], time first"
        )
    outside = (labels < 0) | (labels >= network.output_size)
    if outside.any():
        b = int(np.argmax(outside))
        raise ValueError(f"targets must be labels in 0 .. {network.output_size - 1}, got {labels[b]} at index [{b}]")
    rows = np.full((batch_size, network.output_size), network.number(0), dtype=network.dtype)
    rows[np.arange(batch_size), labels] = network.number(1)
    return rows


def _finite(value, gradient):
    """Both, of a loss of ours: where the value is finite, so is its gradient. NonFiniteError unless allowed."""
    if not is_finite(value):
        refuse_non_finite("loss", value)
    return value, gradient


def _results(outputs):
    return np.empty(len(outputs), dtype=outputs.dtype), np.empty_like(outputs)
