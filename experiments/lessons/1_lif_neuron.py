# %% [markdown]
# # 1. The LIF neuron and its rate
#
# The circle in the picture is a *neuron*. Time goes in steps, $t = 1, 2, 3, \dots$ In each step a number comes in, the
# *current* $I[t]$. Here it is always 3/4. In some of the steps the neuron sends out a *spike*, in the others nothing.

# %%
from fractions import Fraction

import numpy as np
import pictures  # it lies beside this lesson, as exercises does
from exercises import exercise

import ottt_ref as ot

half = Fraction(1, 2)
pictures.show(pictures.network(["I = 3/4, 3/4, ..."], [[[""]]], ["spikes: ?"]), "1-network")

# %% [markdown]
# The neuron keeps one number, its *membrane potential* $u$. (The membrane is the skin of a nerve cell.) In each step it
# does three things:
#
# 1. It **leaks**: it keeps only a share $\lambda$ (the *decay*, from 0 to 1) of its potential.
# 2. It **integrates**, which means adds up: it adds the current $I[t]$ that comes in.
# 3. It **fires** if the potential has reached the *threshold* $V_{th}$: it sends a spike, $s[t] = 1$. Otherwise
#    $s[t] = 0$. A spike costs $V_{th}$, which is taken off before the next step. This is the *reset*.
#
# Hence *leaky integrate-and-fire* neuron, LIF. In one formula, where potential and spike are 0 before step 1:
#
# $$
# u[t] = \lambda\,(u[t-1] - V_{th}\, s[t-1]) + I[t], \qquad s[t] = 1 \text{ if } u[t] \ge V_{th}, \text{ else } 0
# $$
#
# **Predict** before you read on. Let $V_{th} = 1$ and $\lambda = 1/2$, as in the paper (Xiao et al. 2022). What is the
# potential in the steps 1, 2 and 3, and when does the neuron fire? Another neuron gets the current 3/10 in every step.
# Why does it never fire, however long we wait? (Fractions are exact: nothing is rounded.)


# %%
def neuron(currents, decay=half, threshold=1):
    """The potentials and the spikes of a LIF neuron, two lists."""
    potentials, spikes = [0], [0]  # before the first step
    for current in currents:
        potentials.append(decay * (potentials[-1] - threshold * spikes[-1]) + current)
        spikes.append(1 if potentials[-1] >= threshold else 0)
    return potentials[1:], spikes[1:]


strong, weak = [Fraction(3, 4)] * 10, [Fraction(3, 10)] * 10
potentials, spikes = neuron(strong)
print("potentials with 3/4:", *potentials[:3], "...  spikes:", *spikes)
assert potentials[:3] == [Fraction(3, 4), Fraction(9, 8), Fraction(13, 16)] and spikes[:3] == [0, 1, 0]
print("potential after 50 steps with 3/10:", float(neuron(weak * 5)[0][-1]))
pictures.show(pictures.potentials({"current 3/4": (potentials, spikes), "current 3/10": neuron(weak)}), "1-potential")

# %% [markdown]
# Step 1: 3/4, no spike. Step 2: half of it is 3/8, and 3/4 more is 9/8: a spike. Step 3: the spike costs 1, half of the
# 1/8 that remains is 1/16, and 3/4 more is 13/16: no spike. With 3/10 the potential is $0.3 + 0.3/2 + 0.3/4 + \dots$,
# which stays below $0.3 / (1 - \lambda) = 0.6$. The leak takes as much as the current brings.
#
# ## How much does it fire? The weighted rate
#
# The paper measures a neuron's activity by a *weighted rate* $a$. It is a mean of the spikes, in which a spike that is
# $k$ steps old has the weight $\lambda^k$: old spikes count less. To compute it, keep a number that leaks and adds up
# spikes. It is called the *trace* $\hat a$, and we shall meet it again:
#
# $$
# \hat a[t] = \lambda\, \hat a[t-1] + s[t], \qquad a = \hat a[T] / \Lambda
# $$
#
# $T$ is the number of steps, and $\Lambda = 1 + \lambda + \dots + \lambda^{T-1}$ is the sum of all weights. **Predict**
# the rate of our neuron after three steps, with the spikes 0, 1, 0.


