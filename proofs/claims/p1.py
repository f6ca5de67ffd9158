"""P1: the trace goes through linear operations.

For a fixed affine operation A x + b c, with the constant c = 1: Σ_t λ^(T-t) (A s[t] + b) = A â[T] + b Λ_T. OTTT needs
traces only where spikes enter a chain of operations. And errors go back through A^T: δ · (A s) = (A^T δ) · s.

A maximum is not affine. In a chain with max pooling it holds of what comes out of the last pool: s[t] is that.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref.network.layers import divided
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
    """With a stride and padding for each direction; in some, windows with gaps, or a kernel for each channel."""
    window, padding = [tuple(draw(st.integers(least, least + 1)) for _ in range(2)) for least in (1, 0)]
    lengths = [length + 2 * zeros for length, zeros in zip(shape[1:], padding)]
    window, dilation = tuple(min(side, length) for side, length in zip(window, lengths)), (1, 1)
    outputs, groups = draw(st.integers(1, 2)), 1
    kind = draw(st.sampled_from(["dense", "dilated", "depthwise"]))
    if kind == "dilated":
        window, dilation = (tuple(2 if length > 2 else 1 for length in lengths) for _ in range(2))
    elif kind == "depthwise":
        groups, outputs = shape[0], shape[0] * outputs
    weight, bias = numbers(draw, (outputs, shape[0] // groups, *window)), numbers(draw, (outputs,))
    stride = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    return ot.Conv2d(weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


def pool(draw, shape):
    size = tuple(draw(st.integers(1, min(2, side))) for side in shape[1:])
    return ot.AveragePool2d(size, stride=draw(st.integers(1, 2))).rebuilt(None, Fraction)


def maximum_pool(draw, shape):
    return ot.MaxPool2d(tuple(draw(st.integers(1, min(2, side))) for side in shape[1:]), stride=draw(st.integers(1, 2)))


def channels(draw, shape):
    return ot.ChannelScale(numbers(draw, shape[:1]), numbers(draw, shape[:1]))


def mask(draw, shape):
    return Mask(numbers(draw, (2, int(np.prod(shape)))))


OPERATIONS = (
    convolution,
    pool,
    mask,
    maximum_pool,
    channels,
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
    front, back = divided(case.chain)
    trace, bias_trace, traced = 0, bias_input * 0, 0
    for spikes in case.spikes:
        entering = spikes if front is None else front.forward(spikes, bias_input)
        trace, bias_trace = case.decay * trace + entering, case.decay * bias_trace + bias_input
        traced = case.decay * traced + case.chain.forward(spikes, bias_input)
    through = back.forward(trace, bias_trace)
    if np.any(traced != through):
        index = tuple(int(k) for k in np.argwhere(traced != through)[0])
        raise Refuted(f"at {list(index)} the trace of the result is {traced[index]}, of the values {through[index]}")
    linear = back.forward(trace, bias_input * 0)
    returned = back.adjoint(case.error, trace.shape[1:])
    left, right = (case.error * linear).sum(), (returned * trace).sum()
    if left != right:
        raise Refuted(f"δ · (A â) is {left}, (A^T δ) · â is {right}")
    if front is not None and len(front.operations) == 1:
        _check_routes(case, returned, front, bias_input)
    return Finding(None, bool(np.any(linear != 0)) and bool(np.any(case.spikes == 0)) and left != 0)


def _check_routes(case, error, front, bias_input):
    """A small step of the values changes what a pool gives by its adjoint; of equals it makes the first larger."""
    values = case.spikes[-1]
    step = Fraction(1, 2**40)
    towards = front.adjoint(error, values.shape[1:], values)
    moved = values + step * np.array(range(values.size, 0, -1), dtype=object).reshape(values.shape)
    change = (error * (front.forward(moved, bias_input) - front.forward(values, bias_input))).sum()
    expected = (towards * (moved - values)).sum()
    if change != expected:
        raise Refuted(f"a small step changes δ · f by {change}, f's adjoint says {expected}")


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
    hypotheses="A affine: scale, of channels too, convolution in groups, average pooling, upsampling, dropout mask, "
    "dense, skip gain, and chains of them; with max pooling in a chain, s what comes out of the last",
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
