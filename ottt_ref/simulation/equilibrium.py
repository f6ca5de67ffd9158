"""The equilibrium of the rates where they depend on themselves, and the implicit gradient through it.

Recurrent and feedback connections make the mapping of the rates a fixed-point equation, a = f(a). Here f is a sweep: it
computes the rates of all layers in their order, and takes from a what those connections deliver. f maps [0, 1]^n
continuously into itself, so an equilibrium always exists (Brouwer). If f contracts, there is only one equilibrium, and
sweeps converge to it from anywhere. f contracts if

    contraction factor   ρ(N) < 1,   N[l, k] = Σ_c |A_c|_2 / V_th^l over the connections c from layer k into layer l

|A_c|_2 is the spectral norm of the connection's linear map, and ρ is the spectral radius. The proof has two steps. The
clamp σ moves a rate by no more than its argument moves, so N bounds how much a change grows from layer to layer. And a
nonnegative matrix with ρ < 1 shrinks a weighted maximum of these changes. For one recurrent layer the condition is
|W_rec|_2 < V_th, as in the paper's theorem.

The gradient through the equilibrium is implicit. Errors come back by the same connections. They solve the linear
equation r = A r + r_0, which stands for infinitely many sweeps.

Source: Bai, Kolter and Koltun 2019 and Xiao et al. 2021 (implicit differentiation at the equilibrium); theorem D2;
Ortega and Rheinboldt 1970, chapter 13, for contractions in several norms at once.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..exactness import exact_kind, exact_values
from ..finite import is_finite, refuse_non_finite
from ..network.layers import Connection, require_rate_mapping
from ..network.network import Network, require_network
from ..validation import FLOAT_DTYPES, require_array, require_count, require_positive, require_result, shown

LARGEST_DIRECT = 2**6  # unknowns of one sample up to which the linear equation is solved directly
LARGEST_MATRIX = 2**16  # entries up to which a connection is written out as a matrix to find its norm
SWEEPS_FROM_REST = 10
MOST_SWEEPS = 5000  # after the root finder, which stumbles over the clamp's corners: sweeps that contract always arrive
TOLERANCES = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-5}


class ConvergenceError(RuntimeError):
    """A solver gave up; the message says which, and how far it came.

    Rates that jump have no equilibrium:

    >>> import numpy as np, ottt_ref as ot
    >>> recurrent = ot.Dense(np.array([[0.5]]), False)
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.25]])), ot.LIF(), recurrent)])
    >>> try:
    ...     ot.equilibrium.solve(network, lambda a: {0: np.where(a[0] < 0.5, 1.0, 0.0)}, batch_size=1)
    ... except ot.equilibrium.ConvergenceError as error:
    ...     print(str(error)[:45])
    the equilibrium of the rates was not reached:
    """


@dataclass(frozen=True)
class Convergence:
    """How far the two equations were solved.

    rates_residual      largest |a - f(a)|: the equilibrium is up to 1 / (1 - ρ) times as far, which `solve` heeds near
                        ρ = 1; of measured rates, which are no equilibrium, how far they are from one
    rates_evaluations   how often f was evaluated; 0 for measured rates
    gradient_solver     "direct" (elimination) or "gmres"
    gradient_residual   |r - A r - r_0| relative to |r_0|, in the Euclidean norm

    >>> import numpy as np, ottt_ref as ot
    >>> recurrent = ot.Dense(np.array([[0.5]]), False)
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.25]])), ot.LIF(), recurrent)])
    >>> grads = ot.spike_representation.gradients(network, np.ones((5, 1, 1)), np.array([0]), rates="closed_form")
    >>> grads.convergence.gradient_solver
    'direct'
    >>> grads.convergence.rates_residual < 1e-10
    True
    """

    rates_residual: float
    rates_evaluations: int
    gradient_solver: str
    gradient_residual: float


def contraction_factor(network: Network) -> float:
    """ρ(N): below 1, the rates of `network` have one equilibrium, and sweeps converge to it. 0 without loops.

    Raises TypeError for a network of exact numbers.

    >>> import numpy as np, ottt_ref as ot
    >>> recurrent = ot.Dense(np.array([[0.5]]), False)
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.25]])), ot.LIF(), recurrent)])
    >>> round(ot.equilibrium.contraction_factor(network), 6)
    0.5
    """
    return _radius(sum(layer_norms(network)))


def layer_norms(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """N in two parts, [L, L]: of the connections within a time step, and of the delayed ones.

    >>> import numpy as np, ottt_ref as ot
    >>> recurrent = ot.Dense(np.array([[0.5]]), False)
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.25]])), ot.LIF(), recurrent)])
    >>> within, delayed = ot.equilibrium.layer_norms(network)
    >>> delayed.round(6)
    array([[0.5]])
    """
    if require_network(network).dtype.hasobject:
        raise TypeError("network must be of float64 or float32 for a contraction factor, got exact numbers")
    require_rate_mapping(network.layers, network.connections)
    within, delayed = np.zeros((2, len(network.layers), len(network.layers)))
    for connection in network.connections:
        if connection.source >= 0:
            neuron = network.layers[connection.target].neuron
            least = float(network.threshold(connection.target).min()) if neuron.spiking else 1.0  # an upper bound
            part = delayed if connection.loop else within
            norm = spectral_norm(network, connection) / least
            refuse_non_finite(f"spectral norm of {connection.name} over the threshold", np.array(norm))
            part[connection.target, connection.source] += norm
    return within, delayed


def limit_contraction(network: Network, largest: float) -> float:
    """Scale the delayed connections of `network` down, in place, all alike, until its contraction factor is `largest`.

    What is scaled is their weight, or the gain of a standardised one; `largest` is above 0. Returns by how much
    they were scaled: 1 if the factor was not above `largest`. Training by SR lets loops grow until no gradient comes
    through the equilibrium, unless they are limited, as Xiao et al. 2021 do by the norm of the weight.

    Raises TypeError or ValueError for another `largest`, a loop without parameters, or a network of exact numbers.

    >>> import numpy as np, ottt_ref as ot
    >>> recurrent = ot.Dense(np.array([[0.5]]), False)
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.25]])), ot.LIF(), recurrent)])
    >>> round(ot.equilibrium.limit_contraction(network, 0.25), 6)
    0.5
    >>> round(ot.equilibrium.contraction_factor(network), 6)
    0.25
    """
    require_positive("largest", largest)
    within, delayed = layer_norms(network)
    if _radius(within + delayed) <= largest:
        return 1.0
    scale = _scale_to(largest, lambda s: _radius(within + s * delayed))
    for name in [_scalable(connection) for connection in network.connections if connection.loop]:
        network.parameters[name] = (scale * network.parameters[name]).astype(network.dtype)
    return scale


def _scale_to(largest, radius):
    """The s in [0, 1] with radius(s) = largest, to 9 digits however small it is."""
    import scipy  # here and below: it would add a tenth to the import of the package, and few need it

    tiny = float(np.finfo(float).tiny)
    return float(scipy.optimize.brentq(lambda s: radius(s) - largest, 0.0, 1.0, xtol=tiny, rtol=1e-9, maxiter=2000))


def _scalable(connection):
    """The name of the parameter that scales a connection."""
    for parameter in ("gain", "weight", "skip_gain"):
        if f"{connection.name}.{parameter}" in connection.parameters:
            return f"{connection.name}.{parameter}"
    raise ValueError(f"{connection.name} must have a weight or a gain to scale, got {connection.operations!r}")


def _radius(norms):
    return float(np.abs(np.linalg.eigvals(norms)).max())


def spectral_norm(network: Network, connection: Connection) -> float:
    """The largest singular value of the connection's linear map, over the samples where it has dropout masks.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(np.diag([3.0, 2.0])), ot.LIF())])
    >>> round(ot.equilibrium.spectral_norm(network, network.connections[0]), 6)
    3.0
    """
    if not isinstance(connection, Connection):
        raise TypeError(f"connection must be one of network.connections, got {connection!r}")
    if not -1 <= connection.source < len(require_network(network).layers) or connection.target >= len(network.layers):
        raise ValueError(f"connection must be one of network.connections, got {connection.name} of another network")
    shapes = connection.input_shape, network.shape_of(connection.target)
    if (network.shape_of(connection.source), shapes[1]) != (shapes[0], connection.output_shape):
        raise ValueError(f"connection must be one of network.connections, got {connection.name} of another network")
    inputs, outputs = (math.prod(shape) for shape in shapes)
    nothing, samples = np.zeros(1, dtype=network.dtype), network.batch_size or 1
    if inputs * outputs <= LARGEST_MATRIX:
        basis = np.repeat(np.eye(inputs, dtype=network.dtype), samples, axis=0).reshape(-1, *shapes[0])
        matrices = connection.forward(basis, nothing).reshape(inputs, samples, outputs)
        if not is_finite(matrices):
            return math.inf
        return max(float(np.linalg.norm(matrices[:, b].astype(np.float64), 2)) for b in range(samples))

    def product(vector):
        values = np.zeros((samples, *shapes[0]), dtype=network.dtype)
        values[...] = vector.reshape(shapes[0])
        return connection.forward(values, nothing).reshape(samples, -1)

    def transposed(vector, b):
        errors = np.zeros((samples, *shapes[1]), dtype=network.dtype)
        errors[b] = vector.reshape(shapes[1])
        return connection.adjoint(errors)[b].reshape(-1)

    if min(inputs, outputs) == 1:  # svds finds fewer singular values than there are
        one = np.ones(1)
        return max(_length(product(one)[b] if inputs == 1 else transposed(one, b)) for b in range(samples))
    name, shape = f"the spectral norm of {connection.name}", (outputs, inputs)
    return max(
        _largest_singular_value(name, shape, lambda v, b=b: product(v)[b], lambda v, b=b: transposed(v, b))
        for b in range(samples)
    )


def _length(vector):
    """The Euclidean norm, whose squares neither overflow nor underflow."""
    vector = vector.astype(np.float64)
    largest = float(np.abs(vector).max())
    return largest * float(np.linalg.norm(vector / largest)) if 0 < largest < math.inf else largest


def _largest_singular_value(name, shape, product, transposed):
    """The largest singular value of a linear map [n_out, n_in], from its products with vectors.

    The map is divided by how much it stretches a random vector: its square, on which ARPACK works, neither overflows
    nor underflows then. Of a map that is not zero this vector, drawn from a continuous density, has an image that is
    not zero either: a map of zeros is known by it, on which ARPACK would not start.
    """
    import scipy

    vector = np.random.default_rng(0).normal(size=shape[1])
    vector /= np.linalg.norm(vector)
    scale = _length(product(vector))
    if scale == 0 or not math.isfinite(scale):
        return scale
    operator = scipy.sparse.linalg.LinearOperator(
        shape,
        matvec=lambda v: product(v) / scale,
        rmatvec=lambda v: transposed(v) / scale,
        dtype=np.float64,
    )
    start = vector if shape[1] <= shape[0] else product(vector) / scale  # of the shorter side, on which ARPACK works
    try:
        found = scipy.sparse.linalg.svds(operator, k=1, v0=start, return_singular_vectors=False)[0]
    except (scipy.sparse.linalg.ArpackError, np.linalg.LinAlgError) as error:
        raise ConvergenceError(f"{name} was not found: {error}") from None
    return float(scale * found)


def solve(
    network: Network,
    sweep: Callable[[dict[int, np.ndarray]], Mapping[int, np.ndarray] | Sequence[np.ndarray]],
    batch_size: int,
) -> tuple[dict[int, np.ndarray], tuple[float, int]]:
    """The fed-back rates at the equilibrium, by layer, with the largest |a - f(a)| and the evaluations of f.

    sweep   f: from the fed-back rates by layer to every layer's

    Raises ValueError where the loops do not contract, TypeError for exact numbers, ConvergenceError where scipy's root
    finder gives up.

    >>> import numpy as np, ottt_ref as ot
    >>> recurrent = ot.Dense(np.array([[0.5]]), False)
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.25]])), ot.LIF(), recurrent)])
    >>> rates, (residual, evaluations) = ot.equilibrium.solve(network, lambda a: {0: 0.25 + 0.5 * a[0]}, batch_size=1)
    >>> rates[0].round(6)
    array([[0.5]])
    """
    require_count("batch_size", batch_size)
    if require_network(network).dtype.hasobject:
        raise TypeError("rates must be 'measured' for a network of exact numbers with loops, got 'closed_form'")
    if not network.loop_sources:
        raise ValueError("network must have recurrent or feedback connections for an equilibrium, got none")
    factor = contraction_factor(network)
    if not factor < 1:
        raise ValueError(
            "network must have loops that contract for rates='closed_form' (a contraction factor below 1, for one "
            f"equilibrium), got a contraction factor of {factor:.4g}; rates='measured' needs no equilibrium"
        )
    # an equilibrium is up to |a - f(a)| / (1 - ρ) away: near ρ = 1 a small residual says little
    tolerance = TOLERANCES[network.dtype] * min(1.0, 100 * (1 - factor))
    packing = _Packing({l: (batch_size, *network.shapes[l]) for l in network.loop_sources}, network.dtype)
    evaluations = 0

    def residual(vector):
        nonlocal evaluations
        evaluations += 1
        vector = vector.astype(network.dtype)
        return packing.pack(sweep(packing.unpack(vector))) - vector

    def swept(rates, most, until=-1.0):
        change = residual(rates)
        for _ in range(most):
            if np.abs(change).max() <= until:
                break
            rates = rates + change
            change = residual(rates)
        return rates, np.abs(change).max()

    rates, left = swept(np.zeros(packing.size, dtype=network.dtype), SWEEPS_FROM_REST)
    if left > tolerance:
        rates, left = swept(_root(residual, rates, tolerance), MOST_SWEEPS, tolerance)
    if not left <= tolerance:
        raise ConvergenceError(
            f"the equilibrium of the rates was not reached: |a - f(a)| is {left:.3g} after {evaluations} evaluations, "
            f"not {tolerance:.3g}, at a contraction factor of 1 - {1 - factor:.3g}"
        )
    return packing.unpack(rates), (float(left), evaluations)


def _root(residual, start, tolerance):
    """Where scipy's root finder gets from `start`; `start` itself where it raises or loses itself."""
    import scipy

    try:
        found = scipy.optimize.root(residual, start, method="krylov", options={"fatol": tolerance / 2, "maxiter": 200})
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):  # "Jacobian inversion yielded zero vector", ...
        return start
    rates = found.x.astype(start.dtype)
    return rates if np.all(np.isfinite(rates)) else start


