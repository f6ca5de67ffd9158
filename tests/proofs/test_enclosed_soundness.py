"""π, surrogates and losses over intervals, against sixty digits; what is not known is refused."""

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import losses
from proofs import enclosed
from proofs.number_systems.interval import Interval, Undecided, as_interval

DISTANCES = (0.0, -0.0, 0.1, -0.1, 1.0, -1.0, 1 / 3, 5.0, -40.0, 200.0, -1e5, 1e-310, 1e150)


def arctangent(inverse, terms):
    """arctan(1 / inverse) from below and from above: a sum of terms of alternating signs, which decrease."""
    parts = [Fraction((-1) ** k, (2 * k + 1) * inverse ** (2 * k + 1)) for k in range(terms + 1)]
    return sorted((sum(parts[:-1]), sum(parts)))


def test_pi_is_enclosed():
    """π = 16 arctan(1/5) - 4 arctan(1/239) (Machin), to sixty digits from either side."""
    (fifth, fifth_above), (other, other_above) = arctangent(5, 45), arctangent(239, 13)
    below, above = 16 * fifth - 4 * other_above, 16 * fifth_above - 4 * other
    assert above - below < Fraction(1, 10**60)
    assert Fraction(enclosed.PI.low) < below < above < Fraction(enclosed.PI.high)
    assert enclosed.PI.high - enclosed.PI.low < 1e-15
    assert str(PI)[:12] == "3.1415926535"


PI = (lambda low: Decimal(low.numerator) / Decimal(low.denominator))(
    16 * arctangent(5, 18)[0] - 4 * arctangent(239, 6)[1]  # to 27 digits: more than any interval here can tell
)


def precise(number):
    return Decimal(number)


def sigmoid(surrogate, z):
    decaying = (-abs(precise(surrogate.alpha) * z)).exp()
    return precise(surrogate.alpha) * decaying / (1 + decaying) ** 2


def arctan(surrogate, z):
    return precise(surrogate.alpha) / 2 / (1 + (PI * precise(surrogate.alpha) * z / 2) ** 2)


def multi_gaussian(surrogate, z):
    sigma, s, h, scale = map(precise, (surrogate.sigma, surrogate.s, surrogate.h, surrogate.scale))

    def normal(x, deviation):
        return (-(x * x) / (2 * deviation * deviation)).exp() / ((2 * PI).sqrt() * deviation)

    return scale * ((1 + h) * normal(z, sigma) - h * normal(z - sigma, s * sigma) - h * normal(z + sigma, s * sigma))


@pytest.mark.parametrize(
    ("surrogate", "formula"),
    [
        (ot.surrogate.Sigmoid(), sigmoid),
        (ot.surrogate.Sigmoid(alpha=0.3), sigmoid),
        (ot.surrogate.Arctan(), arctan),
        (ot.surrogate.Arctan(alpha=0.7), arctan),
        (ot.surrogate.MultiGaussian(), multi_gaussian),
        (ot.surrogate.MultiGaussian(sigma=0.3, h=0.2, s=3.0, scale=1.7), multi_gaussian),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_surrogates_hold_what_sixty_digits_give(surrogate, formula):
    parameters = surrogate.rebuilt(None, as_interval) if hasattr(surrogate, "rebuilt") else surrogate
    enclosing = enclosed.EnclosedSurrogate(parameters)
    with localcontext(Context(prec=60, Emin=-(10**8), Emax=10**8)):
        for z in DISTANCES:
            (got,) = enclosing.derivative(enclosed.array(np.array([z]))).flat
            exact = formula(surrogate, precise(z))
            slack = abs(Fraction(exact)) / 10**24
            assert Fraction(got.low) - slack <= Fraction(exact) <= Fraction(got.high) + slack, z
            assert got.high - got.low <= 1e-13


def test_wide_distances_hold_every_number_between():
    for surrogate in (ot.surrogate.Sigmoid(), ot.surrogate.Arctan(), ot.surrogate.MultiGaussian()):
        wide = np.array([Interval(-0.5, 2.0)], dtype=object)
        (got,) = enclosed.EnclosedSurrogate(surrogate).derivative(wide).flat
        for z in np.linspace(-0.5, 2.0, 11):
            (inside,) = enclosed.EnclosedSurrogate(surrogate).derivative(enclosed.array(np.array([z]))).flat
            assert got.low <= inside.high and inside.low <= got.high


def test_losses_hold_what_sixty_digits_give():
    outputs = np.array([[1.0, -2.0, 0.1], [50.0, 0.0, -700.0], [1e-310, 0.0, 2000.0]])
    targets = np.array([[1.0, 0.0, 0.0], [0.0, 0.25, 0.75], [0.0, 0.0, 1.0]])
    for share in (Fraction(0), Fraction(0.3), Fraction(1)):
        loss = losses.CrossEntropy() if share == 0 else losses.Mixed(mse_weight=float(share))
        value, gradient = enclosed.loss(loss).evaluate(enclosed.array(outputs), enclosed.array(targets))
        with localcontext(Context(prec=60, Emin=-(10**8), Emax=10**8)):
            for b, (row, target) in enumerate(zip(outputs, targets)):
                exact, slopes = mixture(list(map(precise, row)), list(map(precise, target)), share)
                assert exact in value[b] and all(slope in got for slope, got in zip(slopes, gradient[b]))


def mixture(row, target, share):
    """(1 - share) · cross-entropy + share · squared error of one row, and its gradient, to sixty digits."""
    largest = max(row)
    exponentials = [(output - largest).exp() for output in row]
    total = sum(exponentials)
    cross = sum(y * (largest + total.ln() - output) for y, output in zip(target, row))
    squared = sum((output - y) ** 2 for y, output in zip(target, row)) / len(row)
    softmax = [part / total for part in exponentials]
    slopes = [
        (1 - share) * Fraction(p - y) + share * Fraction(2 * (output - y) / len(row))
        for p, y, output in zip(softmax, target, row)
    ]
    return (1 - share) * Fraction(cross) + share * Fraction(squared), slopes


@dataclass(frozen=True)
class Own(ot.surrogate.Sigmoid):
    """A surrogate of a user's own."""


class Hinge(losses.Loss):
    """A loss of a user's own, which is neither rational nor cross-entropy."""

    rational = False


def test_what_has_no_intervals_is_refused():
    with pytest.raises(TypeError, match="surrogate must be rational or one of"):
        enclosed.EnclosedSurrogate(Own()).derivative(enclosed.array(np.array([0.5])))
    with pytest.raises(TypeError, match="loss must be rational, CrossEntropy or Mixed"):
        enclosed.loss(Hinge())
    assert enclosed.loss(losses.MeanSquaredError()) == losses.MeanSquaredError()


def test_rational_surrogates_are_undecided_at_their_corners():
    triangle = enclosed.EnclosedSurrogate(ot.surrogate.Triangle())
    corner = np.array([Interval(0.5, 1.5)], dtype=object)
    with pytest.raises(Undecided):
        triangle.derivative(corner)
    (inside,) = triangle.derivative(np.array([Interval(0.25, 0.5)], dtype=object)).flat
    assert (inside.low, inside.high) == (0.5, 0.75)


def test_numbers_of_a_network_are_taken_as_they_are():
    """Weights that no float64 holds, or of float32, are enclosed or exact."""
    network = ot.dense_network([2, 2, 2], rng=0).astype(np.float32)
    enclosing = enclosed.network(network)
    weights = zip(network.parameters["layer0.weight"].flat, enclosing.parameters["layer0.weight"].flat)
    assert all(interval.low == interval.high == float(weight) for weight, interval in weights)
