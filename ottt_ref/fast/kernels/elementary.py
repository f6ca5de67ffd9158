"""Elementary functions that LLVM can vectorise, of float64 and float32."""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

LOG2E, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.693145751953125, 1.42860682030941723212e-6
LN2_HIGH_64, LN2_LOW_64 = 6.93147180369123816490e-01, 1.90821492927058770002e-10


@intrinsic
def nearest(typingctx, x):
    """The whole number next to x, as a float of its kind."""

    def codegen(context, builder, sig, args):
        (value,) = args
        name = f"llvm.rint.{'f32' if sig.args[0] == types.float32 else 'f64'}"
        function = builder.module.globals.get(name)
        if function is None:
            function = ir.Function(builder.module, ir.FunctionType(value.type, [value.type]), name)
        return builder.call(function, [value])

    return x(x), codegen


@intrinsic
def power_of_two(typingctx, k):
    """2^k of a whole number, given as a float; of a normal number's exponents alone."""

    def codegen(context, builder, sig, args):
        single = sig.args[0] == types.float32
        whole = ir.IntType(32 if single else 64)
        exponent = builder.add(builder.fptosi(args[0], whole), whole(127 if single else 1023))
        return builder.bitcast(builder.shl(exponent, whole(23 if single else 52)), args[0].type)

    return k(k), codegen


def decaying(y):
    """e^(-y) of y >= 0, but that of y = 87 (float64: 708) for larger ones: no denormal number."""
    return math.exp(-y)


@overload(decaying, inline="always")
def _decaying(y):
    if y == types.float32:

        def single(y):
            y = min(y, np.float32(87.0))
            k = nearest(np.float32(-LOG2E) * y)
            r = (-y - k * np.float32(LN2_HIGH)) - k * np.float32(LN2_LOW)
            p = np.float32(1 / 720)
            p = p * r + np.float32(1 / 120)
            p = p * r + np.float32(1 / 24)
            p = p * r + np.float32(1 / 6)
            p = p * r + np.float32(1 / 2)
            p = p * r + np.float32(1)
            p = p * r + np.float32(1)
            return p * power_of_two(k)

        return single

    def double(y):
        y = min(y, 708.0)
        k = nearest(-LOG2E * y)
        r = (-y - k * LN2_HIGH_64) - k * LN2_LOW_64
        p = 1 / 6227020800
        for factorial in (479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0, 720.0, 120.0, 24.0, 6.0):
            p = p * r + 1 / factorial
        p = p * r + 0.5
        p = p * r + 1.0
        p = p * r + 1.0
        return p * power_of_two(k)

    return double