# %%
def weighted_mean(values, decay=half):
    """The mean of values, in which the newest has the weight 1, the one before it λ, then λ², and so on."""
    trace, weights = 0, 0
    for value in values:
        trace, weights = decay * trace + value, decay * weights + 1
    return trace / weights


print("rate after 3 steps:", weighted_mean(spikes[:3]), " after 10 steps:", f"{float(weighted_mean(spikes)):.2f}")
assert weighted_mean(spikes[:3]) == Fraction(2, 7)  # the trace is 0, 1, 1/2, and the weights are 1 + 1/2 + 1/4 = 7/4

# %% [markdown]
# ## Does the rate tell the current?
#
# Let $v[t] = u[t] - V_{th}\, s[t]$ be what is left after step $t$. The first formula says
# $v[t] = \lambda\, v[t-1] + I[t] - V_{th}\, s[t]$. That is how a trace is made: $v$ is the trace of the currents minus
# $V_{th}$ times the trace of the spikes. Divide by $\Lambda$ at the end: $v[T] / \Lambda = \bar I - V_{th}\, a$, where
# $\bar I$ is the weighted mean of the currents.
#
# Let the currents lie between 0 and $V_{th}$. If $v$ is at least 0 and below $V_{th}$, the next $u$ is below
# $2 V_{th}$, and $V_{th}$ is taken off where $u$ reaches it. So the next $v$ is below $V_{th}$, too, and $V_{th}\, a$
# misses $\bar I$ by less than $V_{th}/\Lambda$. **Predict**: is that much, for $T = 30$ and $\lambda = 1$? For 1/2?

# %%
currents, lines = [Fraction(k, 50) for k in range(51)], {}
for decay in (Fraction(1), half):
    rates = []
    for current in currents:
        potentials, spikes = neuron([current] * 30, decay)
        rates.append(weighted_mean(spikes, decay))
        assert rates[-1] == current - (potentials[-1] - spikes[-1]) / ot.rate_normaliser(decay, 30)  # a = I - v / Λ
    lines[f"λ = {decay}"] = currents, rates
    worst = max(current - rate for current, rate in zip(currents, rates))
    assert worst < 1 / ot.rate_normaliser(decay, 30)
    print(f"λ = {decay}: the rate misses the current by up to {float(worst):.2f}")
figure = pictures.curves({"rate = current": (currents, currents), **lines}, "constant current", "weighted rate")
pictures.show(figure, "1-rate")

# %% [markdown]
# For $\lambda = 1$, $\Lambda$ is $T$: the more steps, the better. For $\lambda = 1/2$,
# $\Lambda = 1 + 1/2 + 1/4 + \dots$ stays below 2, so the rate can be wrong by almost one half, in any number of steps.

# %%
# The library `ottt_ref` has this neuron, too. Arrays are [time steps, samples, neurons]; here one sample, one neuron.
layer = ot.Layer(ot.Dense(np.array([[1.0]]), bias=False), ot.LIF(decay=0.5, threshold=1.0))  # one input, weight 1
run = ot.simulate(ot.Network([layer]), np.full((10, 1, 1), 0.75))
assert run.potentials[0].ravel().tolist() == neuron(strong)[0]

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of the dots below, and run the cell. Write fractions as `Fraction(1, 16)`.
#
# 1. The smallest of the currents 1/16, 2/16, ... that fires a neuron with $\lambda = 3/4$ if it comes in 50 steps.
# 2. A list of six currents, each from 0 to 1, with which our neuron ($\lambda = 1/2$) never fires although their
#    weighted mean $\bar I$ is above 9/20.


# %%
@exercise
def exercise_1(current):
    assert sum(neuron([current] * 50, Fraction(3, 4))[1]) > 0, "It does not fire."
    assert sum(neuron([current - Fraction(1, 16)] * 50, Fraction(3, 4))[1]) == 0, "1/16 less fires as well."


@exercise
def exercise_2(currents):
    assert len(currents) == 6 and all(0 <= current <= 1 for current in currents), "Six numbers from 0 to 1, please."
    assert sum(neuron(currents)[1]) == 0, "It fires."
    assert weighted_mean(currents) > Fraction(9, 20), f"The mean is {float(weighted_mean(currents)):.3f}."


exercise_1(...)
exercise_2(...)
