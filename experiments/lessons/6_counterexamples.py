# %% [markdown]
# # 6. When directions do not agree
#
# OTTT leaves out paths of BPTT (lesson 3), and it agrees with SR only under an assumption (lesson 5). So there must be
# networks in which they point apart. Here are three. Each has one input and one neuron in the first layer, and we look
# at the gradient of its weight $w^1$ alone. In the first one, one neuron stands above another, $w^1 = 1$, $w^2 = 3/2$,
# $\lambda = 1/2$. The input comes in step 1 alone, $x = (1, 0)$. The answer should be a spike in both steps.

# %%
from fractions import Fraction
from itertools import product

import numpy as np
import pictures
from exercises import exercise, lesson

import ottt_ref as ot
from ottt_ref import plain

lesson_5, half = lesson("5_spike_representation"), Fraction(1, 2)
pictures.show(pictures.network(["x = 1, 0"], [[["w¹ = 1"]], [["w² = 3/2"]]], ["y = 1, 1"]), "6-first")

# %% [markdown]
# ## First: OTTT sees nothing, BPTT does
#
# **By hand**: $u^1 = (1, 0)$, so $s^1 = (1, 0)$; $u^2 = (3/2, 1/4)$, so $s^2 = (1, 0)$. The errors $s^2 - y$ are
# $(0, -1)$. The only error comes in step 2. **Predict**: which paths lead to it from the input in step 1? Which of them
# does OTTT keep, and which $\psi$ do they meet? So what are the two gradients?


# %%
METHODS = {"BPTT": plain.bptt, "OTTT": plain.ottt, "SR": plain.spike_representation}


def first(w1, w2, x, y, decay):
    """The gradient of w¹ by each method; w2 has a weight for each neuron of the second layer."""
    weights, inputs = [[[w1]], [[weight] for weight in w2]], [[each] for each in x]
    return {name: lesson_5.gradients(method, weights, inputs, y, decay)[0][0][0] for name, method in METHODS.items()}


vanishing = first(1, [Fraction(3, 2)], [1, 0], [1], half)
print(*(f"{name} {value}" for name, value in vanishing.items()))
assert vanishing == {"BPTT": Fraction(-3, 16), "OTTT": 0, "SR": Fraction(-1, 3)}
assert 1 * 1 * Fraction(3, 2) * half * lesson_5.psi(Fraction(1, 4) - 1) * -1 == vanishing["BPTT"]

# %% [markdown]
# One path waits in the first neuron and goes up in step 2. But the potential is then 0, a distance of 1 from the
# threshold, so $\psi^1[2] = 0$. The other goes up in step 1 and waits in the *second* neuron: OTTT leaves it out. It
# adds $x[1] \cdot \psi^1[1] \cdot w^2 \cdot \lambda\, \psi^2[2] \cdot e[2]$, which is
# $1 \cdot 1 \cdot \frac32 \cdot \frac12 \cdot \frac14 \cdot (-1) = -\frac3{16}$. SR knows no steps: all three rates are
# $\frac13$ and both slopes 1, so it has $(\frac13 - 1) \cdot 1 \cdot \frac32 \cdot 1 \cdot \frac13 = -\frac13$.
#
# ## Second: OTTT and BPTT point apart
#
# Now one neuron below and two above, A and B, and $\lambda = 1$: no leak. A should fire in both steps, B never.

# %%
figure = pictures.network(["x = 1, 0"], [[["w¹ = 1"]], [["1/2"], ["2"]]], ["A: y = 1, 1", "B: y = 0, 0"])
pictures.show(figure, "6-second")

# %% [markdown]
# The first neuron fires in step 1. A and B get the potentials $(1/2, 1/2)$ and $(2, 1)$: after its spike in step 1, B
# has 1 left, and fires again. Errors: $(-1, -1)$ and $(1, 1)$.
#
# Every path leaves the first neuron in step 1, since its potential is 0 in step 2, where $\psi^1 = 0$. Then it goes up
# through A or B, straight or after waiting there until step 2. **Predict** what each of the four adds. Which does OTTT
# keep?

# %%
apart = first(1, [half, 2], [1, 0], [1, 0], Fraction(1))
assert apart == {"BPTT": Fraction(3, 2), "OTTT": Fraction(-1, 4), "SR": Fraction(-1, 4)}
network = ot.dense_network([1, 1, 2], decay=1.0, surrogate=ot.surrogate.Triangle(), readout="spiking").exact()
for name, value in zip(network.parameters, ([[1]], [0], [[half], [2]], [0, 0])):  # weights and biases, layer by layer
    network.parameters[name] = np.array(value, dtype=object)
activity = ot.simulate(network, ot.exact_array(np.array([[[1.0]], [[0.0]]])))  # [time steps, samples, inputs]
errors = activity.outputs - np.array([1, 0])
paths = ot.paths.find_in(network, activity, errors, "layer0.weight", (0, 0), keep="bptt", nonzero=True)
for path in paths:  # the library lists those that are not 0, and counts neurons and steps from 0
    above = path.membranes[1]
    print(f"by {'AB'[above.neuron]}, steps {above.arrives} to {above.leaves}: {path.contribution}", *path.methods)