def solve_linear(
    affine: Callable[[dict[int, np.ndarray]], Mapping[int, np.ndarray]], zeros: Mapping[int, np.ndarray]
) -> tuple[dict[int, np.ndarray], tuple[str, float]]:
    """r with r = affine(r), by layer, each [B, ...] as in `zeros`; which solver, and the relative residual.

    affine   r → A r + r_0, sample by sample. Exact numbers are eliminated exactly.

    Raises ValueError where the equation has no one solution, ConvergenceError where GMRES gives up.

    >>> import numpy as np, ottt_ref as ot
    >>> solution, (solver, residual) = ot.equilibrium.solve_linear(lambda r: {0: 0.5 * r[0] + 1}, {0: np.zeros((1, 1))})
    >>> solution[0], solver
    (array([[2.]]), 'direct')
    """
    if not isinstance(zeros, Mapping) or not zeros:
        raise TypeError(f"zeros must be a mapping from layers to arrays [B, ...], got {shown(zeros)}")
    for l, array in zeros.items():
        plain = isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray)
        if not plain or array.ndim < 1 or array.dtype not in (*FLOAT_DTYPES, np.dtype(object)):
            raise TypeError(f"zeros[{l}] must be an array [B, ...] of numbers, got {shown(array)}")
    shapes = {l: array.shape for l, array in zeros.items()}
    if len({shape[0] for shape in shapes.values()}) > 1:
        raise ValueError(f"zeros must be of one batch, got shapes {list(shapes.values())}")
    packing = _Packing(shapes, next(iter(zeros.values())).dtype)

    def apply(vector):
        return packing.pack(affine(packing.unpack(vector)))

    start = packing.pack(zeros)
    constant = apply(start)
    solver = _direct if packing.size_of_sample <= LARGEST_DIRECT or packing.dtype.hasobject else _gmres
    solution = solver(apply, constant, packing)
    residual = (apply(solution) - solution).astype(np.float64)
    scale = np.linalg.norm(constant.astype(np.float64)) or 1.0
    return packing.unpack(solution), (solver.__name__[1:], float(np.linalg.norm(residual) / scale))


