# %% [markdown]
# # 2. Surrogate gradients, and BPTT by hand
#
# One neuron of lesson 1 ($\lambda = 1/2$, $V_{th} = 1$). Its current is $w\,x[t]$, an input times a *weight*. The input
# is 1 in two steps, and the neuron's answer should be $y = 0$, no spike, in both.

# %%
from fractions import Fraction

import pictures
from exercises import exercise, lesson

from ottt_ref import plain

neuron, half, w, x, y = lesson("1_lif_neuron").neuron, Fraction(1, 2), Fraction(3, 4), [1, 1], 0
pictures.show(pictures.network(["x = 1, 1"], [[["w = 3/4"]]], ["y = 0, 0"]), "2-network")

# %% [markdown]
# ## Why the true gradient is of no use
#
# A network learns by changing its weights so that a *loss*, which says how wrong it is, becomes smaller. Our loss is
# $L = \sum_t \frac12 (s[t] - y)^2$. What tells the direction is the *gradient*: by how much the loss changes, per
# change of $w$. **Predict** the potentials, the spikes and the loss. By how much does it change if $w$ grows by 1/1000?

# %%
for weight in (w, w + Fraction(1, 1000)):
    potentials, spikes = neuron([weight * each for each in x])
    print("potentials", *potentials, " spikes", *spikes, " loss", sum(half * (spike - y) ** 2 for spike in spikes))

# %% [markdown]
# A slightly larger weight gives the same spikes and the same loss. So the gradient is 0: change nothing.
#
# Here is the trick. Forwards, the neuron fires real spikes. Backwards, where the chain rule asks for the slope of the
# spike, we put another one, $\psi(z)$. It is large where $z = u - V_{th}$ is near 0, at the threshold, and small far
# away. It is called the *surrogate* (substitute) *derivative*, and what comes out is the *surrogate gradient*.


# %%
def step(z):  # the spike: it jumps from 0 to 1, and is flat everywhere else
    return 1 if z >= 0 else 0


def psi(z):  # the surrogate's slope: 1 at the threshold, 0 from a distance of 1 on
    return max(0, 1 - abs(z))


def soft(z):  # the soft spike: the curve that has the slope psi everywhere
    return max(0, min(1, 1 + z)) ** 2 / 2 + half - max(0, 1 - max(0, z)) ** 2 / 2


z = [Fraction(k, 50) for k in range(-75, 76)]
lines = {"spike": (z, map(step, z)), "slope ψ": (z, map(psi, z)), "soft spike": (z, map(soft, z))}
pictures.show(pictures.curves(lines, "z = u - V_th", ""), "2-surrogate")

# %% [markdown]
# ## Backwards through time
#
# The weight acts on $u[2]$ in two ways: by $x[2]$, and by $x[1]$, which has waited in the membrane and is multiplied by
# $\lambda$. *Backpropagation through time* (BPTT) sums over all ways, from the last step to the first. Let $\delta[t]$
# be how much the loss changes with $u[t]$, and $e[t] = s[t] - y$, the *error*, how much it changes with $s[t]$. After
# the last step, take $\delta[T+1] = 0$.
#
# $$
# \delta[t] = \psi[t]\, e[t] + \lambda\, \delta[t+1], \qquad \text{gradient} = \textstyle\sum_t \delta[t]\, x[t]
# $$
#
# One more way leads through the reset: $s[1]$ lowers $u[2]$ by $\lambda V_{th}$. The paper leaves it out: the reset is
# *detached*. If it is *kept*, $\lambda (1 - V_{th}\psi[t])$ stands in the place of $\lambda$. **Predict** the gradient
# with the reset detached: first $\psi[1]$, $\psi[2]$ and the errors, then $\delta[2]$, then $\delta[1]$.


# %%
def run(w, inputs, target, fire=step, kept=0):
    """The loss of one neuron, and its gradient by BPTT."""
    potential, spike, delta, loss, gradient, record = 0, 0, 0, 0, 0, []
    for x in inputs:
        potential = half * (potential - spike) + w * x
        spike = fire(potential - 1)
        loss += half * (spike - target) ** 2
        record.append((x, psi(potential - 1), spike - target))
    for x, slope, error in reversed(record):
        delta = slope * error + half * (1 - kept * slope) * delta
        gradient += delta * x
    return loss, gradient


