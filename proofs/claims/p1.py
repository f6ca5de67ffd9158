"""P1: the trace goes through linear operations.

For a fixed affine operation A x + b c, with the constant c = 1: Σ_t λ^(T-t) (A s[t] + b) = A â[T] + b Λ_T. OTTT needs
traces only where spikes enter a chain of operations. And errors go back through A^T: δ · (A s) = (A^T δ) · s.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref.network.operations import Mask

from ..cases import DECAYS, eighths
from ..claim import Claim, Counterexample, Finding, Refuted
from ..corners import here
from ..equations import AFFINE, NORMALISER, TRACE, Sketch
from ..images import CHAINS


@dataclass(frozen=True)
class Sequence:
    """A chain of operations over fractions, the shape of what it is given, spikes [T, B, ...], an error and λ."""

    chain: ot.Chain
    spikes: np.ndarray
    error: np.ndarray
    decay: Fraction

    def __str__(self):
        return f"{self.chain}, decay {self.decay}, spikes {self.spikes.tolist()}, error {self.error.tolist()}"


def numbers(draw, shape):
    """An array of multiples of 1/8 between -1 and 1, as fractions."""
    count = int(np.prod(shape))
    flat = draw(st.lists(eighths(-1, 1, simplest=1), min_size=count, max_size=count))
    return np.array(flat, dtype=object).reshape(shape)


def convolution(draw, shape):
    window, stride = (draw(st.integers(1, min(2, side))) for side in shape[1:]), draw(st.integers(1, 2))
    outputs = draw(st.integers(1, 2))
    weight, bias = numbers(draw, (outputs, shape[0], *window)), numbers(draw, (outputs,))
    return ot.Conv2d(weight, bias, stride=stride, padding=draw(st.integers(0, 1)))


def pool(draw, shape):
    size = tuple(draw(st.integers(1, min(2, side))) for side in shape[1:])
    return ot.AveragePool2d(size, stride=draw(st.integers(1, 2))).rebuilt(None, Fraction)


def mask(draw, shape):
    return Mask(numbers(draw, (2, int(np.prod(shape)))))


OPERATIONS = (
    convolution,
    pool,
    mask,
    lambda draw, shape: ot.Scale(draw(eighths(-3, 3, simplest=2))),
    lambda draw, shape: ot.Upsample2d(2),
    lambda draw, shape: ot.SkipInit(numbers(draw, (1,))),
)


@st.composite
def sequences(draw):
    """Up to three operations on images of up to 2 x 3 x 3, then perhaps dense synapses; T up to 5, B = 2."""
    decays, time_steps, corner = DECAYS, (1, 5), here()
    if corner is not None:
        decays, time_steps = corner.decays(decays), corner.steps(*time_steps)
    shape = tuple(draw(st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 3))))
    operations, reached, names = [], shape, []
    for kind in draw(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=3)):
        operation = kind(draw, reached)
        if not set(operation.parameter_names) & set(names):
            names += operation.parameter_names
            operations.append(operation)
            reached = operation.output_shape(reached)
    if draw(st.booleans()) and "weight" not in names:
        operations += [ot.Flatten(), ot.Dense(numbers(draw, (2, int(np.prod(reached)))), numbers(draw, (2,)))]
        reached = (2,)
    steps = draw(st.integers(*time_steps))
    count = steps * 2 * int(np.prod(shape))
    spikes = draw(st.lists(st.integers(0, 1).map(Fraction), min_size=count, max_size=count))
    return Sequence(
        ot.Chain(operations),
        np.array(spikes, dtype=object).reshape(steps, 2, *shape),
        numbers(draw, (2, *reached)),
        draw(st.sampled_from(decays)),
    )


def check(case):
    bias_input = np.array([Fraction(1)])
    trace, bias_trace, traced = case.spikes[0] * 0, bias_input * 0, None
    for spikes in case.spikes:
        trace, bias_trace = case.decay * trace + spikes, case.decay * bias_trace + bias_input
        result = case.chain.forward(spikes, bias_input)
        traced = result if traced is None else case.decay * traced + result
    through = case.chain.forward(trace, bias_trace)
    if np.any(traced != through):
        index = tuple(int(k) for k in np.argwhere(traced != through)[0])
        raise Refuted(f"at {list(index)} the trace of the result is {traced[index]}, of the values {through[index]}")
    linear = case.chain.forward(trace, bias_input * 0)
    back = case.chain.adjoint(case.error, trace.shape[1:])
    left, right = (case.error * linear).sum(), (back * trace).sum()
    if left != right:
        raise Refuted(f"δ · (A â) is {left}, (A^T δ) · â is {right}")
    return Finding(None, bool(np.any(linear != 0)) and bool(np.any(case.spikes == 0)) and left != 0)


def maximum():
    """A maximum is no linear operation: the trace of the larger spike is not the larger trace."""
    half = Fraction(1, 2)
    spikes = [(1, 0), (0, 1)]
    of_maximum = sum(half ** (1 - t) * max(pair) for t, pair in enumerate(spikes))
    of_traces = max(sum(half ** (1 - t) * pair[i] for t, pair in enumerate(spikes)) for i in range(2))
    if of_maximum == of_traces:
        raise Refuted(f"the two should differ, both are {of_maximum}")
    return f"maximum of two, λ = 1/2, s = (1, 0), (0, 1): trace of the maximum {of_maximum}, of the traces {of_traces}"


CLAIM = Claim(
    name="P1",
    statement="the trace of A s + b is A â + b Λ, and δ · (A s) = (A^T δ) · s",
    hypotheses="A affine: scale, convolution, pooling, upsampling, dropout mask, dense, skip gain, and chains of them",
    source="theory P1",
    checked="random chains of operations, every entry, fractions",
    kind="exact",
    sketch=Sketch(
        formula=r"\widehat{A s + b} = A\, \hat a + b\, \Lambda, \qquad \delta \cdot (A s) = (A^\top \delta) \cdot s",
        proof=(
            r"The trace is a sum with fixed coefficients, $\hat a[T] = \sum_t \lambda^{T-t} s[t]$, and an affine "
            r"operation goes through it: $\sum_t \lambda^{T-t} (A s[t] + b) = A\, \hat a[T] + b\, \Lambda_T$. So one "
            r"trace is kept where spikes enter a chain of operations, and none inside. For the errors, both sides are "
            r"$\sum_{i,j} \delta_i A_{ij} s_j$."
        ),
        equations=(TRACE, NORMALISER, AFFINE),
    ),
    strategy=sequences(),
    check=check,
    counterexamples=(Counterexample("the operation is affine", maximum),),
    identities=(CHAINS,),
    share=0.5,
)
