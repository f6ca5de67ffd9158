"""Filters over the time steps of a window: traces forwards, errors backwards.

    forwards    â[t] = λ â[t-1] + s[t]          of the last time step alone
    backwards   h[t] = g[t] + λ h[t+1]

Arrays are [w, B, n], λ [1], or [n] of one for each neuron.
"""

from __future__ import annotations

from .compiling import fast_kernel, prange


@fast_kernel(parallel=True)
def follow(trace, values, decay):
    """â of before the window → â of its last time step, in place, [B, n]."""
    several = decay.shape[0] > 1
    for b in prange(trace.shape[0]):
        for t in range(values.shape[0]):
            for i in range(trace.shape[1]):
                own = decay[i] if several else decay[0]
                trace[b, i] = own * trace[b, i] + values[t, b, i]


@fast_kernel(parallel=True)
def reverse(result, errors, decay):
    """h of each time step from g."""
    several = decay.shape[0] > 1
    last = errors.shape[0] - 1
    for b in prange(errors.shape[1]):
        for i in range(errors.shape[2]):
            result[last, b, i] = errors[last, b, i]
        for k in range(last):
            t = last - 1 - k
            for i in range(errors.shape[2]):
                own = decay[i] if several else decay[0]
                result[t, b, i] = errors[t, b, i] + own * result[t + 1, b, i]


@fast_kernel(parallel=True)
def accumulate(result, before, values, decay):
    """u[t] = λ u[t-1] + I[t] of each time step, from u of before the window, [B, n]."""
    several = decay.shape[0] > 1
    for b in prange(before.shape[0]):
        for t in range(values.shape[0]):
            for i in range(before.shape[1]):
                own = decay[i] if several else decay[0]
                last = result[t - 1, b, i] if t > 0 else before[b, i]
                result[t, b, i] = own * last + values[t, b, i]