assert sum(path.contribution for path in paths) == apart["BPTT"]
assert sum(path.contribution for path in paths if "ottt" in path.methods) == apart["OTTT"]

# %% [markdown]
# Straight through A: $\frac12 \cdot \frac12 \cdot (-1) = -\frac14$, and the same after waiting in A. Straight through
# B: $u = 2$ and $\psi = 0$, nothing. After waiting in B, it stands at its threshold, $\psi = 1$:
# $2 \cdot 1 \cdot 1 = 2$. OTTT keeps the straight ones: $-\frac14$ against BPTT's $\frac32$. A step against OTTT's
# gradient makes $w^1$ larger, one against BPTT's makes it smaller. Which is right? The loss of the real spikes cannot
# tell: it is flat, but for its jumps (lesson 2). (SR's number says nothing here: B has $z = 2 \cdot \frac12 = 1$, the
# edge of $\sigma$. With $9/4$ for 2 it is off the edge, and all signs stay.)
#
# ## Third: OTTT and SR point apart
#
# As before, but $w^1 = 3/4$, $w^2 = (1/2, 7/4)$, $\lambda = 1/2$, $x = (1, 1)$. The first neuron fires in step 2 alone,
# so its rate is $a = 2/3$ (lesson 1). **Predict**: at which $z$ are A and B for SR? Which slopes do they have there,
# and which $\psi$ in step 2? Which sign do OTTT and SR have?

# %%
against_sr = first(Fraction(3, 4), [half, Fraction(7, 4)], [1, 1], [1, 0], half)
assert against_sr == {"BPTT": Fraction(81, 256), "OTTT": Fraction(63, 256), "SR": Fraction(-1, 2)}
for a, b, c, d in product((-Fraction(1, 20), 0, Fraction(1, 20)), repeat=4):  # nothing hangs on an edge
    near = first(Fraction(3, 4) + a, [half + b, Fraction(7, 4) + c], [1, 1], [1, 0], half + d)
    assert near["OTTT"] > 0 > near["SR"]
found = {name: [each[name] for each in (vanishing, apart, against_sr)] for name in METHODS}
pictures.show(pictures.bars(found, ["first", "second", "third"]), "6-three")

# %% [markdown]
# B should be silent. For SR it is at $z = \frac74 \cdot \frac23 = \frac76$, above 1: the slope is 0, and its error
# passes nothing down. So SR has A alone: $\frac12 \cdot (-1)$, times the slope 1 and the input's rate 1. In OTTT, A and
# B have $\psi = 0$ in step 1. In step 2, B fires with $u = 7/4$ and $\psi = 1/4$:
# $\frac12 \cdot \frac12 \cdot (-1) + \frac74 \cdot \frac14 \cdot 1 = \frac3{16}$, times $\psi^1 = \frac78$, times the
# trace $\frac32$, is $\frac{63}{256}$.
#
# All three need errors of different signs, or a $\psi$ that is 0. Where every layer has one neuron, every $\psi$ is
# positive and the target stays the same, no method contradicts another. `python -m experiments directions` measures
# larger networks. To play with the second network: `ottt-ref explain --html apart.html --exhibit ottt-bptt-apart`.
#
# ## Exercises
#
# 1. Change only the decay in the second network, so that BPTT and OTTT have the same sign.
# 2. A contradiction at the paper's own $\lambda = 1/2$: two weights $w^2$, with $w^1 = 3/2$, $x = (0, 1, 1)$ and
#    $y = (1, 0)$, such that BPTT and OTTT have opposite signs. (Let a loop try all pairs of quarters up to 1.)
# 3. In the first network OTTT sees nothing. Choose another $w^1$ with which it sees something, and has the sign of
#    BPTT.


# %%
@exercise
def exercise_1(decay):
    assert 0 <= decay <= 1, "A decay is between 0 and 1."
    found = first(1, [half, 2], [1, 0], [1, 0], decay)
    assert found["BPTT"] * found["OTTT"] > 0, f"BPTT has {found['BPTT']}, OTTT {found['OTTT']}."


@exercise
def exercise_2(weights):
    found = first(Fraction(3, 2), list(weights), [0, 1, 1], [1, 0], half)
    assert found["BPTT"] * found["OTTT"] < 0, f"BPTT has {found['BPTT']}, OTTT {found['OTTT']}."


@exercise
def exercise_3(weight):
    found = first(weight, [Fraction(3, 2)], [1, 0], [1], half)
    assert found["BPTT"] * found["OTTT"] > 0, f"BPTT has {found['BPTT']}, OTTT {found['OTTT']}."


exercise_1(...)
exercise_2(...)
exercise_3(...)
