"""Faults in neurons with numbers of their own: one for each neuron or channel, fixed or learned."""

from dataclasses import replace

from .mutant import of_library

MUTANTS = (
    *of_library(
        "network/each.py",
        (
            "the readout leaks by the first neuron's λ",
            "decay[i] * state[b, i] + value",
            "decay[0] * state[b, i] + value",
        ),
        ("soft reset of each not leaked", "decay * (u - threshold * s)", "(decay * u - threshold * s)"),
        (
            "unleaked reset of each leaked",
            "carried = decay * u - threshold * s",
            "carried = decay * (u - threshold * s)",
        ),
        ("hard reset of each to zero", "decay * (u - s * u + s * reset_potential)", "decay * (u - s * u)"),
        ("current of each decayed", "= carried + current[b, i]", "= carried + decay * current[b, i]"),
        ("H(0) = 0 of each", "potential[b, i] >= constants[1, i]", "potential[b, i] > constants[1, i]"),
        ("one threshold for all", "potential[b, i] >= constants[1, i]", "potential[b, i] >= constants[1, 0]"),
        (
            "surrogate around the first threshold",
            "potential[b, i] - constants[1, i]",
            "potential[b, i] - constants[1, 0]",
        ),
        (
            "reset gradient of each without the leak",
            "-= decay * threshold * surrogate_derivative[b, i]",
            "-= threshold * surrogate_derivative[b, i]",
        ),
        ("hard reset's leak of each not gated", "decay - decay * spikes[b, i]", "decay"),
        (
            "the reset's derivative of each without the leak",
            "result[b, i] = -decay * threshold",
            "result[b, i] = -threshold",
        ),
        ("∂u/∂λ before the reset", "result[b, i] = u - constants[1, i] * s", "result[b, i] = u"),
        (
            "∂u/∂λ of the unleaked reset after it",
            "            elif reset == UNLEAKED:\n                result[b, i] = u\n",
            "            elif reset == UNLEAKED:\n                result[b, i] = u - s\n",
        ),
        ("∂u/∂λ of the hard reset to zero", "u - s * u + s * constants[2, i]", "u - s * u"),
        ("∂u/∂V_th not leaked", "-constants[0, i] * spikes[b, i]", "-spikes[b, i]"),
        ("∂u/∂V_th of the unleaked reset forgotten", "result[b, i] = -spikes[b, i]", "result[b, i] = 0"),
    ),
    *of_library(
        "network/per_neuron.py",
        ("what is shared is overwritten", "total[index[i]] += part[b, i]", "total[index[i]] = part[b, i]"),
        ("what is shared goes to the first", "total[index[i]] += part[b, i]", "total[0] += part[b, i]"),
        ("errors of every group", "if index[i] == group:", "if index[i] >= group:"),
        ("all neurons of one group", "self.index[i] = found[key]", "self.index[i] = 0"),
        ("learned decays that are equal share a trace", "return not learned or any(", "return True or any("),
        (
            "the leak of the first member",
            "np.unravel_index(self.members[g], self.shape)",
            "np.unravel_index(self.members[0], self.shape)",
        ),
    ),
)

OWN_NUMBERS = tuple(replace(mutant, tests=("tests/ottt_ref/network/test_own_numbers.py",)) for mutant in MUTANTS)
