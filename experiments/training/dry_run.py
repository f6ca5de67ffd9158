"""What a training would take on this machine, measured with made-up data of the real shape, without the data set.

Each number says how it was found. The time is that of real steps, of a smaller batch or fewer time steps where a whole
one takes long, in proportion. Reading and augmenting the data is not in it.
"""

import time
from dataclasses import dataclass

import numpy as np
from rich.table import Table

import ottt_ref as ot
from ottt_ref.memory import peak_bytes
from ottt_ref.methods import METHODS
from ottt_ref.methods.shared.driver import started

from ..backends import simulate_by
from ..data.registry import NOTHING, SETS, open_set
from . import operations, parts, rules

# Of the sets that need files: the shape of a time step's input, classes, samples to learn from and to test on. The
# number of gestures is what their usual lists of trials hold.
KNOWN = {
    "mnist-5000": ((1, 28, 28), 10, 4000, 1000),
    "event-mnist-5000": ((2, 34, 34), 10, 4000, 1000),
    "mnist": ((1, 28, 28), 10, 60_000, 10_000),
    "fashion-mnist": ((1, 28, 28), 10, 60_000, 10_000),
    "cifar10": ((3, 32, 32), 10, 50_000, 10_000),
    "cifar100": ((3, 32, 32), 100, 50_000, 10_000),
    "imagenet": ((3, 224, 224), 1000, 1_281_167, 50_000),
    "nmnist": ((2, 34, 34), 10, 60_000, 10_000),
    "cifar10-dvs": ((2, 128, 128), 10, 9000, 1000),
    "dvs-gesture": ((2, 128, 128), 11, 1176, 288),
    "shd": ((700,), 20, 8156, 2264),
}
SERIES = {"japanese-vowels": (12, 9, 270, 370), "basic-motions": (6, 4, 40, 40)}  # dimensions, classes, samples
WHOLE, LONG = 3.0, 1.0  # seconds: what is done again, and whole; what a measured part takes at least
SHARE = 0.1  # of made-up lines that have events


@dataclass(frozen=True)
class Sizes:
    """A data set without its samples."""

    shape: tuple[int, ...]
    classes: int
    train: int
    test: int


def sizes(config) -> Sizes:
    """Of the config's data set, without its files."""
    name = config["data.set"]
    if SETS[name].needs == NOTHING:
        found = open_set(name)
        shape = (2 * config["data.levels"],) if name == "mnist1d-spikes" else found.shape
        return Sizes(shape, len(found.classes), len(found.split("train")), len(found.split("test")))
    if name in SERIES:
        dimensions, classes, train, test = SERIES[name]
        return Sizes((2 * dimensions * config["data.levels"],), classes, train, test)
    return Sizes(*KNOWN[name])


