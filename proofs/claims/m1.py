"""M1: OTTT's state does not grow with time.

OTTT_O carries one potential and spike per neuron and one trace per neuron that sends spikes: `state_bytes` is the same
after 1 and after 1000 steps, and so is the peak of all memory taken while it learns, measured by tracemalloc. OTTT_A
adds one accumulator per parameter; it too peaks the same, outputs (which it returns) aside. BPTT's peak grows with T.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref.memory import peak_bytes, peaks_by_length

from ..claim import Claim, Counterexample, Finding, Refuted
from ..equations import OTTT_GRADIENT, STATE, TRACE, Sketch

SHORT, LONG = 10, 1000
# Python's own small objects come and go: some hundred bytes that do not depend on T. One number kept per sample and
# time step would add LONG times 8 bytes.
NOISE = 4096
# CPython keeps up to 2000 freed tuples of each length for reuse, and counts them as taken: so many steps fill them.
WARM_UP_STEPS = 4000


@dataclass(frozen=True)
class Setting:
    """Layer sizes, batch size, and the seed of weights and inputs."""

    sizes: tuple
    batch_size: int
    readout: str
    dialect: str
    seed: int

    def network(self):
        """A fresh network."""
        return ot.dense_network(self.sizes, readout=self.readout, rng=self.seed)

    def inputs(self, time_steps):
        """Inputs [T, B, n_in] and labels [B]."""
        rng = np.random.default_rng(self.seed)
        labels = rng.integers(0, self.sizes[-1], size=self.batch_size)
        return rng.random((time_steps, self.batch_size, self.sizes[0])), labels


settings = st.builds(
    Setting,
    sizes=st.lists(st.integers(4, 24), min_size=3, max_size=4).map(tuple),
    batch_size=st.integers(1, 8),
    readout=st.sampled_from(["linear", "spiking", "leaky"]),
    dialect=st.sampled_from(["derivation", "authors"]),
    seed=st.integers(0, 1000),
)


def check(setting):
    _require_constant_state(setting)
    growths = {}
    for name, measure in (("OTTT_O", online_peak), ("OTTT_A", accumulating_peak)):
        short, long = peaks(measure, setting, (SHORT, LONG))
        if not abs(long - short) <= NOISE:
            raise Refuted(f"{name} peaks at {short} bytes for T = {SHORT} and at {long} for T = {LONG}")
        growths[name] = max(0, long - short) / (LONG - SHORT)
    short, long = peaks(bptt_peak, setting, (SHORT, LONG))
    return Finding(max(growths.values()), long > 10 * short)


def _require_constant_state(setting):
    learner, inputs, labels = _learner(setting, LONG)
    sizes = set()
    for t in range(LONG):
        learner.step(inputs[t], labels)
        sizes.add(learner.state_bytes)
    neurons = 2 * sum(setting.sizes[1:]) + sum(setting.sizes[:-1])  # potentials and spikes, then traces
    expected = 8 * (neurons * setting.batch_size + len(setting.sizes) - 1)  # and one number per bias trace
    if sizes != {expected}:
        raise Refuted(f"the state should hold {expected} bytes after every step, got {sorted(sizes)}")


def _learner(setting, time_steps):
    inputs, labels = setting.inputs(time_steps)
    optimizer = ot.training.SGD(0.01, momentum=0)
    return ot.ottt.OnlineLearner(setting.network(), optimizer, dialect=setting.dialect), inputs, labels


def peaks(measure, setting, sequences):
    """What `measure` finds for each number of time steps."""
    warm_ups = WARM_UP_STEPS // max(sequences)
    return peaks_by_length(lambda time_steps, count: measure(setting, time_steps, count), sequences, warm_ups)


def online_peak(setting, time_steps, warm_ups):
    """Most bytes taken at once by OTTT_O over a sequence; parameters and inputs aside."""
    learner, inputs, labels = _learner(setting, time_steps)

    def learn():
        for t in range(time_steps):
            learner.step(inputs[t], labels)

    return peak_bytes(learn, warm_ups)


def accumulating_peak(setting, time_steps, warm_ups):
    """Most bytes taken at once by OTTT_A over a sequence; parameters, inputs and the outputs it returns aside."""
    network, (inputs, labels) = setting.network(), setting.inputs(time_steps)
    outputs = 8 * time_steps * setting.batch_size * setting.sizes[-1]

    def accumulate():
        ot.ottt.gradients(network, inputs, labels, dialect=setting.dialect)

    return peak_bytes(accumulate, warm_ups) - outputs


def bptt_peak(setting, time_steps, warm_ups):
    """Most bytes taken at once by BPTT over a sequence; parameters and inputs aside."""
    network, (inputs, labels) = setting.network(), setting.inputs(time_steps)
    return peak_bytes(lambda: ot.bptt.gradients(network, inputs, labels), warm_ups)


def bptt_grows():
    """BPTT's peak beside OTTT's as T grows from 1 to 1000."""
    setting = Setting((16, 32, 10), 4, "linear", "derivation", 0)
    steps = (1, 10, 100, 1000)
    bptt, ottt = (peaks(measure, setting, steps) for measure in (bptt_peak, online_peak))
    if not bptt[-1] > 100 * bptt[1] / 2:
        raise Refuted(f"BPTT's peak should grow a hundredfold from T = 10 to 1000, got {bptt}")
    return f"16-32-10, B = 4, peak bytes at T = {steps}: BPTT {bptt}, OTTT_O {ottt}"


CLAIM = Claim(
    name="M1",
    statement="OTTT's state is one potential, spike and trace per neuron, whatever T",
    hypotheses="OTTT_O and OTTT_A, both dialects; any architecture",
    source="theory M1; Xiao et al. 2022, section 4.1",
    checked="bytes of state after each of 1000 steps; peak memory of OTTT_O and OTTT_A at T = 10 and 1000",
    kind="bound",
    slack_means="{:.2g} bytes more per step",
    sketch=Sketch(
        formula=r"\text{memory}(\text{OTTT}) = O(1) \;\text{in } T, \qquad \text{memory}(\text{BPTT}) = O(T)",
        proof=(
            r"The trace, the potential and the spike of the present step are all that the next one needs; each "
            r"replaces its predecessor in place. BPTT must keep every step's potentials and spikes until it comes "
            r"back to them."
        ),
        equations=(TRACE, OTTT_GRADIENT, STATE),
    ),
    strategy=settings,
    check=check,
    counterexamples=(Counterexample("the method is OTTT", bptt_grows),),
    share=0.03,
    shrink=False,
    corners=False,
)
