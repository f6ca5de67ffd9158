"""R1: the weighted rate is the weighted current minus what is left in the membrane.

V_th a[T] = x̄[T] - v[T] / Λ_T,   x̄[T] = Σ_t λ^(T-t) I[t] / Λ_T,   v the post-reset potential      (unroll u)
"""

from fractions import Fraction

import numpy as np

import ottt_ref as ot
from ottt_ref.network import neurons
from ottt_ref.network.network import object_array
from ottt_ref.simulation.simulator import input_current

from ..cases import fires, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equations import MEMBRANE, NORMALISER, RATE, Sketch
from ..examples import chain
from ..number_systems.magnitude import as_magnitude


def check(case):
    network = case.exact_network
    activity = ot.simulate(network, case.exact_inputs)
    for l in range(network.spiking_layers):
        _require_zero(l, rate_residual(network.layers[l].neuron, currents(network, activity, l), activity, l))
    return Finding(_float_slack(case), fires(activity))


def currents(network, activity, l):
    """I^l[t] = W s^{l-1}[t] + b, [T, B, n_l]."""
    steps = [activity.at(t) for t in range(activity.time_steps)]
    return np.stack([input_current(network, l, step.presynaptic) for step in steps])


def rate_residual(neuron, current, activity, l):
    """V_th a[T] - x̄[T] + v[T] / Λ_T, which R1 says is 0."""
    left = neuron.post_reset_potential(activity.potentials[l][-1], activity.spikes[l][-1])
    normaliser = ot.rate_normaliser(neuron.decay, len(current))
    rate = ot.weighted_rate(activity.spikes[l], neuron.decay)
    return neuron.threshold * rate - ot.weighted_rate(current, neuron.decay) + left / normaliser


def _require_zero(l, residual):
    if np.any(residual != 0):
        b, i = (int(k) for k in np.argwhere(residual != 0)[0])
        raise Refuted(f"layer {l}, sample {b}, neuron {i}: V_th a - x̄ + v/Λ is {residual[b, i]}, not 0")


def _float_slack(case):
    """The same in float64, multiplied by Λ_T so that nothing is divided, against the rounding bound."""
    network = case.float_network
    activity = ot.simulate(network, case.float_inputs)
    worst = 0.0
    for l in range(network.spiking_layers):
        neuron, current, spikes = network.layers[l].neuron, currents(network, activity, l), activity.spikes[l]
        residuals = _scaled_residual(neuron, current, spikes)
        magnitudes = _scaled_residual(neuron, object_array(current, as_magnitude), object_array(spikes, as_magnitude))
        for index, residual in np.ndenumerate(residuals):
            allowed = as_magnitude(magnitudes[index]).rounding_bound()
            if not abs(residual) <= allowed:
                raise Refuted(f"layer {l} in float64: Λ (V_th a - x̄) + v is {residual}, rounding allows {allowed}")
            worst = max(worst, float(abs(residual) / allowed))
    return worst


def _scaled_residual(neuron, current, spikes):
    """V_th Σ λ^(T-t) s[t] - Σ λ^(T-t) I[t] + v[T] from currents and spikes [T, B, n], on any numbers."""
    decay = np.array([neuron.decay], dtype=current.dtype)
    potential, fired, spike_trace, current_trace = (np.zeros_like(current[0]) for _ in range(4))
    for t in range(len(current)):
        neurons.integrate(potential, fired, current[t], neuron.constants(current.dtype), neurons.SOFT)
        fired[...] = spikes[t]
        neurons.leaky_accumulate(spike_trace, spikes[t], decay)
        neurons.leaky_accumulate(current_trace, current[t], decay)
    left = potential - neuron.threshold * fired
    return neuron.threshold * spike_trace - current_trace + left


def hard_reset():
    """A hard reset throws away what is above the threshold."""
    case = chain(decay=Fraction(1), inputs=(2,), weights=([[1]],), targets=[0], reset="hard")
    activity, _ = case.data()
    neuron = case.network.layers[0].neuron
    residual = rate_residual(neuron, currents(case.network, activity, 0), activity, 0)[0, 0]
    if residual == 0:
        raise Refuted("a hard reset should break the identity")
    return f"one neuron, T = 1, I = 2, hard reset: V_th a - x̄ + v/Λ = {residual}"


CLAIM = Claim(
    name="R1",
    statement="V_th a[T] = x̄[T] - v[T] / Λ_T for every neuron",
    hypotheses="soft reset; any currents, decay, threshold, depth and T",
    source="theory R1; Xiao et al. 2022, section 3",
    checked="every neuron of every layer: fractions; float64 after multiplying by Λ_T",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=r"V_{th}\, a[T] = \bar x[T] - v[T] / \Lambda_T",
        proof=(
            r"After the reset the membrane holds $v[t] = u[t] - V_{th} s[t] = \lambda v[t-1] + I[t] - V_{th} s[t]$. "
            r"Unroll it from rest: $v[T] = \sum_t \lambda^{T-t} I[t] - V_{th} \sum_t \lambda^{T-t} s[t]$, and divide "
            r"by $\Lambda_T$."
        ),
        equations=(MEMBRANE, RATE, NORMALISER),
    ),
    strategy=networks(resets=("soft",), time_steps=(1, 8)),
    check=check,
    counterexamples=(Counterexample("the reset is soft", hard_reset),),
)
