# %% [markdown]
# # 4. Three factors: what a synapse on a chip must know
#
# A *synapse* is the place where the spikes of one neuron, or an input, enter another neuron. It has a weight. Here are
# two synapses. The first input is a *cue*, which comes in step 1 or not at all. The second is a *question*, in step 2.
# The neuron should fire at the question if there was a cue, and else not. The picture shows the case with a cue. At the
# start the weights are $w = (0, 3/4)$; $\lambda = 1/2$ and $V_{th} = 1$.

# %%
from fractions import Fraction

import numpy as np
import pictures
from exercises import exercise, lesson

import ottt_ref as ot

psi, neuron, half = lesson("2_surrogate_gradients_and_bptt").psi, lesson("1_lif_neuron").neuron, Fraction(1, 2)
pictures.show(pictures.network(["cue: 1, 0", "question: 0, 1"], [[["0", "3/4"]]], ["y = 0, 1"]), "4-network")

# %% [markdown]
# **Predict**: is the answer in step 2 right? If not, which weight should grow? And what does the synapse of the cue
# know of the cue in step 2, if it only sees what comes in now?

# %%
potentials, spikes = neuron([0, Fraction(3, 4)])  # the currents: 0 · 1 + 3/4 · 0 in step 1, 0 · 0 + 3/4 · 1 in step 2
print("potentials", *potentials, " spikes", *spikes)
assert (potentials, spikes) == ([0, Fraction(3, 4)], [0, 0])
pictures.show(pictures.synapse(), "4-synapse")

# %% [markdown]
# No spike: the answer is wrong. The cue's weight should grow, so that something of the cue is in the membrane when the
# question comes. But in step 2 the cue's input is 0 again. On a chip, as in a brain, a synapse can only use what is
# there where it is, and now. Let $j$ be the neuron or input before the synapse, the *presynaptic* one, and $i$ the
# neuron behind it, the *postsynaptic* one. In each step OTTT changes the weight $w_{ij}$ by minus a small number, the
# *learning rate* $\eta$, times three factors:
#
# $$
# \hat a_j[t] \;\cdot\; \psi_i[t] \;\cdot\; e_i[t]
# $$
#
# 1. **Presynaptic**: the trace $\hat a_j$, what $j$ has sent, old spikes counting less. One number for all synapses
#    that $j$ leads to.
# 2. **Postsynaptic**: $\psi_i$, how near the potential of $i$ is to its threshold. Far away, a change would do nothing.
# 3. **From above**: the error $e_i$, how the loss changes with the spike of $i$. It says whether a spike is good or
#    bad. Factors 2 and 3 together are $g_i = \psi_i\, e_i$.
#
# The first two alone are Hebb's old idea: what is active together is connected. The third makes it learning from
# errors. **Predict**: in step 2, what is the trace of the cue? Can the neuron learn the task with traces? And with the
# present inputs alone (SLTT)? Let $\eta = 1/2$.

# %%
TASKS = [([(1, 0), (0, 1)], [0, 1]), ([(0, 0), (0, 1)], [0, 0])]  # inputs and answers of two steps: with a cue, without


def learn(weights, trace_decay, rate=half, rounds=20):
    """The weights after some rounds of both tasks, and how many answers were wrong in the last round."""
    for _ in range(rounds):
        wrong = 0
        for inputs, answers in TASKS:
            potential, spike, trace = 0, 0, [0, 0]
            for x, answer in zip(inputs, answers):
                potential = half * (potential - spike) + sum(w * each for w, each in zip(weights, x))
                spike = 1 if potential >= 1 else 0
                trace = [trace_decay * old + each for old, each in zip(trace, x)]  # factor 1
                slope, error = psi(potential - 1), spike - answer  # factors 2 and 3
                weights = [w - rate * each * slope * error for w, each in zip(weights, trace)]
                wrong += error != 0
    return weights, wrong


