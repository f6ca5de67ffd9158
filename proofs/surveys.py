"""How often the hypotheses of D1 and D2 hold, and how often SR and OTTT agree anyway: on handwritten digits.

A survey is a statistic, not a claim: networks of 32 LIF neurons per hidden layer, fresh and after three epochs of
OTTT_A at T = 6, and for each of 60 images that they were not trained on

    certificate  D1: ρ < 1 by the bound made without OTTT's hidden errors. D2: μ < 1 (`directions`)
    hypothesis   p_t = c_t p + r_t with ρ < 1 for the errors themselves
    positive     <SR, OTTT> > 0 for the first layer's weight, the farthest from the output
    cosine       the mean cosine between the two gradients of that weight

Hypothesis and positive count what is certain alone: signs of balls that take in all rounding (`certified`); `undecided`
says for how many images nothing is. The certificates are floats, of which rounding is not enclosed.

D1 is surveyed on feedforward networks of one to three hidden layers; D2 on one hidden layer that hears itself, and on
two of which the second is fed back to the first. Where SR's gradient is 0 (all neurons of a layer outside the mapping's
slope), as it often is after training, the product is not positive, and there is no cosine.
"""

from dataclasses import asdict, dataclass

import numpy as np
from rich.table import Table

import ottt_ref as ot
from ottt_ref import losses, spike_representation
from ottt_ref.simulation.simulator import input_current
from ottt_ref.workers import engine

from .certified import signs
from .directions import certified_ratio, layer_errors, loop_form, loop_matrices

DECAYS = (0.5, 0.9, 1.0)
DEPTHS = {"D1": (1, 2, 3), "D2": (1, 2)}
TIME_STEPS = (6, 25, 100)
WIDTH, CLASSES = 32, 10
IMAGES, BATCH, EPOCHS, TRAINING_STEPS = 60, 32, 3, 6


@dataclass(frozen=True)
class Cell:
    """What was found for one theorem, decay, depth, T and state; shares in [0, 1] of `samples` images."""

    theorem: str
    decay: float
    depth: int
    time_steps: int
    trained: bool
    samples: int
    certificate: float
    hypothesis: float
    positive: float
    cosine: float | None
    undecided: int


def survey(theorem, decay, depth, seed):
    """The cells of one theorem, decay and depth, at every T, at initialisation and after training."""
    train, labels, images, image_labels = _digits()
    network = _network(theorem, decay, depth, np.random.default_rng([seed, depth]))
    cells = []
    for trained in (False, True):
        if trained:
            _train(network, train, labels, np.random.default_rng([seed, depth, 1]))
        for time_steps in TIME_STEPS:
            inputs = np.repeat(images[np.newaxis], time_steps, axis=0)
            cells.append(_cell(theorem, network, decay, depth, trained, inputs, image_labels))
    return cells


def _digits():
    from sklearn.datasets import load_digits  # here: the claims need no data

    images, labels = load_digits(return_X_y=True)
    return images[:-IMAGES] / 16, labels[:-IMAGES], images[-IMAGES:] / 16, labels[-IMAGES:]


def _network(theorem, decay, depth, rng):
    sizes = [64, *[WIDTH] * depth, CLASSES]
    plain = ot.dense_network(sizes, decay=decay, rng=rng)
    if theorem == "D1":
        return plain
    std = plain.parameters["readout.weight"].std()
    loop = ot.Dense(rng.normal(0, 2 * std, (WIDTH, WIDTH)), False)
    layers = list(plain.layers)
    if depth == 1:
        layers[0] = ot.Layer(layers[0].synapses, layers[0].neuron, loop)
        return ot.Network(layers)
    return ot.Network(layers, feedback=[ot.Feedback(depth - 1, 0, loop)])


