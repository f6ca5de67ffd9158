"""Surrogate derivatives ψ(z) of the spike H(z), z = u - V_th, and their primitives, the soft spikes.

A surrogate replaces the derivative of the step function where a gradient crosses a spike. Its primitive is the
smooth function that ψ is the true derivative of: with it in place of H in the forward pass, backpropagation
through time is the exact gradient (claim E7).

    Sigmoid        ψ(z) = α σ(αz) (1 - σ(αz))                         SpikingJelly Sigmoid, snnTorch sigmoid (slope)
    Arctan         ψ(z) = (α/2) / (1 + (π α z / 2)²)                  SpikingJelly ATan, snnTorch atan
    Triangle       ψ(z) = height · max(0, 1 - |z| / width)            SpikingJelly PiecewiseQuadratic: 1/α and α
    Rectangle      ψ(z) = 1 / width where |z| < width / 2, else 0     SpikingJelly Rect: width = 1/α
    FastSigmoid    ψ(z) = height / (1 + slope |z|)²                   snnTorch fast_sigmoid (slope), height 1;
                   SpikingJelly SuperSpike: 1 and α; SoftSign: α and α/2; Zenke and Ganguli 2018 (SuperSpike)
    MultiGaussian  ψ(z) = scale · ((1 + h) N(z; 0, σ²) - h N(z; σ, (sσ)²) - h N(z; -σ, (sσ)²))
                   Yin, Corradi and Bohté 2021; negative in its tails, so claims that need ψ ≥ 0 leave it out

Triangle, Rectangle and FastSigmoid use + - * / and comparisons alone: they also run on exact numbers. The others
evaluate in double precision whatever the arrays' dtype and round once.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import ClassVar, Self

import numpy as np

from ..annotations import ConvertNumber, Number
from ..exactness import exact_kind, exact_number
from ..kernel import kernel
from ..validation import FLOAT_DTYPES, require_nonnegative, require_number, require_positive


@kernel
def sigmoid_derivative(derivative, z, parameters):
    alpha = parameters[0]
    for i in range(z.size):
        decaying = math.exp(-abs(alpha * float(z[i])))  # of -|αz|: never overflows, and ψ is even
        derivative[i] = alpha * decaying / ((1.0 + decaying) * (1.0 + decaying))


@kernel
def sigmoid_primitive(primitive, z, parameters):
    alpha = parameters[0]
    for i in range(z.size):
        decaying = math.exp(-abs(alpha * float(z[i])))
        if float(z[i]) >= 0.0:
            primitive[i] = 1.0 / (1.0 + decaying)
        else:
            primitive[i] = decaying / (1.0 + decaying)


@kernel
def arctan_derivative(derivative, z, parameters):
    alpha = parameters[0]
    for i in range(z.size):
        scaled = math.pi / 2.0 * alpha * float(z[i])
        derivative[i] = alpha / 2.0 / (1.0 + scaled * scaled)


@kernel
def arctan_primitive(primitive, z, parameters):
    alpha = parameters[0]
    for i in range(z.size):
        primitive[i] = math.atan(math.pi / 2.0 * alpha * float(z[i])) / math.pi + 0.5


@kernel
def triangle_derivative(derivative, z, parameters):
    width, height = parameters[0], parameters[1]
    for i in range(z.size):
        if z[i] <= -width or z[i] >= width:
            derivative[i] = 0
        elif z[i] < 0:
            derivative[i] = height * (width + z[i]) / width
        else:
            derivative[i] = height * (width - z[i]) / width


@kernel
def triangle_primitive(primitive, z, parameters):
    width, height = parameters[0], parameters[1]
    for i in range(z.size):
        left = width + z[i]
        right = width - z[i]
        if z[i] <= -width:
            primitive[i] = 0
        elif z[i] < 0:
            primitive[i] = height * left * left / (width + width)
        elif z[i] < width:
            primitive[i] = height * width - height * right * right / (width + width)
        else:
            primitive[i] = height * width


@kernel
def rectangle_derivative(derivative, z, parameters):
    height, half_width = parameters[0], parameters[1]
    for i in range(z.size):
        if -half_width < z[i] and z[i] < half_width:
            derivative[i] = height
        else:
            derivative[i] = 0


@kernel
def rectangle_primitive(primitive, z, parameters):
    height, half_width = parameters[0], parameters[1]
    for i in range(z.size):
        if z[i] <= -half_width:
            primitive[i] = 0
        elif z[i] < half_width:
            primitive[i] = (z[i] + half_width) * height
        else:
            primitive[i] = 1


@kernel
def fast_sigmoid_derivative(derivative, z, parameters):
    """With w = 1 / slope: ψ = height (w / (w + |z|))²."""
    width, height = parameters[0], parameters[1]
    for i in range(z.size):
        share = width / (width - z[i]) if z[i] < 0 else width / (width + z[i])
        derivative[i] = height * share * share


@kernel
def fast_sigmoid_primitive(primitive, z, parameters):
    """With w = 1 / slope: height w · w / (w - z) below 0, height (2 w - w · w / (w + z)) above."""
    width, height = parameters[0], parameters[1]
    for i in range(z.size):
        if z[i] < 0:
            primitive[i] = height * width * (width / (width - z[i]))
        else:
            primitive[i] = height * (width + width) - height * width * (width / (width + z[i]))


@kernel
def multi_gaussian_derivative(derivative, z, parameters):
    sigma, h, s, scale = parameters[0], parameters[1], parameters[2], parameters[3]
    wide = s * sigma
    root = math.sqrt(2.0 * math.pi)
    for i in range(z.size):
        x = 1.0 * float(z[i])  # 1.0 *: compiled, float() of a float32 stays one
        centre = math.exp(-x * x / (2.0 * sigma * sigma)) / (root * sigma)
        right = math.exp(-(x - sigma) * (x - sigma) / (2.0 * wide * wide)) / (root * wide)
        left = math.exp(-(x + sigma) * (x + sigma) / (2.0 * wide * wide)) / (root * wide)
        derivative[i] = scale * ((1.0 + h) * centre - h * right - h * left)


@kernel
def multi_gaussian_primitive(primitive, z, parameters):
    sigma, h, s, scale = parameters[0], parameters[1], parameters[2], parameters[3]
    wide = s * sigma
    root = math.sqrt(2.0)
    for i in range(z.size):
        x = float(z[i])
        centre = 0.5 + 0.5 * math.erf(x / (root * sigma))
        right = 0.5 + 0.5 * math.erf((x - sigma) / (root * wide))
        left = 0.5 + 0.5 * math.erf((x + sigma) / (root * wide))
        primitive[i] = scale * ((1.0 + h) * centre - h * right - h * left)


@dataclass(frozen=True)
class Surrogate:
    """What every surrogate offers: `derivative(z)` and `primitive(z)`, elementwise, shape and dtype kept.

    z is an array of float64, float32 or, where `rational`, of exact numbers. Instances are immutable. A subclass of
    one's own is a frozen dataclass, whose fields are its numbers, and defines the two; it is tried when a neuron takes
    it.

    rational     whether it uses + - * / and comparisons alone, so that exact numbers stay exact
    nonnegative  whether ψ is nowhere below 0, as some claims need

    >>> import numpy as np, ottt_ref as ot
    >>> surrogate = ot.surrogate.Triangle(width=2.0, height=0.5)
    >>> surrogate.derivative(np.array([-1.0, 0.0, 3.0]))
    array([0.25, 0.5 , 0.  ])
    >>> surrogate.primitive(np.array([-2.0, 0.0, 2.0]))
    array([0. , 0.5, 1. ])
    >>> surrogate.description()
    {'type': 'Triangle', 'width': 2.0, 'height': 0.5}
    >>> from fractions import Fraction
    >>> surrogate.with_numbers(Fraction)
    Triangle(width=Fraction(2, 1), height=Fraction(1, 2))
    """

    rational: ClassVar[bool] = False
    nonnegative: ClassVar[bool] = True
    _derivative: ClassVar[Callable]
    _primitive: ClassVar[Callable]

    def derivative(self, z: np.ndarray) -> np.ndarray:
        """ψ(z), the surrogate derivative at z = u - V_th."""
        return self._apply("derivative", z)

    def primitive(self, z: np.ndarray) -> np.ndarray:
        """The soft spike: the function whose derivative is ψ, rising from 0."""
        return self._apply("primitive", z)

    def description(self) -> dict[str, object]:
        """The surrogate as plain data, for files: its class name and its parameters."""
        return {
            "type": type(self).__name__,
            **{name: getattr(self, name) for name in _names(type(self))},
        }

    def parameters(self) -> list[Number]:
        """The numbers that the kernels take, in their order."""
        return [getattr(self, name) for name in _names(type(self))]

    def with_numbers(self, convert: ConvertNumber) -> Self:
        """The same surrogate with `convert` applied to each of its parameters."""
        return type(self)(*(convert(getattr(self, name)) for name in _names(type(self))))

    def _apply(self, method, z):
        formula = getattr(self, f"_{method}", None)
        if formula is None:
            raise TypeError(f"{type(self).__name__} must define {method}(z)")
        z = np.asarray(z, order="C")
        if z.dtype not in (*FLOAT_DTYPES, np.dtype(object)):
            raise TypeError(f"z must have dtype float64 or float32, got {z.dtype}")
        if not z.dtype.hasobject:
            require_surrogate_held(method, self, z.dtype)
        result = np.empty_like(z)
        formula(result.reshape(-1), z.reshape(-1), self._typed_parameters(z))
        return result

    def _typed_parameters(self, z):
        if self.rational:
            exact = z.dtype.hasobject and exact_kind({"z": z}) is not None
            return np.array((self.with_numbers(exact_number) if exact else self).parameters(), dtype=z.dtype)
        if z.dtype.hasobject and not all(isinstance(number, float | np.floating) for number in z.flat):
            raise TypeError(
                f"{type(self).__name__} has no exact values: exact numbers need surrogate Triangle, Rectangle "
                "or FastSigmoid"
            )
        return np.array(self._floats, dtype=object if z.dtype.hasobject else np.float64)

    @cached_property
    def _floats(self):
        return [float(number) for number in self.parameters()]


@dataclass(frozen=True)
class Sigmoid(Surrogate):
    """ψ(z) = α σ(αz) (1 - σ(αz)); primitive σ(αz). The authors' choice, with α = 4.

    >>> import numpy as np, ottt_ref as ot
    >>> ot.surrogate.Sigmoid(alpha=4.0).derivative(np.array([-0.5, 0.0, 0.5])).round(3)
    array([0.42, 1.  , 0.42])
    """

    alpha: Number = 4.0
    _derivative = staticmethod(sigmoid_derivative)
    _primitive = staticmethod(sigmoid_primitive)

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", require_positive("alpha", self.alpha))


@dataclass(frozen=True)
class Arctan(Surrogate):
    """ψ(z) = (α/2) / (1 + (π α z / 2)²); primitive arctan(π α z / 2) / π + 1/2.

    >>> import numpy as np, ottt_ref as ot
    >>> ot.surrogate.Arctan(alpha=2.0).derivative(np.array([-0.5, 0.0, 0.5])).round(3)
    array([0.288, 1.   , 0.288])
    """

    alpha: Number = 2.0
    _derivative = staticmethod(arctan_derivative)
    _primitive = staticmethod(arctan_primitive)

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", require_positive("alpha", self.alpha))


@dataclass(frozen=True)
class Triangle(Surrogate):
    """ψ(z) = height · max(0, 1 - |z| / width): `width` is half the base. Its primitive ends at width · height.

    >>> import ottt_ref as ot
    >>> ot.surrogate.Triangle(width=2, height=1).derivative(ot.exact_array([0.5, 1.0]))
    array([Fraction(3, 4), Fraction(1, 2)], dtype=object)
    """

    width: Number = 1.0
    height: Number = 1.0
    rational = True
    _derivative = staticmethod(triangle_derivative)
    _primitive = staticmethod(triangle_primitive)

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", require_positive("width", self.width))
        object.__setattr__(self, "height", require_positive("height", self.height))


@dataclass(frozen=True)
class Rectangle(Surrogate):
    """ψ(z) = 1 / width where |z| < width / 2, else 0: `width` is the whole base. Primitive a ramp from 0 to 1.

    >>> import numpy as np, ottt_ref as ot
    >>> ot.surrogate.Rectangle(width=2.0).derivative(np.array([-1.0, 0.0, 0.5]))
    array([0. , 0.5, 0.5])
    """

    width: Number = 1.0
    rational = True
    _derivative = staticmethod(rectangle_derivative)
    _primitive = staticmethod(rectangle_primitive)

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", require_positive("width", self.width))

    def parameters(self) -> list[Number]:
        return [1 / self.width, self.width / 2]


@dataclass(frozen=True)
class FastSigmoid(Surrogate):
    """ψ(z) = height / (1 + slope |z|)²: `height` is ψ(0). Its primitive ends at 2 height / slope.

    The derivative of the fast sigmoid x / (1 + |x|), which has no exponential: SuperSpike's surrogate (Zenke and
    Ganguli 2018, Neural Computation 30, 1514-1541). The height 1 with the slope 25 is snnTorch's; a primitive that ends
    at 1 has the height slope / 2, as SpikingJelly's SoftSign has.

    >>> import numpy as np, ottt_ref as ot
    >>> ot.surrogate.FastSigmoid(slope=2.0).derivative(np.array([-0.5, 0.0, 1.5]))
    array([0.25  , 1.    , 0.0625])
    """

    slope: Number = 25.0
    height: Number = 1.0
    rational = True
    _derivative = staticmethod(fast_sigmoid_derivative)
    _primitive = staticmethod(fast_sigmoid_primitive)

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", require_positive("slope", self.slope))
        object.__setattr__(self, "height", require_positive("height", self.height))

    def parameters(self) -> list[Number]:
        return [1 / self.slope, self.height]


@dataclass(frozen=True)
class MultiGaussian(Surrogate):
    """ψ(z) = scale · ((1 + h) N(z; 0, σ²) - h N(z; σ, (sσ)²) - h N(z; -σ, (sσ)²)), negative in its tails.

    N(z; m, v) is the normal density of mean m and variance v. The primitive ends at scale · (1 - h).
    Yin, Corradi and Bohté 2021 (Nature Machine Intelligence 3, 905-913), with h = 0.15, s = 6, σ = 0.5.

    >>> import numpy as np, ottt_ref as ot
    >>> ot.surrogate.MultiGaussian().derivative(np.array([0.0, 2.0])).round(3)
    array([ 0.878, -0.031])
    """

    sigma: Number = 0.5
    h: Number = 0.15
    s: Number = 6.0
    scale: Number = 1.0
    nonnegative = False
    _derivative = staticmethod(multi_gaussian_derivative)
    _primitive = staticmethod(multi_gaussian_primitive)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", require_positive("sigma", self.sigma))
        object.__setattr__(self, "h", require_nonnegative("h", self.h))
        object.__setattr__(self, "s", require_positive("s", self.s))
        object.__setattr__(self, "scale", require_positive("scale", self.scale))


ALL = (Sigmoid, Arctan, Triangle, Rectangle, FastSigmoid, MultiGaussian)


def is_built_in(surrogate: object) -> bool:
    """Whether it is one of ours, or none at all.

    >>> import ottt_ref as ot
    >>> ot.surrogate.is_built_in(ot.surrogate.Sigmoid()), ot.surrogate.is_built_in("sigmoid")
    (True, False)
    """
    return surrogate is None or type(surrogate) in ALL


def require_surrogate(surrogate: Surrogate) -> Surrogate:
    """`surrogate`, if it is one; TypeError otherwise. One that is not built in is tried on floats: ValueError.

    >>> import ottt_ref as ot
    >>> ot.surrogate.require_surrogate(ot.surrogate.Sigmoid())
    Sigmoid(alpha=4.0)
    """
    if not isinstance(surrogate, Surrogate) or type(surrogate) is Surrogate:
        raise TypeError(f"surrogate must be a surrogate such as Sigmoid(alpha=4.0), got {surrogate!r}")
    for field in fields(surrogate):
        value = getattr(surrogate, field.name)
        if value is None or isinstance(value, str):
            raise TypeError(f"{type(surrogate).__name__}.{field.name} must be a number, got {value!r}")
    in_floats = all(isinstance(getattr(surrogate, field.name), float | int) for field in fields(surrogate))
    if type(surrogate) not in ALL and in_floats:
        for method in ("derivative", "primitive"):
            for dtype in FLOAT_DTYPES:
                z = np.array([[-1.0, 0.0, 0.5]], dtype=dtype)
                _require_elementwise(surrogate, method, z, getattr(surrogate, method)(z.copy()))
    return surrogate


def require_surrogate_held(name: str, surrogate: Surrogate, dtype: np.dtype) -> None:
    """Check that one of ours has values in a network's dtype; ValueError, which begins with `name`, otherwise.

    Where its numbers are too large or too small, they become infinity, or a derivative that is 0 everywhere. Of the
    dtype these are the numbers of Triangle, Rectangle and FastSigmoid, and the values; the others evaluate in double
    precision.

    >>> import numpy as np, ottt_ref as ot
    >>> ot.surrogate.require_surrogate_held("layers[0]", ot.surrogate.Rectangle(width=1e-60), np.dtype("float32"))
    Traceback (most recent call last):
    ValueError: layers[0]: surrogate must have values in float32, got Rectangle(width=1e-60)
    """
    if type(surrogate) in ALL and not _has_values(surrogate, dtype):
        raise ValueError(f"{name}: surrogate must have values in {dtype}, got {surrogate!r}")


_NAMES: dict[type, tuple[str, ...]] = {}


def _names(kind: type) -> tuple[str, ...]:
    """The names of its parameters, looked up once: what `fields` makes each time fills CPython's free lists."""
    if kind not in _NAMES:
        _NAMES[kind] = tuple([field.name for field in fields(kind)])
    return _NAMES[kind]


