"""What is trained on what: a network that fires at a chosen rate, on random spikes, the same for every peer.

Spikes are 0 or 1 and weights are whole multiples of a power of two, so small that every sum of them that a neuron can
see is exact in single precision, in whatever order it is added up. And what is drawn is drawn anew until no potential
lies on the threshold, and single and double precision spike alike. So no spike depends on how a peer rounds: where two
peers agree on the equations every spike is the same, and a peer is right or wrong.

Where parameters change after each time step (OTTT_O) sums cannot stay exact: there no potential comes near the
threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np

import ottt_ref as ot

DECAY, THRESHOLD, ALPHA = 0.5, 1.0, 4.0  # the paper's; peers read them off the workload
LEARNING_RATE = 1e-3  # small: rates stay what they are while the same batch is learned again and again
CHECKED_ONLINE = 0.1  # of OTTT_O where it is checked: what is learned can be read off weights of single precision
KERNEL, POOL = 3, 2  # windows of the convolutions, and of the average pooling behind each
SIGNIFICAND = np.finfo(np.float32).nmant + 1  # bits
MARGIN = 3e-6  # of OTTT_O: single precision moves its potentials by some 1e-7
TRIES = 200  # drawings; more than a few are rare
RESETS = ("soft", "unleaked")  # the networks' own, and snnTorch's


@dataclass(frozen=True)
class Task:
    """A workload in numbers; `draw` makes the arrays.

    name         what it is called
    input_shape  (n_in,), or (C, H, W): then the hidden layers are convolutions 3 x 3, each followed by pooling
    hidden       neurons of each hidden layer, or channels
    classes      outputs of the readout, which is linear and dense
    batch        samples, B
    time_steps   T
    online       whether to update after each time step (OTTT_O), and to give times per time step
    rate         the share of inputs and neurons that fire in a time step
    dtype        "float32" or "float64"
    seed         of weights, inputs and labels
    """

    name: str
    input_shape: tuple[int, ...] = (784,)
    hidden: tuple[int, ...] = (512, 512)
    classes: int = 10
    batch: int = 128
    time_steps: int = 6
    online: bool = False
    rate: float = 0.1
    dtype: str = "float32"
    seed: int = 0

    @property
    def convolutional(self):
        """Whether the hidden layers are convolutions."""
        return len(self.input_shape) == 3

    @property
    def words(self):
        """What it is, for a heading."""
        if self.convolutional:
            channels, height, width = self.input_shape
            network = f"{channels} x {height} x {width}, {' and '.join(map(str, self.hidden))} channels 3 x 3"
        else:
            network = "-".join(map(str, (*self.input_shape, *self.hidden, self.classes)))
        return f"{network}, B {self.batch}, T {self.time_steps}{', OTTT_O' if self.online else ''}"


TASKS = {
    task.name: task
    for task in (
        Task("mlp-t6"),
        Task("mlp-t100", time_steps=100),
        Task("stream", batch=1, time_steps=100, online=True),
        Task("digits", input_shape=(64,), hidden=(128,), batch=32, time_steps=20),
        Task("conv", input_shape=(1, 28, 28), hidden=(16, 32), batch=32),
    )
}


@dataclass(frozen=True)
class Workload:
    """What every peer is given. The arrays are shared: a peer copies what it changes.

    task           the Task: sizes, batch, time steps, whether to update after each time step
    weights        by name, in order: "layer0.weight", ..., "readout.weight"; [n_out, n_in], or [C_out, C_in, 3, 3]
    inputs         [T, B, ...], spikes 0 and 1, of the task's dtype
    labels         [B], the class of each sample
    learning_rate  of SGD without momentum
    device         "cpu" or "cuda"
    decay, threshold, alpha   λ, V_th, and α of the sigmoid surrogate ψ(u) = α σ(α(u - V_th)) (1 - σ(α(u - V_th)))

    No layer has a bias. The loss is Σ_t ℓ(o[t], y) / T, the cross-entropy's mean over the batch.
    """

    task: Task
    weights: dict[str, np.ndarray]
    inputs: np.ndarray
    labels: np.ndarray
    learning_rate: float = LEARNING_RATE
    device: str = "cpu"
    decay: float = field(default=DECAY, init=False)
    threshold: float = field(default=THRESHOLD, init=False)
    alpha: float = field(default=ALPHA, init=False)

    def network(self, reset="soft", dtype=None):
        """A fresh Network of this workload.

        reset  how its neurons are reset: "soft", as in every peer but snnTorch, which has "unleaked"
        dtype  the task's if not given
        """
        dtype = self.task.dtype if dtype is None else dtype
        neuron = ot.LIF(self.decay, self.threshold, reset=reset, surrogate=ot.surrogate.Sigmoid(self.alpha))
        neurons = [*[neuron] * len(self.task.hidden), ot.Integrator()]
        layers = [
            ot.Layer([*before, _synapses(weight.astype(dtype))] if before else _synapses(weight.astype(dtype)), each)
            for before, weight, each in zip(operations_before(self.task), self.weights.values(), neurons)
        ]
        return ot.Network(layers, input_shape=self.task.input_shape)

    def firing_rates(self, weights=None, reset="soft"):
        """The share of the neurons of each spiking layer that fire in a time step, in NumPy's products."""
        found, values = [], self.inputs
        for weight in list((self.weights if weights is None else weights).values())[:-1]:
            fired, _ = spikes(currents(values, weight), reset, values.dtype.type)
            found.append(float(fired.mean(dtype=np.float64)))
            values = pooled(fired.astype(values.dtype, copy=False))
        return found


