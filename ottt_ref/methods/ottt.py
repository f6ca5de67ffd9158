"""OTTT: online training through time.

    â^l[t] = λ â^l[t-1] + s^l[t]                          one trace per presynaptic neuron
    g^N[t] = ψ^N[t] ∘ ∂L[t]/∂s^N[t],   g^l[t] = ψ^l[t] ∘ W^{l+1 T} g^{l+1}[t]
    ∇W^l = Σ_t g^l[t] â^{l-1}[t]^T,    ∇b^l = Σ_t g^l[t] Λ_t

It runs forwards in time, and carries one potential, spike and trace per neuron: memory does not grow with T. No error
goes back through a recurrent or feedback connection, which would lead into the past; the trace of the spikes that it
delivers gives its weight's gradient.
OTTT_A, `gradients`, sums over the sequence and updates once. OTTT_O, `OnlineLearner`, updates after each time step.

Two dialects, "derivation" and "authors", differ in what is traced. `python -m pydoc ottt_ref.methods.shared.traces`
spells them out. The trace is derived for the soft reset, and holds for the unleaked one. Under a hard reset the
membrane forgets at each spike. There the same rule is applied, and E1 does not hold.

Source: Xiao et al. 2022, section 4; theorems E1 to E4, H1, M1, O1 and Q1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from ..learning.losses import Loss, Mixed
from ..learning.optimisers import Optimizer
from ..learning.regularisers import Regulariser
from ..network.layers import Connection
from ..network.network import Network
from ..simulation.simulator import Activity
from ..validation import require_choice
from .shared import driver, online
from .shared.errors import ErrorFeedback
from .shared.gradients import Gradients, GradientSum
from .shared.rule import Rule
from .shared.traces import DIALECTS, Dialect, Traces


class OTTT(Rule):
    """The rule: errors are paired with the trace of what is presynaptic.

    dialect  "derivation" or "authors": what is traced

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([1, 1, 1], decay=0.5, rng=0)
    >>> rule, activity = ot.ottt.OTTT(network, batch_size=1), ot.simulate(network, np.ones((3, 1, 1)))
    >>> for t in range(3):
    ...     rule.advance(activity.at(t))
    ...     print(*rule.presynaptic(network.connections[0], activity.at(t)).flat)
    1.0
    1.5
    1.75
    """

    traces_parameters = True

    def __init__(self, network: Network, batch_size: int, dialect: Dialect = "derivation") -> None:
        super().__init__(network, batch_size)
        self.traces = Traces(network, batch_size, dialect)
        self.state = {**self.state, **self.traces.state}

    def advance(self, activity: Activity) -> None:
        self.traces.update(activity)

    def presynaptic(self, connection: Connection, activity: Activity) -> np.ndarray:
        return self.traces.presynaptic(connection)

    def bias_input(self, l: int) -> np.ndarray:
        return self.traces.bias_input(l)

    def parts(self, connection: Connection) -> int:
        return self.traces.count(connection)

    def pairs(
        self, connection: Connection, error: np.ndarray, activity: Activity
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Once, or once for each decay of the neurons that the connection enters."""
        if self.traces.count(connection) == 1:
            return super().pairs(connection, error, activity)
        return self.traces.pairs(connection, error)


