"""A leaky sum over the time steps of a window, forwards or backwards.

    forwards    u[t] = λ u[t-1] + x[t]        traces, currents and readouts that leak
    backwards   h[t] = x[t] + λ h[t+1]        errors

Arrays are [w, B, n], λ [1], or [n] of one for each neuron.
"""

from __future__ import annotations

from .compiling import fast_kernel, prange


@fast_kernel(parallel=True)
def leak(result, start, values, decay, backwards):
    """u of each time step from that before the first, `start` [B, n]; backwards h from that after the last.

    `result` may be `values`.
    """
    several = decay.shape[0] > 1
    for b in prange(start.shape[0]):
        for k in range(values.shape[0]):
            t = values.shape[0] - 1 - k if backwards else k
            last = t + 1 if backwards else t - 1
            for i in range(start.shape[1]):
                own = decay[i] if several else decay[0]
                before = result[last, b, i] if k > 0 else start[b, i]
                result[t, b, i] = own * before + values[t, b, i]