(ottt, wrong), (sltt, still_wrong) = learn([0, Fraction(3, 4)], half), learn([0, Fraction(3, 4)], 0)
print(f"with a trace: {wrong} of 4 answers wrong, weights", *(round(float(w), 2) for w in ottt))
print(f"without: {still_wrong} of 4 wrong, weight of the cue {sltt[0]}")
assert wrong == 0 and still_wrong > 0 and sltt[0] == 0

# %% [markdown]
# Half of the cue is left in its trace, and the cue's weight grows; without traces it stays 0. The weights changed after
# every time step, while the sequence went on. The paper calls this OTTT$_O$, *online*. Adding the changes up until the
# end of the sequence is OTTT$_A$, *accumulated*: the gradient of lesson 3.
#
# ## Nothing of the future
#
# Here are two sequences with the same first two steps. **Predict**: for which method, OTTT or BPTT, do the first two
# steps add the same to the gradient in both?

# %%
rng = np.random.default_rng(0)
network, labels = ot.dense_network([3, 4, 2], rng=rng), np.array([0])  # 3 inputs, 4 neurons, 2 outputs: 0 is right
one = rng.random((4, 1, 3))  # [time steps, samples, inputs]
other = np.concatenate([one[:2], 1 - one[2:]])
for name, method in {"OTTT": ot.ottt, "BPTT": ot.bptt}.items():
    added = [method.gradients(network, x, labels, terms=True).terms["layer0.weight"][:2] for x in (one, other)]
    same = np.array_equal(*added)
    print(f"{name}: the first two steps add the same: {same}")
    assert same == (method is ot.ottt)

# %% [markdown]
# For OTTT: its factors at $t$ are made of steps up to $t$. BPTT pairs the inputs of the first steps with later errors.
#
# ## Memory
#
# A learner carries potentials, spikes and traces from one step to the next. **Predict**: how many bytes more does it
# need for 200 steps than for 2?

# %%
learner, sizes = ot.ottt.OnlineLearner(network, ot.training.SGD(0.01)), []
for _ in range(200):
    learner.step(rng.random((1, 3)), labels)
    sizes.append(learner.state_bytes)
print("bytes carried, in every one of 200 steps:", *set(sizes))
assert len(set(sizes)) == 1

# %% [markdown]
# None. But the error is not local. That of a neuron $j$ which leads to others, $e_j = \sum_i w_{ij}\, g_i$, needs the
# weights of the synapses above it (in lesson 3, $e^1 = w^2\, g^2$). Where a chip cannot send errors back through the
# same weights, fixed random numbers can take their place, `ot.methods.FeedbackMatrices`, for another gradient.
#
# ## Exercises
#
# 1. By hand: with $w = (0, 3/4)$, by how much does the first wrong answer change the weight of the cue, with the trace?
# 2. How many traces does OTTT keep for the weights from 100 inputs to 50 neurons? And how many numbers does a method
#    need that keeps one for each synapse, as *real-time recurrent learning* (RTRL) does in one layer? A pair.
# 3. Write a function of $w$ (a list of rows $i$) and $g$ (a list over $i$) that returns the list of all $e_j$.


# %%
@exercise
def exercise_1(change):
    assert change == -half * half * psi(Fraction(3, 4) - 1) * (0 - 1), "The learning rate is 1/2, and so is the trace."


@exercise
def exercise_2(pair):
    wide = ot.ottt.OnlineLearner(ot.dense_network([100, 50], readout="spiking", rng=0), ot.training.SGD(0.01))
    wide.step(np.ones((1, 100)), labels)
    traces = sum(state.size for name, state in wide.rule.carried.items() if name.startswith("trace"))
    assert list(pair) == [traces, wide.network.parameters["layer0.weight"].size], "Who keeps a trace?"


@exercise
def exercise_3(errors_below):
    w, g = rng.integers(-3, 4, (2, 3)), rng.integers(-3, 4, 2)
    assert list(errors_below(w.tolist(), g.tolist())) == (w.T @ g).tolist(), "Go through the synapses that j leads to."


exercise_1(...)
exercise_2(...)
exercise_3(...)
