"""Neuron dynamics with numbers of their own for each neuron: the kernels of `neurons`, whose constants are [3, n].

The equations are those of `network.neurons`, line by line; where all neurons of a layer have the same numbers, the
kernels there run, which read them once. What is here alone are the derivatives by these numbers:

    ∂u[t]/∂λ     soft u[t-1] - V_th s[t-1]   unleaked u[t-1]   hard (1 - s[t-1]) u[t-1] + v_reset s[t-1]
    ∂u[t]/∂V_th  soft - λ s[t-1]             unleaked - s[t-1]   hard 0
    ∂z[t]/∂V_th  - 1

with u[t-1], s[t-1] and I[t] held as they are.
"""

from ..kernel import kernel

SOFT, HARD, UNLEAKED = range(3)


@kernel
def leaky_accumulate_each(state, value, decay):
    """state ← λ_i state + value."""
    for b in range(state.shape[0]):
        for i in range(state.shape[1]):
            state[b, i] = decay[i] * state[b, i] + value[b, i]


@kernel
def integrate_each(potential, spikes, current, constants, reset):
    """u[t-1] → u[t] in place, from the last step's spikes and this step's current."""
    for b in range(potential.shape[0]):
        for i in range(potential.shape[1]):
            decay, threshold, reset_potential = constants[0, i], constants[1, i], constants[2, i]
            u = potential[b, i]
            s = spikes[b, i]
            if reset == SOFT:
                carried = decay * (u - threshold * s)
            elif reset == UNLEAKED:
                carried = decay * u - threshold * s
            else:
                carried = decay * (u - s * u + s * reset_potential)
            potential[b, i] = carried + current[b, i]


@kernel
def fire_each(spikes, potential, constants):
    """s = H(u - V_th), with H(0) = 1."""
    for b in range(potential.shape[0]):
        for i in range(potential.shape[1]):
            if potential[b, i] >= constants[1, i]:
                spikes[b, i] = 1
            else:
                spikes[b, i] = 0


@kernel
def distance_to_threshold_each(distance, potential, constants):
    """z = u - V_th."""
    for b in range(potential.shape[0]):
        for i in range(potential.shape[1]):
            distance[b, i] = potential[b, i] - constants[1, i]


@kernel
def membrane_jacobian_each(jacobian, potential, spikes, surrogate_derivative, constants, reset, kept):
    """J[t] = ∂u[t+1]/∂u[t]; `kept` says whether the gradient also crosses the reset."""
    for b in range(potential.shape[0]):
        for i in range(potential.shape[1]):
            decay, threshold, reset_potential = constants[0, i], constants[1, i], constants[2, i]
            if reset == HARD:
                jacobian[b, i] = decay - decay * spikes[b, i]
                if kept:
                    jacobian[b, i] += decay * (reset_potential - potential[b, i]) * surrogate_derivative[b, i]
            else:
                jacobian[b, i] = decay
                if kept and reset == SOFT:
                    jacobian[b, i] -= decay * threshold * surrogate_derivative[b, i]
                elif kept:
                    jacobian[b, i] -= threshold * surrogate_derivative[b, i]


@kernel
def reset_jacobian_each(result, potential, constants, reset):
    """∂u[t+1]/∂s[t]."""
    for b in range(potential.shape[0]):
        for i in range(potential.shape[1]):
            decay, threshold, reset_potential = constants[0, i], constants[1, i], constants[2, i]
            if reset == SOFT:
                result[b, i] = -decay * threshold
            elif reset == UNLEAKED:
                result[b, i] = -threshold
            else:
                result[b, i] = decay * (reset_potential - potential[b, i])


@kernel
def decay_derivative(result, potential, spikes, constants, reset):
    """∂u[t]/∂λ, from u[t-1] and s[t-1]: what the reset leaves."""
    for b in range(potential.shape[0]):
        for i in range(potential.shape[1]):
            u = potential[b, i]
            s = spikes[b, i]
            if reset == SOFT:
                result[b, i] = u - constants[1, i] * s
            elif reset == UNLEAKED:
                result[b, i] = u
            else:
                result[b, i] = u - s * u + s * constants[2, i]


@kernel
def threshold_derivative(result, spikes, constants, reset):
    """∂u[t]/∂V_th, from s[t-1]."""
    for b in range(spikes.shape[0]):
        for i in range(spikes.shape[1]):
            if reset == SOFT:
                result[b, i] = -constants[0, i] * spikes[b, i]
            elif reset == UNLEAKED:
                result[b, i] = -spikes[b, i]
            else:
                result[b, i] = 0