@lru_cache(maxsize=256)
@np.errstate(all="ignore")
def _has_values(surrogate, dtype):
    """Whether ψ and its primitive are finite at 0 and where its formula bends, and no number nor ψ(0) became 0."""
    try:
        numbers = [float(number) for number in surrogate.parameters()]
        z = np.array([0.0, *numbers, *(-number for number in numbers)]).astype(dtype)
        z = z[np.isfinite(z)]
        typed = surrogate._typed_parameters(z)
        derivative, primitive = np.empty_like(z), np.empty_like(z)
        surrogate._derivative.source(derivative, z, typed)
        surrogate._primitive.source(primitive, z, typed)
    except ArithmeticError:
        return False
    vanished = [held == 0 and number != 0 for held, number in zip(typed, surrogate.parameters())]
    if surrogate.nonnegative:  # of these the derivative is largest at 0
        vanished.append(derivative[0] == 0)
    return bool(np.all(np.isfinite([*typed, *derivative, *primitive]))) and not any(vanished)


def _require_elementwise(surrogate, method, z, found):
    name = f"{type(surrogate).__name__}.{method}"
    if not isinstance(found, np.ndarray) or found.shape != z.shape or found.dtype != z.dtype:
        got = f"{found.dtype} {list(found.shape)}" if isinstance(found, np.ndarray) else repr(found)
        raise ValueError(f"{name} must give {z.dtype} {list(z.shape)} for z of that kind, got {got}")
    if not np.all(np.isfinite(found)):
        raise ValueError(f"{name} must give finite numbers at z = {z.tolist()}, got {found.tolist()}")


def from_description(description: Mapping[str, object]) -> Surrogate:
    """Rebuild a surrogate from its `description()`; raise ValueError if it names none of ours.

    >>> import ottt_ref as ot
    >>> ot.surrogate.from_description({"type": "Sigmoid", "alpha": 4.0})
    Sigmoid(alpha=4.0)
    """
    known = {surrogate.__name__: surrogate for surrogate in ALL}
    numbers = dict(description)
    kind = numbers.pop("type", None)
    if kind not in known:
        raise ValueError(f"surrogate must be one of {', '.join(known)}, got {kind!r}")
    names = {field.name for field in fields(known[kind])}
    if set(numbers) != names:
        raise ValueError(f"surrogate {kind} must have the parameters {sorted(names)}, got {sorted(numbers)}")
    return known[kind](**{name: require_number(name, number, "", lambda _: True) for name, number in numbers.items()})
