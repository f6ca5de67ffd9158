# %% [markdown]
# # 7. Write your own rule, and have it checked
#
# A *rule* says which paths count in a gradient, and how much. Here are the two neurons of lesson 3, with weights of 1,
# and one path. For OTTT it counts $\lambda^2 = 1/4$: that much of the input is left in the trace in step 3.

# %%
from itertools import accumulate, combinations_with_replacement

import numpy as np
import pictures
from exercises import exercise

import ottt_ref as ot
from ottt_ref.conformance.suite import Suite

pictures.show(pictures.paths(3, [(0, 2, 2)]), "7-path")

# %% [markdown]
# Now we make a mistake on purpose: in the trace, what is new leaks before it is used, $\lambda\, (\hat x[t-1] + x[t])$.
# **Predict** both traces of the input $(0, 1, 0, 0, 1, 1)$, by hand. What does the path count with the wrong one?

# %%
print("right", *accumulate((0, 1, 0, 0, 1, 1), lambda trace, new: 0.5 * trace + new))
print("wrong", *accumulate((0, 1, 0, 0, 1, 1), lambda trace, new: 0.5 * (trace + new)))

# %% [markdown]
# The wrong trace is half as large everywhere, and the path counts 1/8. Which checks find that? A rule is a class. A
# *connection* leads into a layer. Errors are multiplied by `presynaptic` for its weights, by `bias_input` for biases
# (weights of an input 1). Before that, `advance` changes `state`, from the *activity*: inputs and spikes of the step.


# %%
class Trace(ot.methods.Rule):
    def __init__(self, network, batch_size):
        super().__init__(network, batch_size)
        for c in network.connections:
            self.state[c.name] = np.zeros((batch_size, *network.shape_of(c.source)), network.dtype)
        self.state["one"] = np.zeros(1, network.dtype)  # the trace of the biases' input

    def advance(self, activity):
        for c in self.network.connections:
            self.state[c.name][...] = self.next(self.state[c.name], activity.presynaptic(c))
        self.state["one"][...] = self.next(self.state["one"], 1)

    def next(self, trace, new):
        return self.network.decay(0) * trace + new  # λ of the first layer; all layers have the same here

    def presynaptic(self, connection, activity):
        return self.state[connection.name]

    def bias_input(self, l):  # a readout has no membrane in which anything could wait
        return self.state["one"] if self.network.layers[l].neuron.spiking else np.ones_like(self.state["one"])


class Leaked(Trace):
    def next(self, trace, new):
        return self.network.decay(0) * (trace + new)


# %% [markdown]
# ## First check: is the direction right?
#
# Gradients are often compared by their *cosine*, which is 1 for the same direction. **Predict** it for the mistake.

# %%
network, inputs, labels = ot.dense_network([4, 8, 3], rng=0), np.random.default_rng(1).random((6, 3, 4)), np.arange(3)
expected = ot.ottt.gradients(network, inputs, labels)["layer0.weight"]
for rule in (Trace, Leaked):
    found = ot.methods.gradients(rule, network, inputs, labels)["layer0.weight"]
    cosine = (found * expected).sum() / np.sqrt((found**2).sum() * (expected**2).sum())
    print(f"{rule.__name__}: cosine {cosine:.4f}, equal: {np.allclose(found, expected)}")
    assert round(cosine, 12) == 1 and np.allclose(found, expected) == (rule is Trace)

# %% [markdown]
# The cosine does not see it: half a vector has the same direction. So compare numbers.
#
# ## Second check: paths
#
# Which paths $(t_0, t_1, t_2)$ of lesson 3 does a rule keep, and what do they count? Ask it: let the input be 1 at
# $t_0$ alone, $\psi$ of the first neuron at $t_1$ alone, the error at $t_2$ alone, and $\psi$ of the second neuron
# always. Then one path alone adds anything. **Predict** which `Trace` keeps, and `Leaked`.


# %%
def factors(rule, steps=3):
    """What each path (t0, t1, t2), counted from 0, counts by a rule, in a row of two neurons with weights of 1."""
    row = ot.dense_network([1, 1, 1], readout="spiking", rng=0)
    row.parameters.update({name: np.ones_like(value) for name, value in row.parameters.items()})
    result, impulse = {}, np.eye(steps)[:, :, None, None]  # impulse[t] is 1 at t
    for t0, t1, t2 in combinations_with_replacement(range(steps), 3):
        activity = ot.simulate(row, np.ones((steps, 1, 1)))
        psi1, psi2 = activity.surrogate_derivatives
        activity.inputs[...], psi1[...], psi2[...] = impulse[t0], impulse[t1], 1
        sums = ot.methods.accumulate(rule, row, activity, impulse[t2]).values  # the gradients of what we made up
        result[t0, t1, t2] = sums["layer0.weight"].item()
    return result


by_trace, by_leaked = factors(Trace), factors(Leaked)
print(*(f"{path}: {by_trace[path]:g}, {by_leaked[path]:g}" for path in by_trace if by_trace[path]), sep="\n")
assert by_trace == {(t0, t1, t2): 0.5 ** (t1 - t0) * (t1 == t2) for t0, t1, t2 in by_trace}
assert by_leaked == {path: factor / 2 for path, factor in by_trace.items()}

# %% [markdown]
# ## Third check: the conformance kit
#
# Both keep the same six. The *conformance kit* checks implementations of methods: it has cases with known results. An
# *adapter* runs a case by a rule. **Predict** who passes.


# %%
def verdict(rule):
    def adapter(case, method):
        return ot.methods.gradients(rule, case.network, case.inputs, case.targets, case.loss)

    adapter.methods = ("ottt",)
    return Suite(adapter).verdict("dense-decay-0.9", "ottt")  # a case with λ = 0.9


for rule, found in {"Trace": verdict(Trace), "Leaked": verdict(Leaked)}.items():
    print(rule, found.outcome, *(f"{diagnosis.name}: {diagnosis.says}" for diagnosis in found.diagnoses))
    assert (found.outcome == "passed") == (rule == "Trace")

# %% [markdown]
# The kit knows many mistakes by name, and this one is *trace-leaked*. For all cases, put `adapter` into `my_rules.py`,
# outside a function, and run `ottt-ref conform my_rules:adapter`. (`Trace` fails in some: several λ, max pooling.)
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
