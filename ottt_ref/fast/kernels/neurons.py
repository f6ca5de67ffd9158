"""LIF neurons over a window of time steps.

What the reset leaves of u[t-1], and so u[t] = that + I[t] (`ottt_ref.network.neurons` has the equations):

    soft reset   λ (u - V_th s)        unleaked   λ u - V_th s        hard reset   λ ((1 - s) u + v_reset s)

λ, V_th and v_reset are arrays of one number for each neuron, [n]. Numbers are multiplied and added in the reference's
order, each rounded, so that potentials are the same bits where the current is.
"""

from __future__ import annotations

import numpy as np

from .compiling import fast_kernel, prange
from .surrogates import derivatives
from .vector_loops import part_of, wide_vectors

SOFT, HARD, UNLEAKED = range(3)  # as in `ottt_ref.network.neurons`, whose edits would not be seen by code on disk


@fast_kernel
def left_by_reset(
    left, left_at, potential, at, spikes, spikes_at, decay, threshold, reset_potential, first, count, reset
):
    """What the reset leaves of the potentials of `count` neurons, those of the layer from `first` on."""
    wide_vectors()
    result = part_of(left, left_at, count)  # views: an index that may be negative is no vector's
    u, s = part_of(potential, at, count), part_of(spikes, spikes_at, count)
    leak, above = part_of(decay, first, count), part_of(threshold, first, count)
    back = part_of(reset_potential, first, count)
    if reset == SOFT:
        for i in range(count):
            result[i] = leak[i] * (u[i] - above[i] * s[i])
    elif reset == UNLEAKED:
        for i in range(count):
            result[i] = leak[i] * u[i] - above[i] * s[i]
    else:
        for i in range(count):
            result[i] = leak[i] * (u[i] - s[i] * u[i] + s[i] * back[i])


@fast_kernel
def fire(spikes, spikes_at, potential, at, threshold, first, count):
    """s = H(u - V_th), with H(0) = 1."""
    wide_vectors()
    s, u, above = part_of(spikes, spikes_at, count), part_of(potential, at, count), part_of(threshold, first, count)
    for i in range(count):
        s[i] = 1 if u[i] >= above[i] else 0


@fast_kernel
def _sum(result, at, left, current, count):
    wide_vectors()
    u, given = part_of(result, at, count), part_of(current, at, count)
    for i in range(count):
        u[i] = left[i] + given[i]


@fast_kernel(parallel=True)
def lif_window(
    potentials, spikes, psi, current, before, fired, decay, threshold, reset_potential, shape, reset, surrogate, numbers
):
    """u, s and ψ of the time steps of a window, from the current and what was before it; flat contiguous arrays.

    potentials, spikes, psi   [w, B, n], written; an empty psi for none
    current                   I, [w, B, n]; it may be `potentials`
    before, fired             u and s of the time step before, [B, n]; they stay as they are
    shape                     w, B, n
    reset                     SOFT, HARD or UNLEAKED
    surrogate, numbers        `surrogates.kind_of` and `numbers_of`
    """
    steps, batch, neurons = shape
    block = 512  # neurons of one sample: what is read and written of them stays in the first-level cache
    parts = (neurons + block - 1) // block
    for part in prange(batch * parts):
        b, first = part // parts, part % parts * block
        count = min(block, neurons - first)
        left = np.empty(block, potentials.dtype)
        at = b * neurons + first
        left_by_reset(left, 0, before, at, fired, at, decay, threshold, reset_potential, first, count, reset)
        for t in range(steps):
            at = (t * batch + b) * neurons + first
            _sum(potentials, at, left, current, count)
            fire(spikes, at, potentials, at, threshold, first, count)
            if psi.size:
                derivatives(psi, at, potentials, at, threshold, first, count, surrogate, numbers)
            left_by_reset(left, 0, potentials, at, spikes, at, decay, threshold, reset_potential, first, count, reset)


@fast_kernel(parallel=True)
def lif_back(result, errors, psi, potentials, spikes, decay, threshold, reset_potential, shape, reset, kept):
    """δ[t] = ψ[t] ε[t] + J[t] δ[t+1] over the time steps of a sequence, the last one first; flat contiguous arrays.

    errors   ε, [T, B, n]
    shape    T, B, n
    kept     whether J also crosses the reset (`ottt_ref.network.neurons` has its cases)
    """
    steps, batch, neurons = shape
    block = 512
    parts = (neurons + block - 1) // block
    for part in prange(batch * parts):
        b, first = part // parts, part % parts * block
        count = min(block, neurons - first)
        for k in range(steps):
            at = ((steps - 1 - k) * batch + b) * neurons + first
            after = at + batch * neurons
            for i in range(count):
                back = psi[at + i] * errors[at + i]
                if k > 0:
                    own = decay[first + i]
                    jacobian = own - own * spikes[at + i] if reset == HARD else own
                    if kept and reset == HARD:
                        jacobian += own * (reset_potential[first + i] - potentials[at + i]) * psi[at + i]
                    elif kept and reset == SOFT:
                        jacobian -= own * threshold[first + i] * psi[at + i]
                    elif kept:
                        jacobian -= threshold[first + i] * psi[at + i]
                    back += jacobian * result[after + i]
                result[at + i] = back
