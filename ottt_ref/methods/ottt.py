"""OTTT: online training through time.

    â^l[t] = λ â^l[t-1] + s^l[t]                          one trace per presynaptic neuron
    g^N[t] = ψ^N[t] ∘ ∂L[t]/∂s^N[t],   g^l[t] = ψ^l[t] ∘ W^{l+1 T} g^{l+1}[t]
    ∇W^l = Σ_t g^l[t] â^{l-1}[t]^T,    ∇b^l = Σ_t g^l[t] Λ_t

It runs forwards in time, and carries one potential, spike and trace per neuron: memory does not grow with T. No error
goes back through a recurrent or feedback connection, which would lead into the past; the trace of the spikes that it
delivers gives its weight's gradient.
OTTT_A, `gradients`, sums over the sequence and updates once. OTTT_O, `OnlineLearner`, updates after each time step.

Two dialects, "derivation" and "authors", differ in what is traced: `traces` spells them out. The trace is derived for
the soft reset, and holds for the unleaked one; under a hard reset, whose membrane forgets at each spike, the same rule
is applied and E1 does not hold.

Source: Xiao et al. 2022, section 4; theorems E1 to E4, H1, M1, O1 and Q1.
"""

import numpy as np

from ..learning.losses import Mixed, require_loss, require_targets, step_loss
from ..learning.training import require_optimizer
from ..network.network import require_network
from ..simulation.simulator import Simulator
from ..validation import require_array, require_choice, require_count
from .shared.errors import instantaneous_errors
from .shared.gradients import GradientSum, require_sequence
from .shared.traces import DIALECTS, Traces


def gradients(network, inputs, targets, loss=Mixed(), *, dialect="derivation", terms=False):
    """OTTT's gradient summed over a sequence (OTTT_A).

    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype
    targets         class labels [B] or rows [B, n_out]
    dialect         "derivation" or "authors": what is traced
    terms           whether to record what each time step adds

    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work.
    """
    inputs, targets = require_sequence(network, inputs, targets, loss, terms)
    require_choice("dialect", dialect, DIALECTS)
    time_steps, batch_size = inputs.shape[:2]
    simulator = Simulator(network, batch_size)
    traces = Traces(network, batch_size, dialect)
    sums = GradientSum(network, batch_size, time_steps if terms else None)
    outputs = np.empty((time_steps, batch_size, network.output_size), dtype=network.dtype)
    total = 0
    for t in range(time_steps):
        activity = simulator.step(inputs[t])
        step_total, output_error = step_loss(loss, activity.outputs, targets, time_steps)
        add_step(sums, t, network, traces, activity, output_error)
        outputs[t] = activity.outputs
        total = total + step_total
    return sums.result(total, outputs)


def accumulate(network, activity, output_errors, *, dialect="derivation", terms=False):
    """The algebra alone: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    Returns a GradientSum.
    """
    time_steps, batch_size = output_errors.shape[:2]
    traces = Traces(network, batch_size, dialect)
    sums = GradientSum(network, batch_size, time_steps if terms else None)
    for t in range(time_steps):
        add_step(sums, t, network, traces, activity.at(t), output_errors[t])
    return sums


def add_step(sums, t, network, traces, activity, output_error):
    """Take in time step t: its activity and ∂L[t]/∂o[t] [B, n_out]."""
    traces.update(activity)
    errors = instantaneous_errors(network, activity, output_error)
    sums.record(t, errors)
    for connection in network.connections:
        l = connection.target
        if connection.parameters:
            sums.add(t, connection, errors[l], traces.presynaptic(connection), traces.bias_input(l))


class OnlineLearner:
    """OTTT_O: a network that learns after each time step and never sees more than one.

    optimizer   updates the network's parameters, with the gradient of L[t] = ℓ(o[t], y) / time_steps
    loss        Mixed() if not given
    dialect     "derivation" or "authors": what is traced
    time_steps  T, the length of the sequences, which scales the loss as in OTTT_A; 6 is the authors'

    `reset()` between sequences; `activity` is the last step's, in arrays that the next one overwrites. Between two
    steps it holds one potential, spike and trace per neuron and sample: `state_bytes`, whatever the number of steps.
    Raises TypeError or ValueError that names the argument.
    """

    def __init__(self, network, optimizer, loss=Mixed(), *, dialect="derivation", time_steps=6):
        self.network = require_network(network)
        self.optimizer = require_optimizer(optimizer)
        self.loss = require_loss(loss, network)
        self.dialect = require_choice("dialect", dialect, DIALECTS)
        self.time_steps = require_count("time_steps", time_steps)
        self.reset()

    def reset(self):
        """Forget the sequence: the next step starts from rest, with any batch size."""
        self.activity = None
        self._simulator = None
        self._traces = None

    def step(self, inputs, targets):
        """Take in one time step, inputs [B, ...] and targets, and update; L[t] and the outputs [B, n_out]."""
        inputs, targets = self._checked(inputs, targets)
        if self._simulator is None:
            self._simulator = Simulator(self.network, len(inputs))
            self._traces = Traces(self.network, len(inputs), self.dialect)
        self.activity = self._simulator.step(inputs)
        total, output_error = step_loss(self.loss, self.activity.outputs, targets, self.time_steps)
        sums = GradientSum(self.network, len(inputs))
        add_step(sums, 0, self.network, self._traces, self.activity, output_error)
        self.optimizer.step(self.network.parameters, sums.values)
        return total, self.activity.outputs.copy()

    @property
    def state_bytes(self):
        """Bytes carried from one time step to the next: potentials, spikes, traces; 0 after a reset."""
        return 0 if self._simulator is None else self._simulator.state_bytes + self._traces.state_bytes

    def _checked(self, inputs, targets):
        batch = "B" if self._simulator is None else len(self._simulator.potentials[0])
        if self.network.batch_size is not None:
            batch = self.network.batch_size
        inputs = require_array("inputs", inputs, (batch, *self.network.input_shape), self.network.dtype)
        return inputs, require_targets(self.loss, targets, len(inputs), self.network)