def operations_before(task):
    """By layer, what comes before its synapses: pooling, and flattening before the readout."""
    pooling = [ot.AveragePool2d(POOL)] if task.convolutional else []
    return [[], *[pooling] * (len(task.hidden) - 1), [*pooling, ot.Flatten()] if task.convolutional else []]


def _synapses(weight):
    return ot.Dense(weight, False) if weight.ndim == 2 else ot.Conv2d(weight, False, padding=KERNEL // 2)


def draw(task, device="cpu"):
    """The Workload of a task; the same task gives the same arrays."""
    for attempt in range(TRIES):
        rng = np.random.default_rng([task.seed, attempt])
        inputs = (rng.random((task.time_steps, task.batch, *task.input_shape)) < task.rate).astype(np.float32)
        labels = rng.integers(0, task.classes, size=task.batch)
        weights = _weights(task, inputs, rng)
        if not all(_is_clear(task, weights, inputs, reset) for reset in RESETS):
            continue
        weights = {name: weight.astype(task.dtype) for name, weight in weights.items()}
        workload = Workload(task, weights, inputs.astype(task.dtype), labels, LEARNING_RATE, device)
        if not task.online or _keeps_away(replace(workload, learning_rate=CHECKED_ONLINE)):
            return workload
    raise ValueError(f"no weights were found for {task} whose potentials stay off the threshold")


def _weights(task, inputs, rng):
    """Weights by name, float32, layer by layer: normal ones, so scaled that the layer fires at the task's rate."""
    weights, values = {}, inputs
    for l, size in enumerate(task.hidden):
        fan_in = (values.shape[2] * KERNEL**2,) if task.convolutional else values.shape[2:]
        # Without a mean no more than half of the neurons can fire, however large the weights are.
        mean = max(0.0, NormalDist().inv_cdf(min(task.rate + 0.2, 0.99))) / np.sqrt(task.rate * fan_in[0])
        raw = (rng.standard_normal((size, *fan_in)) + mean).astype(np.float32)
        if task.convolutional:
            raw = raw.reshape(size, -1, KERNEL, KERNEL)
        weight = on_grid(raw * _scale(task.rate, currents(values, raw)), task.convolutional and l > 0)
        weights[f"layer{l}.weight"] = weight
        values = pooled(spikes(currents(values, weight), "soft")[0])
    values = values.reshape(*values.shape[:2], -1)
    std = 1 / np.sqrt(task.rate * values.shape[2])
    weights["readout.weight"] = (std * rng.standard_normal((task.classes, values.shape[2]))).astype(np.float32)
    return weights


def currents(values, weight):
    """I [T, B, n_out] of spikes or pooled spikes [T, B, ...]."""
    if weight.ndim == 2:
        return (values.reshape(-1, values.shape[2]) @ weight.T).reshape(*values.shape[:2], len(weight))
    side = KERNEL // 2
    images = np.pad(values, [(0, 0)] * 3 + [(side, side)] * 2)
    windows = np.lib.stride_tricks.sliding_window_view(images, (KERNEL, KERNEL), axis=(3, 4))  # [T, B, C, H, W, 3, 3]
    columns = np.moveaxis(windows, 2, 4).reshape(*windows.shape[:2], *windows.shape[3:5], -1)
    return np.moveaxis(columns @ weight.reshape(len(weight), -1).T, -1, 2)


def spikes(current, reset, dtype=np.float32):
    """s [T, B, ...] of neurons driven by a current, float32; and how near a potential comes to the threshold."""
    potential, fired = (np.zeros(current.shape[1:], dtype) for _ in range(2))
    result, nearest = np.empty(current.shape, np.float32), np.inf
    decay, threshold = dtype(DECAY), dtype(THRESHOLD)
    for t, now in enumerate(current.astype(dtype, copy=False)):
        if reset == "soft":
            potential = decay * (potential - threshold * fired) + now
        else:
            potential = decay * potential - threshold * fired + now
        fired = (potential >= threshold).astype(dtype)
        result[t] = fired
        nearest = min(nearest, float(abs(potential - threshold).min()))
    return result, nearest


def pooled(values):
    """The mean of each 2 x 2 pixels of images [T, B, C, H, W]; what is no image stays what it is."""
    if values.ndim != 5:
        return values
    height, width = (POOL * (length // POOL) for length in values.shape[3:])
    parts = [values[..., y:height:POOL, x:width:POOL] for y in range(POOL) for x in range(POOL)]
    return sum(parts[1:], parts[0]) / np.float32(POOL**2)


def on_grid(weight, of_pooled):
    """The nearest float32 weights of which every sum that spikes can select is exact in single precision.

    of_pooled  whether what is summed is pooled: quarters of weights
    """
    largest = abs(weight).reshape(len(weight), -1).sum(axis=1, dtype=np.float64).max()
    bits = SIGNIFICAND - 1 - int(np.ceil(np.log2(largest))) - (2 if of_pooled else 0)
    return np.ldexp(np.rint(np.ldexp(weight, bits)), -bits).astype(np.float32)


def _scale(rate, current):
    """The factor of a current [T, B, ...] at which neurons fire at the rate, by bisection on a part of the batch."""
    some = current[:, : max(1, 2000 // len(current))]
    low, high = 0.0, 1.0
    while spikes(high * some, "soft")[0].mean() < rate:
        if high > 1e6:
            raise ValueError(f"no weights make the neurons fire at a rate of {rate:g}")
        low, high = high, 2 * high
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if spikes(middle * some, "soft")[0].mean() < rate else (low, middle)
    return np.float32(high)


def _is_clear(task, weights, inputs, reset):
    """Whether no potential is the threshold, and both precisions spike alike; of OTTT_O whether none comes near it."""
    least, values = (MARGIN if task.online else 0.0), inputs
    for weight in list(weights.values())[:-1]:
        current = currents(values, weight)
        single, nearest = spikes(current, reset)
        double, nearest_in_double = spikes(current, reset, np.float64)
        if min(nearest, nearest_in_double) <= least or not np.array_equal(single, double):
            return False
        values = pooled(single)
    return True


def _keeps_away(workload):
    """Whether no potential comes near the threshold while the reference learns after each time step."""
    for dialect in ot.methods.shared.traces.DIALECTS:
        network = workload.network(dtype="float64")
        optimizer = ot.training.SGD(workload.learning_rate, momentum=0.0)
        learner = ot.ottt.OnlineLearner(
            network, optimizer, ot.losses.CrossEntropy(), dialect=dialect, time_steps=workload.task.time_steps
        )
        for now in workload.inputs.astype("float64"):
            learner.step(now, workload.labels)
            if any(abs(u - workload.threshold).min() <= MARGIN for u in learner.activity.potentials):
                return False
    return True