def _direct(apply, constant, packing):
    samples, count = packing.batch_size, packing.size_of_sample
    system = np.zeros((samples, count, count), dtype=packing.dtype)
    for k in range(count):
        unit = np.zeros((samples, count), dtype=packing.dtype)
        unit[:, k] = 1
        system[:, :, k] = unit - (apply(unit.reshape(-1)) - constant).reshape(samples, count)
    right = constant.reshape(samples, count)
    try:
        if packing.dtype.hasobject:
            return np.concatenate([eliminate(matrix, row) for matrix, row in zip(system, right)])
        return np.linalg.solve(system, right[..., np.newaxis]).reshape(-1)
    except np.linalg.LinAlgError:
        raise ValueError(
            "network must have loops through which errors come back finite, got a singular I - (∂f/∂a)^T at these rates"
        ) from None


def _gmres(apply, constant, packing):
    import scipy

    def product(vector):
        vector = vector.reshape(-1).astype(packing.dtype)
        return vector - (apply(vector) - constant)

    operator = scipy.sparse.linalg.LinearOperator((constant.size, constant.size), matvec=product, dtype=packing.dtype)
    tolerance = TOLERANCES[packing.dtype]
    solution, code = scipy.sparse.linalg.gmres(operator, constant, rtol=tolerance, restart=100, maxiter=20)
    if code:
        left = np.linalg.norm(constant - product(solution)) / np.linalg.norm(constant)
        raise ConvergenceError(
            f"the implicit gradient was not reached: GMRES left a relative residual of {left:.3g}, not {tolerance:g}"
        )
    return solution.astype(packing.dtype)


