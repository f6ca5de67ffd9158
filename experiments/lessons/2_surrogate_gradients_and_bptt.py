# %% [markdown]
# # 2. Surrogate gradients, and BPTT by hand
#
# A network learns by changing its *weights*, the numbers that inputs are multiplied by, so that a *loss* becomes
# smaller. It needs the *gradient*: by how much the loss changes, per change of a weight. With spikes this fails at
# first.
#
# Our network is one neuron of lesson 1, with $\lambda = 1/2$ and $V_{th} = 1$. Its current is $w\,x[t]$, an input times
# a weight. In each step its answer should be $y$. The loss is $L = \sum_t \frac12 (s[t] - y)^2$.

# %%
from fractions import Fraction

import pictures
from exercises import exercise

from ottt_ref import plain

half = Fraction(1, 2)


def step(z):  # the spike, of z = u - V_th
    return 1 if z >= 0 else 0


def psi(z):
    """The surrogate's slope: 1 at the threshold, 0 from a distance of 1 on."""
    return max(0, 1 - abs(z))


def soft(z):
    """The soft spike: the curve that has the slope psi everywhere."""
    rising = max(0, min(1, 1 + z)) ** 2 / 2
    return rising + half - max(0, 1 - max(0, z)) ** 2 / 2


z = [Fraction(k, 50) for k in range(-75, 76)]
lines = {"spike": (z, map(step, z)), "slope ψ": (z, map(psi, z)), "soft spike": (z, map(soft, z))}
words = "The spike jumps from 0 to 1 at the threshold. Psi is a triangle there. The soft spike rises smoothly."
pictures.show(pictures.curves(lines, "z = potential - threshold", ""), "2-surrogate", words)


# %% [markdown]
# ## Why the true gradient is of no use
#
# **Predict** the loss for $x = (1, 1)$, $w = 3/4$ and $y = 0$. By how much does it change if $w$ grows by 1/1000?
#
# The potentials are 3/4 and 9/8, so the spikes are 0 and 1, and the loss is 1/2. A slightly larger weight gives the
# same spikes, so the same loss: the gradient is 0. The dotted line in the picture is flat everywhere, but for the jump.
#
# Here is the trick. Forwards, the neuron fires real spikes. Backwards, where the chain rule asks for the slope of the
# spike, we put another one, $\psi(z)$: large near the threshold, small far away. It is called the *surrogate*
# (substitute) *derivative*, and what comes out is the *surrogate gradient*.
#
# ## Backwards through time
#
# The potential of step 1 leaks into step 2. So $w$ acts on $u[2]$ in two ways: by $x[2]$, and by $x[1]$, which has
# waited in the membrane and is multiplied by $\lambda$. The chain rule sums over all ways. *Backpropagation through
# time* (BPTT) does this sum from the last step to the first. Let $\delta[t]$ be how much the loss changes with $u[t]$,
# and $e[t] = s[t] - y$ with $s[t]$ (the *error*). After the last step there is no $\delta$: take $\delta[T+1] = 0$.
#
# $$
# \delta[t] = \psi[t]\, e[t] + \lambda\, \delta[t+1], \qquad \text{gradient} = \textstyle\sum_t \delta[t]\, x[t]
# $$
#
# One more way leads through the reset: $s[1]$ lowers $u[2]$ by $\lambda V_{th}$. Most people, and the paper, leave it
# out (the reset is *detached*). If it is *kept*, $\lambda (1 - V_{th}\psi[t])$ stands in the place of $\lambda$.


# %%
def run(w, inputs, target, fire=step, kept=0):
    """The loss of one neuron, and its gradient by BPTT."""
    potential, spike, loss, record = 0, 0, 0, []
    for x in inputs:
        potential = half * (potential - spike) + w * x
        spike = fire(potential - 1)
        loss += half * (spike - target) ** 2
        record.append((x, psi(potential - 1), spike - target))
    delta, gradient = 0, 0
    for x, slope, error in reversed(record):
        delta = slope * error + half * (1 - kept * slope) * delta
        gradient += delta * x
    return loss, gradient


w, x = Fraction(3, 4), [1, 1]
assert run(w, x, 0)[0] == run(w + Fraction(1, 1000), x, 0)[0] == half
print("detached:", run(w, x, 0)[1], " kept:", run(w, x, 0, kept=1)[1])

# %% [markdown]
# **By hand**: $\psi[1] = \psi(-1/4) = 3/4$ and $\psi[2] = \psi(1/8) = 7/8$; the errors are 0 and 1. So
# $\delta[2] = 7/8$, $\delta[1] = \frac34 \cdot 0 + \frac12 \cdot \frac78 = \frac7{16}$, and the gradient is
# $\frac7{16} + \frac78 = \frac{21}{16}$. It is positive: a smaller weight makes the loss smaller.
#
# The library has BPTT on one page of plain loops, `ottt_ref/plain/bptt.py`. Its networks end in a *readout*, weights
# without a neuron. A readout of weight 1 hands out the spikes as they are. Put a second neuron before it.
# The first then gets its error from the second, through $w^2$: $e^1[t] = w^2 \delta^2[t]$. (Raised numbers are layers
# here, not powers.) By hand, with $w^2 = \frac54$: $u^2 = (0, \frac54)$, $e^2 = (0, 1)$, $\psi^2 = (0, \frac34)$,
# $\delta^2 = (\frac38, \frac34)$, $e^1 = (\frac{15}{32}, \frac{15}{16})$ and
# $\delta^1 = (\frac{195}{256}, \frac{210}{256})$. The gradients: $\frac{405}{256}$ for $w^1$, $\frac34$ for $w^2$.


# %%
def page(method, weights, inputs, target, **options):
    """The gradients of a row of neurons, one for each weight, by a page of the library."""
    found, _ = method.gradients(
        [[[each]] for each in (*weights, 1)], [[0]] * (len(weights) + 1), [[each] for each in inputs], [target],
        half, 1, psi, lambda outputs, targets, time_steps: [Fraction(outputs[0] - targets[0])], **options,
    )  # fmt: skip
    return [gradient[0][0] for gradient in found[:-1]]


assert page(plain.bptt, [w], x, 0) == [run(w, x, 0)[1]] == [Fraction(21, 16)]
assert page(plain.bptt, [w, Fraction(5, 4)], x, 0) == [Fraction(405, 256), Fraction(3, 4)]  # by hand, see above

# %% [markdown]
# ## Is it the gradient of anything?
#
# Yes. Let the neuron send the *soft spike* of the picture instead, also in the reset. Now everything is smooth, and
# BPTT with the reset kept is the true gradient: changing $w$ a little shows it.

# %%
little = Fraction(1, 10**6)
wiggled = (run(w + little, x, 0, soft)[0] - run(w - little, x, 0, soft)[0]) / (2 * little)
print(f"by changing w: {float(wiggled):.6f}, by BPTT: {float(run(w, x, 0, soft, kept=1)[1]):.6f}")
assert abs(wiggled - run(w, x, 0, soft, kept=1)[1]) < little

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
