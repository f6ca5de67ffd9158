"""How gradients are computed: one file per method, and METHODS, the one list of them.

`shared` has what several methods need: the driver of forward-in-time rules, traces, errors through the layers of one
time step, sums of gradients. To add a method, write its file and its line in METHODS; to use a rule of one's own,
nothing has to be registered: `gradients(rule, network, ...)` and `OnlineLearner(rule, network, ...)` take any.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..network.neurons import RESET_GRADIENTS
from . import bptt, ottt, rtrl, sltt, spike_representation
from .shared.driver import accumulate, gradients
from .shared.errors import ErrorFeedback, FeedbackMatrices, LocalLosses, TimeStep, TransposedWeights
from .shared.gradients import Gradients
from .shared.online import OnlineLearner
from .shared.rule import Rule
from .shared.traces import DIALECTS, Traces

__all__ = [
    "METHODS",
    "ErrorFeedback",
    "FeedbackMatrices",
    "Gradients",
    "LocalLosses",
    "Method",
    "OnlineLearner",
    "Option",
    "Rule",
    "TimeStep",
    "Traces",
    "TransposedWeights",
    "accumulate",
    "gradients",
]


@dataclass(frozen=True)
class Option:
    """An argument of a method that is one of a few words; the first is the default.

    >>> import ottt_ref as ot
    >>> ot.methods.METHODS["ottt"].options["dialect"].choices
    ('derivation', 'authors')
    """

    choices: tuple[str, ...]
    meaning: str


@dataclass(frozen=True)
class Method:
    """A method, as the command line, the conformance kit, the experiments and the proofs know it.

    name          "ottt", "spike-representation", ...
    label         how people write it: "OTTT"
    gradients     (network, inputs, targets, loss, *, terms, **options) → Gradients
    learner       the OnlineLearner of a forward-in-time rule, None for others
    options       its options by name, each an Option
    variants      the names under which the kit's cases ask for it: {name: (meaning, options)}
    online        the same of its learner

    >>> import ottt_ref as ot
    >>> for method in ot.methods.METHODS.values():
    ...     print(method.name, method.label, *method.options)
    bptt BPTT reset_gradient loss_of
    rtrl RTRL reset_gradient
    ottt OTTT dialect
    sltt SLTT
    spike-representation SR rates
    """

    name: str
    label: str
    gradients: Callable[..., Gradients]
    learner: Callable[..., OnlineLearner] | None = None
    options: dict[str, Option] = field(default_factory=dict)
    variants: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    online: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)


_DIALECT = {"dialect": Option(DIALECTS, "what is traced")}
_RESET_GRADIENT = {"reset_gradient": Option(RESET_GRADIENTS, "whether gradients also cross the reset")}
_LOSS_OF = {"loss_of": Option(bptt.LOSSES_OF, "the loss of each time step, or of the time-averaged output")}
_RATES = {"rates": Option(spike_representation.RATES, "the rates of the simulated spikes, or the mapping's own")}

#: Every method by its name. The command line, the conformance kit, the experiments and the proofs read this list.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "bptt",
            "BPTT",
            bptt.gradients,
            options={**_RESET_GRADIENT, **_LOSS_OF},
            variants={
                "bptt": ("BPTT, the reset's gradient detached", {}),
                "bptt-kept": ("BPTT, the reset's gradient kept", {"reset_gradient": "kept"}),
            },
        ),
        Method(
            "rtrl",
            "RTRL",
            rtrl.gradients,
            rtrl.OnlineLearner,
            options=_RESET_GRADIENT,
            variants={
                "rtrl": ("RTRL, the reset's gradient detached: BPTT's gradient", {}),
                "rtrl-kept": ("RTRL, the reset's gradient kept", {"reset_gradient": "kept"}),
            },
        ),
        Method(
            "ottt",
            "OTTT",
            ottt.gradients,
            ottt.OnlineLearner,
            options=_DIALECT,
            variants={
                "ottt": ("OTTT (OTTT_A), dialect of the derivation", {}),
                "ottt-authors": (
                    "OTTT (OTTT_A), dialect of the authors' code: inputs and biases are not traced",
                    {"dialect": "authors"},
                ),
            },
            online={
                "ottt-online": ("OTTT_O, dialect derivation", {"dialect": "derivation"}),
                "ottt-online-authors": ("OTTT_O, dialect authors", {"dialect": "authors"}),
            },
        ),
        Method("sltt", "SLTT", sltt.gradients, sltt.OnlineLearner, variants={"sltt": ("SLTT", {})}),
        Method(
            "spike-representation",
            "SR",
            spike_representation.gradients,
            options=_RATES,
            variants={"spike-representation": ("SR of the measured rates", {})},
        ),
    )
}
