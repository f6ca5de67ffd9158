"""Forward Euler steps of NIR's equations, neuron by neuron, and what its strict comparison means.

NIR fires at v > θ, we at u >= V_th. Of floats of one dtype both are the same condition where V_th is the least number
above θ, and θ the largest below V_th. Of neurons with a v_leak, u is v - v_leak, and V_th the least number above
θ - v_leak.
"""

import math
from fractions import Fraction

import numpy as np

from .values import each, field_name


def below(number, dtype):
    """The largest number of a dtype below another, as the dtype holds that: v >= number is v > it."""
    return float(np.nextafter(dtype.type(float(number)), dtype.type(-np.inf)))


def above(number, dtype):
    """The least number of a dtype above another, a float or a Fraction: v > number is v >= it."""
    nearest = dtype.type(float(number))
    return float(nearest if float(nearest) > number else np.nextafter(nearest, dtype.type(np.inf)))


def euler(node, name, numbers, dt, leak="tau", factor="r"):
    """λ = 1 - dt/τ and κ = r dt/τ of forward Euler steps; λ = 1 and κ = r dt where nothing leaks.

    leak, factor  the fields that hold τ and r: of a synaptic current tau_syn and w_in
    """
    r, dtype = numbers[factor]
    where = field_name(node, name, leak)

    def gain(step, tau, r, dtype):
        result = r * step / tau
        result = (
            1.0 if abs(result - 1) <= 4 * np.finfo(dtype).eps else float(dtype.type(result))
        )  # what rounding explains
        if not math.isfinite(result):
            whole = f"{factor} dt/tau" if leak in numbers else f"{factor} dt"
            raise ValueError(
                f"{field_name(node, name, factor)} must make a factor {whole} that is finite, got {r!r} and dt={dt!r}"
            )
        return result

    if leak not in numbers:
        return 1.0, each(lambda r: gain(float(dtype.type(dt)), 1.0, r, dtype), r)
    tau, tau_dtype = numbers[leak]
    step = float(tau_dtype.type(dt))  # a file of float32 means the float32 nearest to dt, too
    coarser = max(dtype, tau_dtype, key=lambda dtype: np.finfo(dtype).eps)

    def both(tau, r):
        if math.isinf(tau) and math.isinf(r):
            return 1.0, 1.0  # the limits where r = τ/dt, as snnTorch writes beta = 1
        if math.isinf(tau) or math.isinf(r):
            raise ValueError(
                f"{where} must be infinite where {factor} is, and only there (decay = 1 and {factor} dt/tau = 1, as "
                f"snnTorch writes beta = 1), got tau={tau!r} and {factor}={r!r}"
            )
        if not tau >= step > 0:
            raise ValueError(
                f"{where} must be at least dt, for decay = 1 - dt/tau in [0, 1], got tau={tau!r} and dt={dt!r}"
            )
        return float(tau_dtype.type(1 - step / tau)), gain(step, tau, r, coarser)

    return each(lambda tau, r: both(tau, r)[0], tau, r), each(lambda tau, r: both(tau, r)[1], tau, r)


def potentials(node, name, numbers, reset, dtype):
    """Threshold and reset potential relative to the potential that neurons start from, and a current into them.

    They start from v_leak. Where that is above the threshold, they fire by themselves, and start from v_reset with the
    hard reset, else from 0; the leak towards v_leak is then a current, v_leak / r.
    """
    leaks = "v_leak" in numbers
    fields = [numbers[field][0] if field in numbers else 0.0 for field in ("v_leak", "v_threshold", "v_reset")]

    def start(leak, threshold, after):
        if leak <= threshold:
            return leak
        if leaks and reset == "hard" and after > threshold:
            raise ValueError(
                f"{field_name(node, name, 'v_reset')} must be below v_threshold where v_leak is above it, got v_leak "
                f"{leak!r}, v_threshold {threshold!r} and v_reset {after!r}"
            )
        if threshold < 0 and not (leaks and reset == "hard"):
            raise ValueError(f"{field_name(node, name, 'v_threshold')} must be at least 0, got {threshold!r}")
        return after if leaks and reset == "hard" else 0.0

    def current(leak, start, r):
        if leak == start:
            return 0.0
        if r == 0:
            raise ValueError(
                f"{field_name(node, name, 'r')} must not be 0 where v_leak is above v_threshold, got {r!r}"
            )
        return (leak - start) / r

    def difference(one, other):
        return float(Fraction(one) - Fraction(other))

    try:
        starts = each(start, *fields)
        thresholds = each(lambda one, other: above(Fraction(one) - Fraction(other), dtype), fields[1], starts)
        return thresholds, each(difference, fields[2], starts), each(current, fields[0], starts, numbers["r"][0])
    except OverflowError:
        raise ValueError(
            f"{field_name(node, name, 'v_threshold')} less v_leak must be a finite number, and v_reset less v_leak, too"
        ) from None