def _train(network, images, labels, rng):
    optimizer = ot.training.SGD(0.1)
    for _ in range(EPOCHS):
        order = rng.permutation(len(labels))
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            inputs = np.repeat(images[batch][np.newaxis], TRAINING_STEPS, axis=0)
            optimizer.step(network.parameters, ot.ottt.gradients(network, inputs, labels[batch]))


def _cell(theorem, network, decay, depth, trained, inputs, labels):
    loss = losses.Mixed()
    errors = layer_errors(network, inputs, labels, loss)[0]
    cosines = errors.cosines()
    certain = signs(network, inputs, labels, loss)
    if theorem == "D1":
        certified = certified_ratio(network, inputs, labels, loss, 0) < 1
    else:
        certified = _largest_eigenvalues(network, inputs) < 1
    known = cosines[np.isfinite(cosines)]
    return Cell(
        theorem=theorem,
        decay=decay,
        depth=depth,
        time_steps=len(inputs),
        trained=trained,
        samples=len(labels),
        certificate=float(np.mean(certified)),
        hypothesis=float(np.mean(certain.decided & certain.along)),
        positive=float(np.mean(certain.positive)),
        cosine=float(known.mean()) if len(known) else None,
        undecided=int(certain.undecided.sum()),
    )


def _largest_eigenvalues(network, inputs):
    """μ of each sample, [B]."""
    rates, _ = spike_representation.rates_of(network, inputs, "measured")
    currents = {l: input_current(network, l, lambda c: rates[c.source + 1]) for l in network.spiking}
    result = []
    for b in range(inputs.shape[1]):
        form = loop_form(*loop_matrices(network, {l: current[b] for l, current in currents.items()}))
        result.append(np.linalg.eigvalsh((form + form.T) / 2).max())
    return np.array(result)


def run_all(theorems, seed, workers, console, scheduler=None):
    """Every cell of the given theorems, in order, by workers as `ottt_ref.workers.engine` takes them."""
    jobs = [(theorem, decay, depth) for theorem in theorems for decay in DECAYS for depth in DEPTHS[theorem]]
    with console.status("surveys on digits"), engine(workers, scheduler) as pool:
        futures = [pool.submit(survey, *job, seed) for job in jobs]
        return [cell for future in futures for cell in future.result()]


def table(theorem, cells):
    """One row per decay, depth and T; fresh and trained side by side."""
    what = "certificate, hypothesis, positive (%), mean cosine"
    rows = Table(title=f"{theorem} on digits, first layer: {what}")
    for name in ("decay", "hidden layers", "T"):
        rows.add_column(name, justify="right")
    for state in ("at initialisation", "after training"):
        rows.add_column(state, justify="right")
    mine = [cell for cell in cells if cell.theorem == theorem]
    fresh = [cell for cell in mine if not cell.trained]
    trained = {(cell.decay, cell.depth, cell.time_steps): cell for cell in mine if cell.trained}
    for k, cell in enumerate(fresh):
        key = (cell.decay, cell.depth, cell.time_steps)
        rows.add_row(*map(str, key), text(cell), text(trained[key]))
        if k + 1 < len(fresh) and fresh[k + 1].decay != cell.decay:
            rows.add_section()
    return rows


def text(cell):
    """The cell's four numbers."""
    shares = "  ".join(f"{100 * share:3.0f}" for share in (cell.certificate, cell.hypothesis, cell.positive))
    return f"{shares}  {'  -  ' if cell.cosine is None else f'{cell.cosine:5.2f}'}"


def certainty(cells):
    """For how many images the sign of <SR, OTTT> is certain, and what is not, in a line."""
    images, undecided = sum(cell.samples for cell in cells), sum(cell.undecided for cell in cells)
    return (
        f"the sign of <SR, OTTT> is certain, whatever was rounded, in {images - undecided} of {images} cases; the "
        "certificates, ρ or μ below 1, are computed in floats and not enclosed"
    )


def as_data(cells):
    """The cells for JSON."""
    return [asdict(cell) for cell in cells]
