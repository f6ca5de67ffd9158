# %% [markdown]
# # 5. Spike representation, and why directions agree
#
# There is another way to train spiking networks: forget time. Lesson 1 said that the weighted rate of a neuron is about
# the weighted mean of its currents, as long as that lies between 0 and the threshold $V_{th} = 1$. Below 0 the rate is
# 0, above 1 it is 1. (At $\lambda = 1/2$, "about" can be wrong by one half.) So rates pass from layer to layer as in an
# ordinary network. Let $W^l$ be the weights of layer $l$, a row for each neuron, and $b^l$ its biases, which are
# currents that never change:
#
# $$
# a^l \approx \sigma(W^l a^{l-1} + b^l), \qquad \sigma(z) = z \text{ cut off at 0 and 1}
# $$
#
# This is the *spike representation*, SR. It takes "about" for equal, and its gradient is an ordinary one. The rates are
# counted from the real spikes, as in lesson 1. Only the slope of $\sigma$ is used, at $z = W^l a^{l-1} + b^l$: it is 1
# between 0 and 1, and 0 outside. (Exactly at 0 and at 1 there is none. The library takes 0, but no argument here rests
# on that.) No time step and no surrogate is in it.

# %%
import random
from fractions import Fraction

import pictures
from exercises import exercise, lesson

from ottt_ref import plain

psi, half = lesson("2_surrogate_gradients_and_bptt").psi, Fraction(1, 2)
z = [Fraction(k, 50) for k in range(-25, 76)]
words = "The rate mapping is 0 up to 0, rises with slope 1 to 1, and stays there."
pictures.show(pictures.curves({"σ(z)": (z, [max(0, min(1, each)) for each in z])}, "z", "rate"), "5-clamp", words)


# %% [markdown]
# ## Two gradients of one network
#
# The network has two inputs and two neurons, whose spikes are the answer. OTTT's loss asks the spikes of every step to
# be $y$: $L = \sum_t \frac12 \lVert s[t] - y \rVert^2$. SR's loss asks that of the rates:
# $\frac12 \lVert a - y \rVert^2$. The targets in $y$ are 0 or 1.


# %%
def gradients(method, weights, inputs, targets, decay=half):
    """The gradients of the weights of layers of neurons, by a page of the library; the last layer is the answer."""
    size = len(targets)
    readout = [[int(i == j) for j in range(size)] for i in range(size)]  # hands out the spikes as they are
    biases = [[0] * len(weight) for weight in (*weights, readout)]
    return method.gradients([*weights, readout], biases, inputs, targets, decay, 1, psi, errors)[0][:-1]


def errors(outputs, targets, time_steps):
    return [Fraction(output - target) for output, target in zip(outputs, targets)]


W, x, y = [[half, Fraction(1, 4)], [Fraction(3, 8), half]], [[1, 0], [1, 1], [0, 1], [1, 1]], [1, 0]
ottt, sr = gradients(plain.ottt, [W], x, y)[0], gradients(plain.spike_representation, [W], x, y)[0]
print("OTTT:", *ottt[0], "  ", *ottt[1])
print("SR:  ", *sr[0], "  ", *sr[1])
bars = {"OTTT": [*ottt[0], *ottt[1]], "SR": [*sr[0], *sr[1]]}
words = "Bars: for each of the four weights the entry of OTTT and that of SR have the same sign."
pictures.show(pictures.bars(bars, ["$w_{11}$", "$w_{12}$", "$w_{21}$", "$w_{22}$"]), "5-entries", words)

# %% [markdown]
# The numbers differ; the signs agree. **Predict**: is that luck, or must the signs agree in the layer that gives the
# answer?
#
# They must. Take a neuron with the target 1. Its spike is 0 or 1, so $s[t] - 1$ is 0 or negative, in every step. Its
# rate is between 0 and 1, so $a - 1$ is 0 or negative as well. With the target 0 both are 0 or positive. OTTT
# multiplies its error by $\psi \ge 0$ and traces $\ge 0$, and adds up. SR multiplies by a slope $\ge 0$ and rates
# $\ge 0$. No sign can change on the way, if inputs are not negative. Let us see it in 100 networks, leaving out those
# where a gradient is 0.


# %%
def inner(one, other):
    """The inner product: the sum of the products of all entries."""
    return sum(a * b for row, other_row in zip(one, other) for a, b in zip(row, other_row))


def draw(rng, sizes, steps=6):
    """A network of these sizes, inputs and targets, at random."""
    weights = [[[rng.randint(-4, 8) / 8 for _ in range(n)] for _ in range(m)] for n, m in zip(sizes, sizes[1:])]
    inputs = [[rng.randint(0, 1) for _ in range(sizes[0])] for _ in range(steps)]
    return weights, inputs, [rng.randint(0, 1) for _ in range(sizes[-1])]


def agreement(sizes, count, layer):
    """The inner product of OTTT and SR: in how many networks it is positive, and in how many it is not 0."""
    rng, found = random.Random(0), []
    for _ in range(count):
        network = draw(rng, sizes)
        pair = [gradients(method, *network)[layer] for method in (plain.ottt, plain.spike_representation)]
        found.append(inner(*pair))
    return sum(value > 0 for value in found), sum(value != 0 for value in found)


agree, judged = agreement([2, 2], 100, layer=0)
assert agree == judged > 50
print(f"the answer's layer: {agree} of {judged} inner products are positive")

# %% [markdown]
# A positive inner product (the sum of the products of all entries) means an angle below 90°. If we step a little
# against one gradient, the loss of the other one becomes smaller too. This is what the paper's abstract calls a
# *similar descent direction*.
#
# ## Below
#
# The error of a *hidden* layer, one below the answer's, comes down through weights, which may be negative. OTTT starts
# from the error of each step, and sends it through $\psi[t]$ of that step. SR starts from the error of the rates, and
# sends it through the slope of $\sigma$. If, in each step, OTTT's $\psi$ times its error is nearly SR's slope times its
# error, times a positive number, the directions agree. The paper's theorem *assumes* that. **Predict**: does the inner
# product stay positive in each of 100 networks, one layer below?

# %%
agree, judged = agreement([3, 4, 2], 100, layer=0)
print(f"one layer below: {agree} of {judged}")
assert 0.8 * judged < agree < judged

# %% [markdown]
# In most of them, not in all: without the assumption there is no theorem. The next lesson looks at the others.
#
# ## Exercises
#
# 1. Run the lesson, and look at the two rows that it prints for SR. Each entry is an error, times a slope, times the
#    rate of an input. In both rows the first entry divided by the second is the same number. Which, and why?
# 2. One input, always 1, six steps, the target 0. Find a weight with which SR's gradient is 0 and OTTT's is not.


# %%
@exercise
def exercise_1(ratio):
    assert all(row[0] == ratio * row[1] for row in sr) and any(any(row) for row in sr), "SR is (error) times (rate)."


@exercise
def exercise_2(weight):
    found = [
        gradients(method, [[[weight]]], [[1]] * 6, [0])[0][0][0] for method in (plain.spike_representation, plain.ottt)
    ]
    assert found[0] == 0 != found[1], f"SR's is {found[0]}, OTTT's is {found[1]}."


exercise_1(...)
exercise_2(...)
