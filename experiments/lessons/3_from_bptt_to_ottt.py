# %% [markdown]
# # 3. From BPTT to OTTT in three deletions
#
# Two neurons in a row: an input $x$, a weight $w^1$, the first neuron, a weight $w^2$, the second neuron, whose spikes
# are the answer. (A number raised at $w$, $u$ or $\psi$ is a layer, at $\lambda$ it is a power.) In the picture every
# neuron is drawn once for each time step. Time goes to the right.

# %%
from fractions import Fraction
from itertools import product
from math import prod

import pictures
from exercises import exercise, lesson

from ottt_ref import plain

page, psi = lesson("2_surrogate_gradients_and_bptt").page, lesson("2_surrogate_gradients_and_bptt").psi
neuron, half, steps = lesson("1_lif_neuron").neuron, Fraction(1, 2), range(3)
words = "Two rows of neurons over three time steps. A path goes from an input up to an error; it may wait in each row."
pictures.show(pictures.unrolled(3, [(0, 1, 2)]), "3-path", words)

# %% [markdown]
# ## A gradient is a sum over paths
#
# The weight $w^1$ acts on the loss in many ways. One way is the thick line, a *path*: the input of step 1 enters the
# first neuron, waits one step in its membrane, goes up through $w^2$ in step 2, waits one step in the second neuron,
# and meets the error $e[3]$. What it adds to the gradient is the product of all that it meets: the input, $\lambda$ for
# each step of waiting, the $\psi$ of each neuron, at the step in which the path leaves that neuron, the weight $w^2$,
# and the error. Here that is $x[1] \cdot \lambda\, \psi^1[2] \cdot w^2 \cdot \lambda\, \psi^2[3] \cdot e[3]$.
#
# The gradient is the sum over all paths: that is the chain rule, multiplied out. A path is three numbers: $t_0$, when
# it enters; $t_1$, when it leaves the first neuron; $t_2$, when it leaves the second. Time does not run backwards, so
# $t_0 \le t_1 \le t_2$.
#
# **Predict**: how many paths are there in three time steps? (There are ten. Count those with $t_2 = 3$ first: six.)

# %%
w1, w2, x, target = Fraction(3, 4), Fraction(5, 4), [1, 1, half], 0
u1, s1 = neuron([w1 * each for each in x])
u2, s2 = neuron([w2 * each for each in s1])
psi1, psi2 = [psi(u - 1) for u in u1], [psi(u - 1) for u in u2]
error = [spike - target for spike in s2]


def contribution(t0, t1, t2):
    return prod([x[t0], half ** (t1 - t0), psi1[t1], w2, half ** (t2 - t1), psi2[t2], error[t2]])


paths = [path for path in product(steps, repeat=3) if path == tuple(sorted(path))]  # the code counts steps from 0
every = sum(contribution(*path) for path in paths)
assert len(paths) == 10 and every == page(plain.bptt, [w1, w2], x, target)[0]
print(f"{len(paths)} paths; their sum {every} is the gradient by BPTT")

# %% [markdown]
# ## First deletion: the reset
#
# In fact there are more paths: a reset carries a spike's effect into the next step, too. In lesson 2 we called the
# reset *detached* when these paths are left out, and *kept* otherwise. So the first deletion is done already. It
# changes the gradient.

# %%
print("reset kept:", page(plain.bptt, [w1, w2], x, target, reset_gradient="kept")[0], " detached:", every)
assert page(plain.bptt, [w1, w2], x, target, reset_gradient="kept")[0] != every

# %% [markdown]
# ## Second deletion: waiting above the weight
#
# BPTT must go backwards, because a path may wait in the second neuron for an error that comes later. So forbid that:
# keep the paths with $t_2 = t_1$, which may wait in the neuron that the weight leads into, and nowhere else. This is
# what OTTT keeps, *online training through time*.
#
# **Predict**: how many of the ten are left? Does the gradient change? (Six, one for each pair $t_0 \le t_1$. It does.)