print("detached:", run(w, x, y)[1], " kept:", run(w, x, y, kept=1)[1])

# %% [markdown]
# **By hand**: $\psi[1] = \psi(-1/4) = 3/4$ and $\psi[2] = \psi(1/8) = 7/8$; the errors are 0 and 1. So
# $\delta[2] = 7/8$, $\delta[1] = \frac34 \cdot 0 + \frac12 \cdot \frac78 = \frac7{16}$, and the gradient is
# $\frac7{16} + \frac78 = \frac{21}{16}$. It is positive: a smaller weight makes the loss smaller.
#
# Now a second neuron gets the spikes of the first as its input, with the weight $w^2 = \frac54$, and gives the answer.
# (Raised numbers are layers here, not powers.) So the error of the first is $e^1[t] = w^2 \delta^2[t]$. **Predict**
# both gradients. The library has BPTT on a page of plain loops, `ottt_ref/plain/bptt.py`. Its networks end in a
# *readout*, weights without neurons; 1 hands out spikes as they are.


# %%
def page(method, weights, inputs, target, **options):
    """The gradients of a row of neurons, one for each weight, by a page of the library."""
    found, _ = method.gradients(
        [[[each]] for each in (*weights, 1)], [[0]] * (len(weights) + 1), [[each] for each in inputs], [target],
        half, 1, psi, lambda outputs, targets, time_steps: [Fraction(outputs[0] - targets[0])], **options,
    )  # fmt: skip
    return [gradient[0][0] for gradient in found[:-1]]


print("two neurons:", *page(plain.bptt, [w, Fraction(5, 4)], x, y))
assert page(plain.bptt, [w, Fraction(5, 4)], x, y) == [Fraction(405, 256), Fraction(3, 4)]
assert run(w, x, y) == (half, Fraction(21, 16)) and page(plain.bptt, [w], x, y) == [Fraction(21, 16)]

# %% [markdown]
# By hand: $u^2 = (0, \frac54)$, $\psi^2 = (0, \frac34)$, $\delta^2 = (\frac38, \frac34)$,
# $e^1 = (\frac{15}{32}, \frac{15}{16})$, $\delta^1 = (\frac{195}{256}, \frac{210}{256})$. The inputs are $x = (1, 1)$
# and $s^1 = (0, 1)$, so the gradients are $\frac{195}{256} + \frac{210}{256} = \frac{405}{256}$ and $\frac34$.
#
# Is it the gradient of anything? Yes: of the loss, if neurons send the *soft spike* of the picture instead, also in the
# reset. Then all is smooth, and BPTT with the reset kept finds what a little change of $w$ shows.

# %%
little, by_bptt = Fraction(1, 10**6), run(w, x, y, soft, kept=1)[1]
by_changing = (run(w + little, x, y, soft)[0] - run(w - little, x, y, soft)[0]) / (2 * little)
print(f"by changing w: {float(by_changing):.6f}, by BPTT: {float(by_bptt):.6f}")
assert abs(by_changing - by_bptt) < little

# %% [markdown]
# ## Exercises
#
# 1. Now $y = 1$ and $x = (1, 1)$. Find a weight with which the neuron is *dead*: it never fires, and the gradient is 0.
# 2. By hand: the gradients with $w = 1$, $x = (1, 0, 1)$ and $y = 0$, a pair: the reset detached, and kept.


# %%
@exercise
def exercise_1(weight):
    assert run(weight, [1, 1], 1)[0] == 1, "It fires."
    assert run(weight, [1, 1], 1)[1] == 0, f"The gradient is {run(weight, [1, 1], 1)[1]}."


@exercise
def exercise_2(gradients):
    right = [page(plain.bptt, [1], [1, 0, 1], 0, reset_gradient=reset)[0] for reset in ("detached", "kept")]
    assert list(gradients) == right, "First the potentials, then ψ, then δ from the end."


exercise_1(...)
exercise_2(...)