def report(config, say=lambda text: None):
    """A table of what the training takes; `say` is told what is being measured."""
    whole, rng = sizes(config), np.random.default_rng(0)
    held = round(config["data.validation"] * whole.train)
    learned = whole.train - held
    batch_size = min(config["training.batch_size"], learned)
    network = parts.network(config, whole.shape, whole.classes, rng)
    bench = _Bench(config, network, parts.input_shape(config, whole.shape), whole.classes)
    say(f"measuring steps of {config['model.name']} on made-up data")
    seconds, how = bench.seconds(batch_size)
    peak, how_peak = bench.peak(batch_size)
    tested, how_tested = bench.test_seconds()
    steps = -(-learned // batch_size)
    epochs = config["training.epochs"]
    evaluations = -(-epochs // config["evaluation.every"])
    counts = {"train": learned, "test": whole.test, "validation": held}
    samples = sum(counts[split] for split in config["evaluation.splits"])
    learning, evaluating = epochs * steps * seconds, evaluations * samples * tested
    seeds = len(config["training.seeds"])
    parameters = list(network.parameters.values())
    size = sum(value.nbytes for value in parameters)
    moments = 2 if config["optimiser.name"] == "adam" else int(config["optimiser.momentum"] > 0)
    inputs = config["training.time_steps"] * batch_size * int(np.prod(bench.shape)) * network.dtype.itemsize
    table = Table("what", "how much", "how it was found", title=f"{config.source}, {config['rule.name']}")
    row = table.add_row
    row("samples to learn from, to evaluate on", f"{learned:,}, {samples:,}", "the data set's description")
    row("parameters", f"{sum(value.size for value in parameters):,}", "counted")
    row("bytes of them", f"{size:,}", f"{network.dtype}")
    row("bytes of the optimiser", f"{moments * size:,}", f"{moments} for each parameter")
    row("bytes of a batch's inputs", f"{inputs:,}", f"T = {config['training.time_steps']}, batch {batch_size}")
    row("bytes carried from step to step", *bench.carried(batch_size))
    row("peak bytes of a training step", f"{peak:,}", how_peak)
    row("all of these", f"{(1 + moments) * size + inputs + peak:,}", "parameters, optimiser, inputs, peak")
    for name, count, words in bench.operations():
        row(name, count, words)
    row("seconds of a training step", f"{seconds:.3g}", how)
    row("seconds of evaluating a sample", f"{tested:.3g}", how_tested)
    row("time of one seed", _duration(learning + evaluating), f"{epochs} epochs of {steps} steps, and evaluations")
    if seeds > 1:
        row(f"time of {seeds} seeds", _duration(seeds * (learning + evaluating)), "one after the other")
    table.caption = "Made-up data fires otherwise than real data: times and accumulates will differ by a factor."
    return table


class _Bench:
    """Steps of a network on made-up data."""

    def __init__(self, config, network, shape, classes):
        self.config, self.network, self.shape, self.classes = config, network, shape, classes
        self.T = config["training.time_steps"]
        options = ("dialect", "reset_gradient", "loss_of")
        self.options = {name: config[f"rule.{name}"] for name in options if config[f"rule.{name}"] is not None}
        self.method = rules.method_of(config["rule.name"])
        self.learners = {}
        self.whole = None  # seconds of a training step, once that is known

    def learn(self, batch_size, time_steps):
        """One training step of a fresh copy of the network."""
        learn = self.learner(time_steps)
        inputs, labels = self.made(batch_size, time_steps)
        return lambda: learn(inputs, labels)

    def learner(self, time_steps):
        """What learns sequences of so many time steps."""
        if time_steps not in self.learners:
            config, network = self.config, self.network.copy()
            task = rules.Task(
                network,
                parts.optimiser(config),
                time_steps,
                loss=parts.loss(config),
                backend=config["training.backend"],
                options=self.options,
                rng=np.random.default_rng(0),
                where=f"{config.source}: rule.name:",
            )
            self.learners[time_steps] = rules.learner(config["rule.name"], task)
        return self.learners[time_steps]

    def made(self, batch_size, time_steps):
        """Inputs [T, B, ...] and labels: random images of mean 0 and deviation 1, or events in a tenth of the lines."""
        rng, dtype = np.random.default_rng(1), self.network.dtype
        labels = rng.integers(0, self.classes, batch_size)
        if self.config["data.by"] is not None:
            return (rng.random((time_steps, batch_size, *self.shape)) < SHARE).astype(dtype), labels
        if self.config["data.mean"] is None:
            image = rng.random((batch_size, *self.shape))
        else:
            image = rng.standard_normal((batch_size, *self.shape))
        return np.repeat(image.astype(dtype)[np.newaxis], time_steps, axis=0), labels

    def seconds(self, batch_size):
        """Of a training step, and in words how that was found."""
        self.whole, how = _extended(self.learn, batch_size, self.T)
        return self.whole, how

    def peak(self, batch_size):
        """Peak bytes of a training step, and in words how that was found."""
        if self.whole <= WHOLE:
            return self._peak(batch_size, self.T), "measured"
        first, second = self._peak(1, 1), self._peak(2, 1)
        sample = second - first
        if self.method in ("ottt", "sltt", "rtrl"):
            return first + (batch_size - 1) * sample, "batches of 1 and 2 at T = 1, extended: it does not grow with T"
        step = self._peak(1, 2) - first
        grown = first + (batch_size - 1) * sample + batch_size * (self.T - 1) * step
        return grown, "batches of 1 and 2, and T of 1 and 2, extended"

    def _peak(self, batch_size, time_steps):
        return peak_bytes(self.learn(batch_size, time_steps), warm_ups=0)

    def carried(self, batch_size):
        """Bytes that a forward rule carries from one time step to the next, and words."""
        method = METHODS.get(self.method)
        if method is None or method.learner is None:
            what = "a rule of your own" if method is None else method.label
            return "-", f"{what} is not counted: see the peak"
        if self.method == "rtrl":
            return "-", "a number for each parameter and neuron: see the peak"
        simulator = ot.Simulator(self.network, 1)
        rule, _ = started(operations.RULES[self.method], self.network, 1, None)
        each = simulator.state_bytes + sum(array.nbytes for array in rule.carried.values())
        return f"{batch_size * each:,}", "potentials, spikes and the rule's, counted; it does not grow with T"

    def operations(self):
        """Rows of a sample's operations: name, count, words."""
        inputs, _ = self.made(1, self.T)
        steps = self.T if self.whole <= 30 * self.config["training.batch_size"] else 1
        inputs = inputs[:steps]
        activity = simulate_by(self.config["training.backend"])(self.network, inputs)
        counted = self.method if self.method in operations.RULES else None
        found = operations.count(self.network, activity, counted)
        words = f"counted by spike, of {steps} time steps" + (f", times {self.T} / {steps}" if steps < self.T else "")
        named = {"forward": found.forward}
        if counted is not None:
            named |= {"errors back": found.errors, "gradients": found.gradients}
        for name, count in named.items():
            macs, acs = (round(number * self.T / steps) for number in (count.macs, count.acs))
            yield f"{name}, a sample", f"{macs:,} MAC, {acs:,} AC", words
        if counted is None:
            yield "gradients, a sample", "-", "counted of BPTT, OTTT and SLTT alone"

    def test_seconds(self):
        """Of a sample in evaluation, and in words how that was found."""
        simulate, size = simulate_by(self.config["training.backend"]), self.config["evaluation.batch_size"]

        def work_of(batch_size, time_steps):
            inputs, _ = self.made(batch_size, time_steps)
            return lambda: simulate(self.network, inputs)

        spent, how = _extended(work_of, size, self.T)
        return spent / size, how


def _extended(work_of, batch_size, time_steps):
    """Seconds of work_of(batch_size, time_steps)(), from a part of it that takes long enough; and that in words."""
    b = t = 1
    for _ in range(2):
        work_of(b, t)()  # compiles
    spent = _time(work_of(b, t))
    while spent < LONG and (b, t) != (batch_size, time_steps):
        b, t = (min(2 * b, batch_size), t) if b < batch_size else (b, min(2 * t, time_steps))
        spent = _time(work_of(b, t))
    for _ in range(2):
        if spent < WHOLE:  # what else the machine does is not the training's
            spent = min(spent, _time(work_of(b, t)))
    how = f"measured, batch {b}, T = {t}"
    if (b, t) != (batch_size, time_steps):
        pairs = ((batch_size, b), (time_steps, t))
        how += f"; times {' x '.join(f'{whole} / {part}' for whole, part in pairs if part < whole)}"
    return spent * (batch_size / b) * (time_steps / t), how


def _time(work):
    started_at = time.perf_counter()
    work()
    return time.perf_counter() - started_at


def _duration(seconds):
    """A time in words."""
    for unit, size in (("years", 365.25 * 86400), ("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"
