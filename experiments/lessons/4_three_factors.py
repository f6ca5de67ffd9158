# %% [markdown]
# # 4. Three factors: what a synapse on a chip must know
#
# A *synapse* is the place where the spikes of one neuron, the *presynaptic* one, $j$, enter another, the *postsynaptic*
# one, $i$. Its weight is $w_{ij}$. On a chip, as in a brain, a synapse can only use what is there where it is, and now.
# This lesson shows that OTTT asks for no more, except the error, which must be sent to it. In each time step it changes
# the weight by minus a small number, the learning rate $\eta$, times
#
# $$
# \hat a_j[t] \;\cdot\; \psi_i[t] \;\cdot\; e_i[t]
# $$

# %%
from fractions import Fraction

import numpy as np
import pictures
from exercises import exercise, lesson

import ottt_ref as ot

psi, half = lesson("2_surrogate_gradients_and_bptt").psi, Fraction(1, 2)
words = "A synapse between two neurons, and the three numbers that come to it: trace, surrogate derivative, error."
pictures.show(pictures.synapse(), "4-synapse", words)

# %% [markdown]
# 1. **Presynaptic**: the trace $\hat a_j$, what neuron $j$ has sent, old spikes counting less. Neuron $j$ keeps it for
#    all synapses that it leads to.
# 2. **Postsynaptic**: $\psi_i$, how near the potential of neuron $i$ is to its threshold. Far away, a change would do
#    nothing.
# 3. **From above**: the error $e_i$, how the loss changes with the spike of neuron $i$. It says whether a spike is good
#    or bad. Factors 2 and 3 together are $g_i = \psi_i\, e_i$. (In lesson 3 the first neuron has the error
#    $e^1 = w^2\, \psi^2\, e$ from the neuron above it. So $g = \psi^1\, e^1$, as here.)
#
# The first two alone are Hebb's old idea: what is active together is connected. The third makes it *learning from
# errors*. Rules of this form are called three-factor rules.
#
# ## Why a trace?
#
# The first input is a *cue*, in step 1. The second is a *question*, in step 2. The neuron should fire at the question
# if there was a cue, and else not. At the start, $w = (0, 3/4)$; the learning rate is $\eta = 1/2$.
#
# **Predict**: when the answer is wrong in step 2, can the synapse of the cue know that it should change? With the trace
# it can: 1/2 of the cue is left. With the present input alone, which is 0 by then, it cannot. That is SLTT, which does
# not wait.

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
print(f"with a trace: {wrong} of 4 answers wrong, weights {[float(w) for w in ottt]}")
print(f"without: {still_wrong} of 4 wrong, weight of the cue {sltt[0]}")
assert wrong == 0 and still_wrong > 0 and sltt[0] == 0

# %% [markdown]
# The weights changed after every time step, while the sequence went on. The paper calls this OTTT$_O$, *online*. Adding
# the changes up until the end of the sequence is OTTT$_A$, *accumulated*: the gradient of lesson 3.
#
# ## Nothing of the future
#
# Here are two sequences with the same first two steps. **Predict**: for which method is what the first two steps add to
# the gradient the same in both? For OTTT: its factors at $t$ are made of steps up to $t$. For BPTT it differs, because
# it pairs the inputs of the first steps with errors of later ones.

# %%
rng = np.random.default_rng(0)
network, labels = ot.dense_network([3, 4, 2], rng=rng), np.array([0])  # 3 inputs, 4 neurons, 2 outputs; class 0
one = rng.random((4, 1, 3))  # [time steps, samples, inputs]
other = np.concatenate([one[:2], 1 - one[2:]])
for name, method in {"OTTT": ot.ottt, "BPTT": ot.bptt}.items():
    # terms: what each time step adds
    added = [method.gradients(network, x, labels, terms=True).terms["layer0.weight"][:2] for x in (one, other)]
    same = np.array_equal(*added)
    print(f"{name}: the first two steps add the same: {same}")
    assert same == (method is ot.ottt)

# %% [markdown]
# ## Memory
#
# A learner carries potentials, spikes and traces from one step to the next. **Predict**: how many bytes more does it
# need for 200 steps than for 2? (None.)

# %%
learner, sizes = ot.ottt.OnlineLearner(network, ot.training.SGD(0.01)), []
for _ in range(200):
    learner.step(rng.random((1, 3)), labels)
    sizes.append(learner.state_bytes)
assert len(set(sizes)) == 1
print("bytes carried, in every one of 200 steps:", sizes[0])

# %% [markdown]
# The error is not local. That of a hidden neuron, $e_j = \sum_i w_{ij}\, g_i$, needs the weights of the synapses
# above it. Where a chip cannot send errors back through the same weights, fixed random numbers can take their
# place: `ot.methods.FeedbackMatrices`. What is computed is then no longer this gradient.
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
    assert list(pair) == [traces, wide.network.parameters["layer0.weight"].size], (
        "Who keeps a trace: neurons or synapses?"
    )


@exercise
def exercise_3(errors_below):
    w, g = rng.integers(-3, 4, (2, 3)), rng.integers(-3, 4, 2)
    assert list(errors_below(w.tolist(), g.tolist())) == (w.T @ g).tolist(), "Go through the synapses that j leads to."


exercise_1(...)
exercise_2(...)
exercise_3(...)