def eliminate(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x with matrix x = right, exactly: Gauss-Jordan elimination over exact numbers, [n, n] and [n].

    Raises numpy.linalg.LinAlgError for a singular matrix, TypeError or ValueError for floats among the numbers or other
    shapes.

    >>> import ottt_ref as ot
    >>> ot.equilibrium.eliminate(ot.exact_array([[2, 1], [1, 1]]), ot.exact_array([1, 0]))
    array([Fraction(1, 1), Fraction(-1, 1)], dtype=object)
    """
    matrix = require_array("matrix", matrix, ("n", "n"), object)
    right = require_array("right", right, (len(matrix),), object)
    matrix = require_array("matrix", matrix, (len(right), len(right)), object)
    if exact_kind({"matrix": matrix, "right": right}) is not None:  # ints would be divided to floats
        matrix, right = exact_values(matrix), exact_values(right)
    rows = np.concatenate([matrix, right[:, np.newaxis]], axis=1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i, k] != 0), None)
        if pivot is None:
            raise np.linalg.LinAlgError("singular matrix")
        rows[[k, pivot]] = rows[[pivot, k]]
        rows[k] = rows[k] / rows[k, k]
        for i in range(len(rows)):
            if i != k:
                rows[i] = rows[i] - rows[i, k] * rows[k]
    return rows[:, -1]


def distance(delayed: Mapping[int, np.ndarray], values: Mapping[int, np.ndarray] | Sequence[np.ndarray]) -> float:
    """The largest |a - f(a)| of the fed-back rates.

    >>> import numpy as np, ottt_ref as ot
    >>> ot.equilibrium.distance({0: np.array([[0.5]])}, {0: np.array([[0.25]])})
    0.25
    """
    if not isinstance(delayed, Mapping) or not delayed:
        raise TypeError(f"delayed must be a mapping from layers to rates [B, ...], got {shown(delayed)}")
    _require_layers("values", values, delayed)
    for l, array in delayed.items():
        if not isinstance(array, np.ndarray):
            raise TypeError(f"delayed[{l}] must be an array, got {array!r}")
        require_result(f"values[{l}]", values[l], array.shape, array.dtype, "be")
    return max(float(np.abs(delayed[l] - values[l]).max()) for l in delayed)


def _require_layers(name, arrays, layers):
    """Check that there is an entry for each of the layers, in a mapping or a sequence."""
    there = isinstance(arrays, Mapping | Sequence) and not isinstance(arrays, str)
    found = [] if not there else list(arrays) if isinstance(arrays, Mapping) else range(-1, len(arrays))
    if not there or any(l not in found for l in layers):
        raise TypeError(f"{name} must hold rates or errors of the layers {list(layers)}, got {shown(arrays)}")


class _Packing:
    """Arrays [B, ...] by layer as one vector, sample by sample, and back."""

    def __init__(self, shapes, dtype):
        self.shapes = shapes
        self.dtype = dtype
        self.batch_size = next(iter(shapes.values()))[0]
        self._widths = [math.prod(shape[1:]) for shape in shapes.values()]
        self.size_of_sample = sum(self._widths)
        self.size = self.batch_size * self.size_of_sample

    def pack(self, arrays):
        """One vector [B · n] of the arrays of `shapes`; TypeError or ValueError for arrays of others."""
        _require_layers("what comes back", arrays, self.shapes)
        for l, shape in self.shapes.items():
            require_result(f"rates or errors of layers[{l}]", arrays[l], shape, self.dtype, "be")
        return np.concatenate([arrays[l].reshape(self.batch_size, -1) for l in self.shapes], axis=1).reshape(-1)

    def unpack(self, vector):
        """The arrays by layer."""
        parts = np.split(vector.reshape(self.batch_size, -1), np.cumsum(self._widths)[:-1], axis=1)
        return {l: np.ascontiguousarray(part).reshape(self.shapes[l]) for l, part in zip(self.shapes, parts)}
