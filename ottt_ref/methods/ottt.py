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

from functools import partial

from ..learning.losses import Mixed
from ..validation import require_choice
from .shared import driver, online
from .shared.rule import Rule
from .shared.traces import DIALECTS, Traces


class OTTT(Rule):
    """The rule: errors are paired with the trace of what is presynaptic.

    dialect  "derivation" or "authors": what is traced
    """

    traces_parameters = True

    def __init__(self, network, batch_size, dialect="derivation"):
        super().__init__(network, batch_size)
        self.traces = Traces(network, batch_size, dialect)
        self.state = {**self.state, **self.traces.state}

    def advance(self, activity):
        self.traces.update(activity)

    def presynaptic(self, connection, activity):
        return self.traces.presynaptic(connection)

    def bias_input(self, l):
        return self.traces.bias_input(l)


def gradients(network, inputs, targets, loss=Mixed(), *, dialect="derivation", error_feedback=None, terms=False):
    """OTTT's gradient summed over a sequence (OTTT_A).

    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype
    targets         class labels [B] or rows [B, n_out]
    dialect         "derivation" or "authors": what is traced
    error_feedback  how errors reach the layers: by transposed weights if not given (`methods.FeedbackMatrices`, ...)
    terms           whether to record what each time step adds

    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work.
    """
    rule = _rule(dialect)
    return driver.gradients(rule, network, inputs, targets, loss, error_feedback=error_feedback, terms=terms)


def accumulate(network, activity, output_errors, *, dialect="derivation", terms=False):
    """The algebra alone: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    Returns a GradientSum.
    """
    return driver.accumulate(_rule(dialect), network, activity, output_errors, terms=terms)


class OnlineLearner(online.OnlineLearner):
    """OTTT_O: a network that learns after each time step and never sees more than one.

    optimizer   updates the network's parameters, with the gradient of L[t] = ℓ(o[t], y) / time_steps
    loss        Mixed() if not given
    dialect     "derivation" or "authors": what is traced
    time_steps  T, the length of the sequences, which scales the loss as in OTTT_A; 6 is the authors'

    `reset()` between sequences; `activity` is the last step's, in arrays that the next one overwrites. Between two
    steps it holds one potential, spike and trace per neuron and sample: `state_bytes`, whatever the number of steps.
    Raises TypeError or ValueError that names the argument.
    """

    def __init__(self, network, optimizer, loss=Mixed(), *, dialect="derivation", error_feedback=None, time_steps=6):
        self.dialect = dialect
        rule = _rule(dialect)
        super().__init__(rule, network, optimizer, loss, error_feedback=error_feedback, time_steps=time_steps)


def _rule(dialect):
    return partial(OTTT, dialect=require_choice("dialect", dialect, DIALECTS))
