# %% [markdown]
# # 3. From BPTT to OTTT in three deletions
#
# Two neurons in a row: the spikes of the first are the input of the second, and the spikes of the second are the
# answer. The inputs are $x = (1, 1, 1/2)$, and the answer should be a spike in every step, $y = 1$. (A number raised at
# $w$, $u$, $s$ or $\psi$ is a layer, at $\lambda$ it is a power.)

# %%
from fractions import Fraction
from itertools import product
from math import prod

import pictures
from exercises import exercise, lesson

from ottt_ref import plain

page, psi = lesson("2_surrogate_gradients_and_bptt").page, lesson("2_surrogate_gradients_and_bptt").psi
neuron, half, steps = lesson("1_lif_neuron").neuron, Fraction(1, 2), range(3)
w1, w2, x, y = Fraction(3, 4), Fraction(5, 4), [1, 1, half], 1
pictures.show(pictures.network(["x = 1, 1, 1/2"], [[["w¹ = 3/4"]], [["w² = 5/4"]]], ["y = 1, 1, 1"]), "3-network")

# %% [markdown]
# **Predict** the potentials and the spikes of both neurons, and the errors $e[t] = s^2[t] - y$.

# %%
u1, s1 = neuron([w1 * each for each in x])
u2, s2 = neuron([w2 * each for each in s1])
psi1, psi2, error = [psi(u - 1) for u in u1], [psi(u - 1) for u in u2], [spike - y for spike in s2]
for name, values in {"u¹": u1, "s¹": s1, "ψ¹": psi1, "u²": u2, "s²": s2, "ψ²": psi2, "e": error}.items():
    print(name, "=", *values)
pictures.show(pictures.paths(3, [(0, 1, 2)]), "3-path")

# %% [markdown]
# ## A gradient is a sum over paths
#
# In the picture every neuron is drawn once for each time step. The weight $w^1$ acts on the loss in many ways. One is
# the thick line, a *path*: the input of step 1 enters the first neuron, waits one step in its membrane, goes up through
# $w^2$ in step 2, waits one step in the second neuron, and meets the error $e[3]$. It adds to the gradient the product
# of all that it meets: the input, $\lambda$ for each step of waiting, the $\psi$ of each neuron when it leaves it, the
# weight $w^2$, and the error: $x[1] \cdot \lambda\, \psi^1[2] \cdot w^2 \cdot \lambda\, \psi^2[3] \cdot e[3]$.
#
# The gradient is the sum over all paths: that is the chain rule, multiplied out. A path enters at $t_0$, leaves the
# first neuron at $t_1$ and the second at $t_2$. Time does not run backwards, so $t_0 \le t_1 \le t_2$. **Predict**:
# what does the thick path add? How many paths are there in three time steps?

# %%
paths = [path for path in product(steps, repeat=3) if path == tuple(sorted(path))]  # the code counts steps from 0
adds = {}
for t0, t1, t2 in paths:
    adds[t0, t1, t2] = prod([x[t0], half ** (t1 - t0), psi1[t1], w2, half ** (t2 - t1), psi2[t2], error[t2]])
every = sum(adds.values())
print(f"the thick path adds {adds[0, 1, 2]}; the {len(paths)} paths add up to {every}")
assert len(paths) == 10 and every == page(plain.bptt, [w1, w2], x, y)[0]  # the gradient by BPTT

# %% [markdown]
# Ten: six have $t_2 = 3$, three $t_2 = 2$, one $t_2 = 1$. The thick one adds
# $1 \cdot \frac12 \cdot \frac78 \cdot \frac54 \cdot \frac12 \cdot \frac18 \cdot (-1) = -\frac{35}{1024}$.
#
# ## First deletion: the reset
#
# In fact there are more paths: a reset carries a spike's effect into the next step, too. In lesson 2 the reset was
# *detached* when these paths are left out, and *kept* otherwise. That changes the gradient:

# %%
print("reset kept:", page(plain.bptt, [w1, w2], x, y, reset_gradient="kept")[0], " detached:", every)
assert page(plain.bptt, [w1, w2], x, y, reset_gradient="kept")[0] != every

# %% [markdown]
# ## Second deletion: waiting above the weight
#
# BPTT must go backwards, because a path may wait in the second neuron for an error that comes later. So forbid that:
# keep the paths with $t_2 = t_1$, which may wait in the neuron that the weight leads into, and nowhere else. This is
# what *online training through time*, OTTT, keeps. **Predict**: how many of the ten are left? Does the gradient change?

# %%
kept = [path for path in paths if path[1] == path[2]]
print(f"{len(kept)} paths add up to {sum(adds[path] for path in kept)}, not to {every}")
assert sum(adds[path] for path in kept) == page(plain.ottt, [w1, w2], x, y)[0] != every
pictures.show(pictures.paths(3, kept), "3-ottt")

# %% [markdown]
# ## Third deletion: the record
#
# Six are left, one for each pair $t_0 \le t_1$. Sort them by the step $t$ in which they go up. Those of one $t$ share
# the factor $g[t] = \psi^1[t]\, w^2\, \psi^2[t]\, e[t]$. What differs is how they arrive:
# $x[t] + \lambda x[t-1] + \lambda^2 x[t-2] + \dots$ This is the *trace* of lesson 1, now of the inputs:
#
# $$
# \text{gradient} = \textstyle\sum_t g[t]\, \hat x[t], \qquad \hat x[t] = \lambda\, \hat x[t-1] + x[t]
# $$
#
# One number per input holds all that is needed of the past: no record, no run backwards. **Predict**: is it the same?

# %%
trace, gradient = 0, 0
for t in steps:  # forwards
    trace = half * trace + x[t]
    gradient += psi1[t] * w2 * psi2[t] * error[t] * trace
print("by the trace:", gradient)
assert gradient == sum(adds[path] for path in kept)  # the third deletion costs nothing: it is the same sum

# %% [markdown]
# ## What is lost, and what is not
#
# Above the *last* neuron there is no membrane to wait in: for $w^2$ OTTT **is** BPTT. (Not so in a *readout*, weights
# that lead to no neuron: nothing can wait there, but OTTT uses the trace all the same.) For $w^1$, look at the factors
# $\lambda$ of the paths alone, and let time be long. Waiting 0, 1, 2, ... steps in the first neuron counts
# $1 + \lambda + \lambda^2 + \dots = 1 / (1 - \lambda) = 2$. Waiting in the second one counts 2 again, which makes 4 for
# BPTT. OTTT waits in the first one alone. **Predict** its share of BPTT's 4. And with $d$ neurons above?

# %%
assert page(plain.ottt, [w1, w2], x, y)[1] == page(plain.bptt, [w1, w2], x, y)[1] != 0
once = sum(half**wait for wait in range(30))
print(f"with one neuron above: {float(once / once**2):.6f}, with two: {float(once / once**3):.6f}")

# %% [markdown]
# OTTT keeps 1/2, and $2^{-d}$ with $d$ above. Play with it: `ottt-ref explain --html page.html` has switches for waits.
#
# ## Exercises
#
# 1. How many paths have BPTT and OTTT for $w^1$, with *three* neurons in a row and four steps? A pair of numbers.
# 2. With $w^1 = w^2 = 1$, $y = 0$: three inputs, each 0 or 1, with which OTTT and BPTT agree for $w^1$ and are not 0.
# 3. Delete all waiting: SLTT, *spatial learning through time*. Its gradient as a function of the lists $g$ and $x$.


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
    assert gradient(g, x) == page(plain.sltt, [w1, w2], x, y)[0], "Which paths are left?"


exercise_1(...)
exercise_2(...)
exercise_3(...)
