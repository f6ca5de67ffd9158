# %% [markdown]
# # 7. Write your own rule, and have it checked
#
# A *rule* says what is carried from one time step to the next, and what errors are multiplied by. All else is the
# library's affair. Here you write OTTT again as a rule, and make a mistake in it on purpose: in the picture, the new
# spike leaks before it is used. Which checks find it?

# %%
from itertools import accumulate, combinations_with_replacement

import numpy as np
import pictures
from exercises import exercise

import ottt_ref as ot
from ottt_ref.conformance.suite import Suite

spikes, steps = (0, 1, 0, 1, 1, 0, 0), range(7)  # at the start there is no trace
lines = {"λ â + s": (steps, accumulate(spikes, lambda trace, spike: 0.5 * trace + spike))}
lines["λ (â + s)"] = steps, accumulate(spikes, lambda trace, spike: 0.5 * (trace + spike))
words = "Two traces of the same spikes over six time steps. The wrong one is half as large everywhere."
pictures.show(pictures.curves(lines, "time step", "trace"), "7-traces", words)


# %% [markdown]
# ## A rule
#
# A *connection* leads into a layer. Errors are multiplied by `presynaptic` for its weights, by `bias_input` for biases.
# In each step `advance` comes first: it takes in the step's *activity*, and changes what `state` carries to the next.


# %%
class Trace(ot.methods.Rule):
    def __init__(self, network, batch_size):
        super().__init__(network, batch_size)
        self.decay = network.decay(0)  # λ of the first layer; all layers have the same here
        for c in network.connections:
            self.state[c.name] = np.zeros((batch_size, *network.shape_of(c.source)), network.dtype)
        self.state["one"] = np.zeros(1, network.dtype)  # a bias is the weight of an input that is always 1

    def advance(self, activity):
        for c in self.network.connections:
            self.state[c.name][...] = self.next(self.state[c.name], activity.presynaptic(c))
        self.state["one"][...] = self.next(self.state["one"], 1)

    def next(self, trace, new):
        return self.decay * trace + new

    def presynaptic(self, connection, activity):
        return self.state[connection.name]

    def bias_input(self, l):  # a readout has no membrane in which anything could wait
        return self.state["one"] if self.network.layers[l].neuron.spiking else np.ones_like(self.state["one"])


class Leaked(Trace):
    def next(self, trace, new):
        return self.decay * (trace + new)


# %% [markdown]
# ## First check: is the direction right?
#
# Gradients are often compared by their *cosine*, 1 for the same direction. **Predict** it for the mistake.

# %%
rng = np.random.default_rng(0)
network, inputs, labels = ot.dense_network([4, 8, 3], rng=rng), rng.random((6, 3, 4)), np.array([0, 1, 2])
expected = ot.ottt.gradients(network, inputs, labels)["layer0.weight"]
for rule in (Trace, Leaked):
    found = ot.methods.gradients(rule, network, inputs, labels)["layer0.weight"]
    cosine = (found * expected).sum() / np.sqrt((found**2).sum() * (expected**2).sum())
    print(f"{rule.__name__}: cosine {cosine:.4f}, equal: {np.allclose(found, expected)}")
    assert round(cosine, 12) == 1 and np.allclose(found, expected) == (rule is Trace)

# %% [markdown]
# The cosine does not see it. So compare numbers (`allclose` means equal up to rounding), not directions.
#
# ## Second check: paths
#
# Which paths of lesson 3 does a rule keep, with which factor? Ask it: let there be one input spike, at $t_0$, one step
# $t_1$ in which $\psi$ of the first neuron is 1, and one error, at $t_2$; else they are 0. $\psi$ of the second neuron
# is 1 always. Then one path alone adds anything. **Predict** the factor of (1, 3, 3) by `Trace`, and by `Leaked`.


# %%
def factors(rule, steps=3):
    """The factor of each path (t0, t1, t2) by a rule, in a row of two neurons with weights of 1."""
    row = ot.dense_network([1, 1, 1], readout="spiking", rng=0)
    for name, value in row.parameters.items():
        row.parameters[name] = np.ones_like(value)
    result, impulse = {}, np.eye(steps)[:, :, None, None]  # impulse[t] is 1 at t
    for t0, t1, t2 in combinations_with_replacement(range(steps), 3):
        activity = ot.simulate(row, np.ones((steps, 1, 1)))
        activity.inputs[...], activity.surrogate_derivatives[0][...] = impulse[t0], impulse[t1]
        activity.surrogate_derivatives[1][...] = 1
        sums = ot.methods.accumulate(rule, row, activity, impulse[t2])  # the rule's sums for what we made up
        result[t0 + 1, t1 + 1, t2 + 1] = sums.values["layer0.weight"].item()
    return result


by_trace, by_leaked = factors(Trace), factors(Leaked)
print(*(f"{path}: {by_trace[path]:g}, {by_leaked[path]:g}" for path in by_trace if by_trace[path]), sep="\n")
assert by_trace == {(t0, t1, t2): 0.5 ** (t1 - t0) * (t1 == t2) for t0, t1, t2 in by_trace}
assert (by_trace[1, 3, 3], by_leaked[1, 3, 3]) == (1 / 4, 1 / 8)

# %% [markdown]
# ## Third check: the conformance kit
#
# The kit has cases with known results, and knows many mistakes by name. An *adapter* runs a case by your rule.


# %%
def verdict(rule):
    def adapter(case, method):
        return ot.methods.gradients(rule, case.network, case.inputs, case.targets, case.loss)

    adapter.methods = ("ottt",)
    return Suite(adapter).verdict("dense-decay-0.9", "ottt")  # a case with λ = 0.9


assert verdict(Trace).outcome == "passed" and verdict(Leaked).outcome == "failed"
print(*(f"{diagnosis.name}: {diagnosis.says}" for diagnosis in verdict(Leaked).diagnoses))

# %% [markdown]
# It says *trace-leaked*, and why; an unknown mistake fails without a name. All cases: put `adapter` into `my_rules.py`,
# outside a function, and run `ottt-ref conform my_rules:adapter`. `Trace` fails in some, of several λ or max pooling.
#
# ## Exercises
#
# 1. Write SLTT, the rule that waits nowhere, as a class: take `Trace`, and change one method.
# 2. A rule with a short memory: it keeps the paths that wait at most one step in the first neuron, and nowhere else.
#    (In `advance`, keep $s[t] + \lambda\, s[t-1]$, which multiplies errors, and $s[t]$ for the next step: two arrays.)


# %%
@exercise
def exercise_1(rule):
    assert factors(rule) == {(a, b, c): float(a == b == c) for a, b, c in by_trace}, f"It keeps {factors(rule)}."


@exercise
def exercise_2(rule):
    expected = {(a, b, c): 0.5 ** (b - a) * (b - a <= 1) * (b == c) for a, b, c in factors(Trace, 4)}
    assert factors(rule, 4) == expected, f"It keeps {factors(rule, 4)}."


exercise_1(...)
exercise_2(...)