def gradients(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    dialect: Dialect = "derivation",
    error_feedback: ErrorFeedback | None = None,
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> Gradients:
    """OTTT's gradient summed over a sequence (OTTT_A).

    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype or of whole numbers
    targets         class labels [B] or rows [B, n_out], or of each time step labels [T, B] or rows [T, B, n_out]
    dialect         "derivation" or "authors": what is traced
    error_feedback  how errors reach the layers: by transposed weights if not given (`methods.FeedbackMatrices`, ...)
    weights         of time steps and samples, [T] or [T, B]: they multiply ℓ, and nothing is renormalised; or "last"
    time_steps      T of the loss's 1/T, where the sequence is a part of a longer one; its own T if not given
    initial_state   the State to start from, with or without the rule's part; rest if not given
    regulariser     a penalty of the firing rates, of `losses.Regulariser`
    input_gradients whether to record W^T g[t], the error at the inputs within the time step
    terms           whether to record what each time step adds

    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work.

    Of the hidden layer they are BPTT's, since it is the last layer with a membrane (theorem E1):

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> inputs, labels = np.linspace(0, 0.6, 8).reshape(4, 1, 2), np.array([1])
    >>> gradients = ot.ottt.gradients(network, inputs, labels)
    >>> {name: round(float(np.linalg.norm(value)), 3) for name, value in gradients.items()}
    {'layer0.weight': 0.263, 'layer0.bias': 0.576, 'readout.weight': 0.85, 'readout.bias': 0.65}
    """
    rule = _rule(dialect)
    return driver.gradients(
        rule,
        network,
        inputs,
        targets,
        loss,
        error_feedback=error_feedback,
        weights=weights,
        time_steps=time_steps,
        initial_state=initial_state,
        regulariser=regulariser,
        input_gradients=input_gradients,
        terms=terms,
    )


def accumulate(
    network: Network,
    activity: Activity,
    output_errors: np.ndarray,
    *,
    dialect: Dialect = "derivation",
    terms: bool = False,
) -> GradientSum:
    """The algebra alone: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    Returns a GradientSum.

    The constant input 1 of the biases has the trace 1, 3/2, 7/4; the readout's, which enters no membrane, has none:

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs = ot.dense_network([1, 1, 1], decay=0.5, rng=0), np.ones((3, 1, 1))
    >>> activity, output_errors = ot.simulate(network, inputs), np.ones((3, 1, 1))
    >>> activity.layer_surrogate_derivatives[0][...] = network.parameters["readout.weight"] ** -1
    >>> sums = ot.ottt.accumulate(network, activity, output_errors)
    >>> sums.values["layer0.bias"].round(9).tolist(), sums.values["readout.bias"].tolist()
    ([4.25], [3.0])
    """
    return driver.accumulate(_rule(dialect), network, activity, output_errors, terms=terms)


class OnlineLearner(online.OnlineLearner):
    """OTTT_O: a network that learns after each time step and never sees more than one.

    optimizer   updates the network's parameters, with the gradient of the loss of the step
    loss        ℓ, Mixed() if not given
    dialect     "derivation" or "authors": what is traced
    time_steps  T, the length of the sequences: the loss of a step is then ℓ(o[t], y) / T, and those of T steps
                add up to the loss of `gradients`. Without it the loss of a step is ℓ(o[t], y) itself
    regulariser  a penalty of the firing rates, of `losses.Regulariser`

    `reset()` between sequences; `activity` is the last step's, in arrays that the next one overwrites. Between two
    steps it holds one potential, spike and trace per neuron and sample: `state_bytes`, whatever the number of steps.
    Raises TypeError or ValueError that names the argument.

    Of 5 potentials, 5 outputs, the traces of 2 inputs and 3 neurons, and 2 traces for the biases, in bytes:

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> learner = ot.ottt.OnlineLearner(network, ot.training.SGD(0.1), time_steps=4)
    >>> for inputs in np.linspace(0, 0.6, 8).reshape(4, 1, 2):
    ...     loss, outputs = learner.step(inputs, np.array([1]))
    >>> outputs.shape, learner.state_bytes
    ((1, 2), 136)
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        loss: Loss = Mixed(),
        *,
        dialect: Dialect = "derivation",
        error_feedback: ErrorFeedback | None = None,
        time_steps: int | None = None,
        regulariser: Regulariser | None = None,
    ) -> None:
        self.dialect = dialect
        rule = _rule(dialect)
        super().__init__(
            rule,
            network,
            optimizer,
            loss,
            error_feedback=error_feedback,
            time_steps=time_steps,
            regulariser=regulariser,
        )


def _rule(dialect: Dialect) -> Callable[[Network, int], Rule]:
    require_choice("dialect", dialect, DIALECTS)
    return partial(OTTT, dialect=dialect)