# %%
kept = [path for path in paths if path[1] == path[2]]
assert len(kept) == 6 and sum(contribution(*path) for path in kept) == page(plain.ottt, [w1, w2], x, target)[0] != every
pictures.show(pictures.unrolled(3, kept), "3-ottt", "OTTT's paths wait in the first neuron, then go straight up.")

# %% [markdown]
# ## Third deletion: the record
#
# Sort the paths by the step $t$ in which they go up. Those of one $t$ share the factor
# $g[t] = \psi^1[t]\, w^2\, \psi^2[t]\, e[t]$. What differs is how they arrive:
# $x[t] + \lambda x[t-1] + \lambda^2 x[t-2] + \dots$ This is the *trace* $\hat x[t]$ of lesson 1. One number per input
# holds all that is needed of the past:
#
# $$
# \text{gradient} = \textstyle\sum_t g[t]\, \hat x[t], \qquad \hat x[t] = \lambda\, \hat x[t-1] + x[t]
# $$
#
# Nothing of the past is looked up again: no record of old steps, no run backwards. Gradients come while time goes on,
# and memory does not grow. This deletion costs nothing: it is the same sum.

# %%
trace, gradient = 0, 0
for t in steps:  # forwards
    trace = half * trace + x[t]
    gradient += psi1[t] * w2 * psi2[t] * error[t] * trace
assert gradient == sum(contribution(*path) for path in kept)

# %% [markdown]
# ## What is lost, and what is not
#
# Above the *last* neuron there is no membrane to wait in. So for $w^2$ the second deletion deletes nothing: OTTT **is**
# BPTT there. For $w^1$, look at the factors $\lambda$ of the paths alone, and let time be long. Waiting 0, 1, 2, ...
# steps in the first neuron counts $1 + \lambda + \lambda^2 + \dots = 1 / (1 - \lambda) = 2$. Waiting in the second one
# counts 2 again, which makes 4 for BPTT. OTTT waits in the first one alone.
#
# **Predict**: which share of BPTT's sum of factors does OTTT keep, with one neuron above the first? With $d$ above it?
# (1/2, and $2^{-d}$.) Play with it: `ottt-ref explain --html page.html` makes a page with switches for the waits.

# %%
assert page(plain.ottt, [w1, w2], x, target)[1] == page(plain.bptt, [w1, w2], x, target)[1] != 0
waits = list(product(range(30), repeat=2))  # in the first neuron, and in the second
share = sum(half**first for first in range(30)) / sum(half ** (first + second) for first, second in waits)
assert abs(share - half) < Fraction(1, 10**6)

# %% [markdown]
# ## Exercises
#
# 1. How many paths have BPTT and OTTT for the first weight of *three* neurons in four steps? A pair of numbers.
# 2. With $w^1 = w^2 = 1$, $y = 0$: three inputs, each 0 or 1, with which OTTT and BPTT agree for $w^1$ and are not 0.
# 3. Delete all waiting: SLTT, *spatial learning through time*. Write its gradient as a function of the lists $g$, $x$.


# %%
@exercise
def exercise_1(numbers):
    every = [path for path in product(range(4), repeat=4) if path == tuple(sorted(path))]
    assert list(numbers) == [len(every), sum(path[1] == path[3] for path in every)], "List those of two steps."


@exercise
def exercise_2(inputs):
    assert len(inputs) == 3 and set(inputs) <= {0, 1}, "Three numbers, each 0 or 1, please."
    by_bptt, by_ottt = (page(method, [1, 1], inputs, 0)[0] for method in (plain.bptt, plain.ottt))
    assert by_bptt == by_ottt != 0, f"BPTT has {by_bptt}, OTTT {by_ottt}."


@exercise
def exercise_3(gradient):
    g = [psi1[t] * w2 * psi2[t] * error[t] for t in steps]
    assert gradient(g, x) == page(plain.sltt, [w1, w2], x, target)[0], "Which paths are left?"


exercise_1(...)
exercise_2(...)
exercise_3(...)
