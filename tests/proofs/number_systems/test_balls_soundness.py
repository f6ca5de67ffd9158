"""Balls enclose, whatever the exponents, radii and numbers of terms: against exact fractions, with seeded draws."""

import math
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest

from proofs.number_systems.balls import Balls, as_balls, solve, stack

from .adversarial import LARGEST, SMALLEST, UNIT, floats, pairs


def holds(balls, exact):
    exact = np.asarray(exact, dtype=object)
    assert balls.middle.shape == balls.radius.shape == exact.shape
    return all(
        abs(value - Fraction(float(m))) <= Fraction(float(r))
        for m, r, value in zip(balls.middle.flat, balls.radius.flat, exact.flat)
    )


def drawn(shape, seed, small=-1074, large=1023):
    """Balls, exponents from small to large and radii from 0 to wide, and exact numbers in them, many at an edge."""
    rng = np.random.default_rng(seed)
    numbers = np.ldexp(rng.uniform(1, 2, shape), rng.integers(small, large, shape)) * rng.choice([-1, 1], shape)
    middle = np.where(rng.random(shape) < 0.1, 0.0, numbers)
    kind = rng.integers(0, 4, shape)
    radius = np.select([kind == 0, kind == 1, kind == 2], [0 * middle, abs(middle) * UNIT, abs(middle) * 0.9], SMALLEST)
    share = rng.choice([-1, 1, 0.5], shape)
    inside = [Fraction(float(m)) + Fraction(float(s)) * Fraction(float(r)) for m, s, r in _parts(middle, share, radius)]
    return Balls(middle, radius), np.array(inside, dtype=object).reshape(shape)


def _parts(*arrays):
    return zip(*(array.flat for array in arrays))


def accepted(operation, *operands):
    """What the operation gives, or None where it overflows, and says so."""
    try:
        return operation(*operands)
    except ValueError as error:
        assert "finite" in str(error)
        return None


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__mul__"])
def test_an_operation_on_floats_of_any_two_exponents_encloses(operation):
    a, b = np.array([pair for pair in pairs(1200, seed=1) if max(map(abs, pair)) < 1e300]).T
    exact = [getattr(Fraction(x), operation)(Fraction(y)) for x, y in zip(a.tolist(), b.tolist())]
    small = np.array([abs(number) < Fraction(LARGEST) / 2 for number in exact])
    exact = np.array(exact, dtype=object)[small]
    result = getattr(as_balls(a[small]), operation)(as_balls(b[small]))
    assert holds(result, exact) and len(exact) > 700
    size = np.array([float(abs(number)) for number in exact])
    assert np.all(result.radius <= 4 * UNIT * size + 1e-289)


def test_operations_on_balls_of_every_width_and_exponent_enclose():
    x, exact_x = drawn((1200,), seed=2, large=500)
    y, exact_y = drawn((1200,), seed=3, large=500)
    assert holds(x + y, exact_x + exact_y) and holds(x - y, exact_x - exact_y) and holds(x * y, exact_x * exact_y)
    assert holds(-x, -exact_x) and holds(abs(x), abs(exact_x)) and holds(3 - x, 3 - exact_x)


def test_inverses_of_wide_balls_enclose():
    y, exact = drawn((1500,), seed=4, small=-497)
    kept = (abs(y.middle) - y.radius > 1e-150) & (y.middle != 0)
    x, exact_x = drawn((int(kept.sum()),), seed=5, large=300)
    assert kept.sum() > 1000 and holds(y[kept].inverse(), 1 / exact[kept])
    small = abs(y.middle[kept]) > 1e-30
    assert holds(x[small] / y[kept][small], exact_x[small] / exact[kept][small])
    assert holds(1 / Balls(np.array([1.0]), np.array([0.875])), [Fraction(8)])


@pytest.mark.parametrize("seed", range(6))
def test_matrix_products_of_every_exponent_enclose(seed):
    x, exact_x = drawn((3, 7), seed, -1074 if seed % 2 else -300, 400)
    y, exact_y = drawn((7, 4), seed + 10, -1074 if seed % 3 else -300, 400)
    assert holds(x @ y, exact_x @ exact_y)
    assert holds(x @ y[:, 0], exact_x @ exact_y[:, 0])


def test_a_matrix_product_of_subnormal_and_huge_numbers_encloses():
    rng = np.random.default_rng(6)
    for _ in range(20):
        a, b = rng.uniform(1, 2, (2, 5)) * 1e-310, rng.uniform(-2, 2, (5, 2)) * 1e300
        exact_a, exact_b = (np.array([list(map(Fraction, row)) for row in part.tolist()]) for part in (a, b))
        assert holds(as_balls(a) @ as_balls(b), exact_a @ exact_b)
        assert holds(as_balls(b) @ as_balls(a), exact_b @ exact_a)


def test_a_matrix_product_of_wide_balls_encloses_the_product_of_their_ends():
    wide = Balls(np.ones((2, 3)), np.full((2, 3), 0.875))
    assert holds(wide @ wide.T, np.full((2, 2), 3 * Fraction(15, 8) ** 2))
    assert holds(wide @ wide.T, np.full((2, 2), 3 * Fraction(1, 8) ** 2))


def test_a_matrix_product_that_underflows_encloses():
    small, exact = np.array([1e-200, 3e-200]), Fraction(1e-200) ** 2 + Fraction(3e-200) ** 2
    product = as_balls(small[np.newaxis]) @ as_balls(small)
    assert product.middle[0] == 0 and holds(product, [exact])


def test_sums_of_many_terms_enclose():
    """1 and thousands of halves of its last bit, each of which floats lose: as many roundings as terms."""
    terms = np.full((4000, 2), UNIT)
    terms[0] = 1.0, -1.0
    exact = [1 + 3999 * Fraction(UNIT), -1 + 3999 * Fraction(UNIT)]
    assert terms.sum(axis=0)[0] == 1
    assert holds(as_balls(terms).sum(axis=0), exact) and as_balls(terms).sum(axis=0).radius[0] < 1e-11
    assert holds(as_balls(np.ones((3, 4000))) @ as_balls(terms), [exact] * 3)
    assert holds(as_balls(np.ones(4000)) @ as_balls(terms[:, 0]), exact[0])


def test_sums_along_either_axis_enclose():
    balls, inside = drawn((50, 6), seed=7, large=1000)
    for axis in (0, 1, -1):
        assert holds(balls.sum(axis=axis), inside.sum(axis=axis))
    subnormal, inside = drawn((50, 6), seed=8, small=-1074, large=-1015)
    assert holds(subnormal.sum(axis=0), inside.sum(axis=0))


def test_cancellation_leaves_what_was_rounded_before():
    third = as_balls([Fraction(1, 3)])
    assert holds(third * 3 - 1, [Fraction(0)]) and (third * 3 - 1).radius[0] > 0
    x = (as_balls([1e16]) + 1) - 1e16
    assert holds(x, [Fraction(1)])


def test_exponentials_enclose_those_of_fifty_digits():
    precise = Context(prec=50)
    middles = np.array([*np.linspace(-600, 599, 60), -600.5, -1e5, 0.0, -0.0, 1e-320, math.log(2), 0.3465735902799727])
    for radius in (0.0, 1e-9, 0.01):
        for share in (-1, 1):
            exact = [Fraction(m) + share * Fraction(radius) for m in middles.tolist()]
            power = [Fraction((Decimal(x.numerator) / Decimal(x.denominator)).exp(precise)) for x in exact]
            assert holds(Balls(middles, np.full_like(middles, radius)).exp(), power)


def test_numbers_that_no_float_holds_have_a_radius():
    numbers = [Fraction(1, 3), 2**53 + 1, 0.5, Fraction(-2, 3), 10**40 + 1, Decimal("0.1"), np.longdouble(1) / 3]
    exact = [Fraction(1, 3), 2**53 + 1, Fraction(1, 2), Fraction(-2, 3), 10**40 + 1, Fraction(1, 10)]
    balls = as_balls(numbers)
    assert holds(balls[:-1], exact) and np.all((balls.radius > 0) == [True, True, False, True, True, True, True])
    for number in (*numbers[:2], np.int64(2**53 + 1), np.array(2**53 + 1)):
        assert as_balls(number).radius > 0
    assert as_balls([2**53 + 1, 0.5]).radius[0] == 1 and as_balls(np.float32(0.1)).radius == 0
    assert holds(as_balls([1.0, 3.0]) * Fraction(1, 3), [Fraction(1, 3), Fraction(1)])
    assert holds(as_balls([3.0]) / Fraction(1, 7), [Fraction(21)]) and holds(
        2**53 + 1 - as_balls([1.0]), [Fraction(2**53)]
    )
    assert as_balls(np.array([True, False])).middle.tolist() == [1, 0]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, [1.0, -math.inf], np.array([math.nan]), 10**400, Decimal("inf")])
def test_what_is_not_finite_is_refused(wrong):
    with pytest.raises(ValueError):
        as_balls(wrong)


@pytest.mark.parametrize("wrong", ["1", None, 1j, np.array([1j]), ["1"], np.array(["1"])])
def test_what_is_no_real_number_is_refused(wrong):
    with pytest.raises(TypeError):
        as_balls(wrong)
    with pytest.raises(TypeError):
        as_balls([1.0]) + wrong


def test_results_that_overflow_are_refused_and_never_infinite():
    huge = as_balls([1e300])
    for operation in (
        lambda: huge * huge,
        lambda: huge * 1e8 + huge * 1.7e8,
        lambda: as_balls([[1e300]]) @ huge,
        lambda: as_balls([LARGEST, LARGEST]).sum(axis=0),
        lambda: Balls(np.array([1e300]), np.array([1e300])) * Balls(np.array([1.0]), np.array([1e10])),
    ):
        with pytest.raises(ValueError, match="finite"):
            operation()


def test_balls_that_make_no_sense_are_refused():
    one = np.ones(1)
    for middle, radius in ((one, -one), (one, np.array([math.nan])), (np.array([math.inf]), one)):
        with pytest.raises(ValueError, match="at least 0"):
            Balls(middle, radius)
    for middle, radius in ((one.astype(np.float32), one), (one, np.ones(2)), (np.array([Fraction(1)]), one)):
        with pytest.raises(TypeError, match="float64 arrays of one shape"):
            Balls(middle, radius)
    for wrong in (lambda: as_balls(one) == 1, lambda: bool(as_balls(one)), lambda: as_balls(one) < 2):
        with pytest.raises(TypeError):
            wrong()


def test_exact_zeros_stay_exact():
    zero = as_balls(np.array([0.0, -0.0]))
    other = Balls(np.array([1e300, 1e-310]), np.array([0.5, 1e-320]))
    assert not np.any((zero * other).radius) and not np.any((other[np.newaxis] @ zero).radius)
    assert not np.any((zero + zero).radius) and not np.any(zero.sum(axis=0).radius)


def test_signs_are_those_of_all_numbers_within():
    balls = Balls(np.array([1.0, 1.0, -1.0, -1.0, 0.0, SMALLEST]), np.array([1.0, 1 - UNIT, 1.0, 0.5, 0.0, 0.0]))
    assert balls.positive().tolist() == [False, True, False, False, False, True]
    assert balls.negative().tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize("seed", range(8))
def test_solutions_of_systems_of_balls_are_enclosed(seed):
    """Every system within the balls: matrices and right sides at their edges, solved in fractions."""
    rng = np.random.default_rng(seed)
    size = 3
    matrix = rng.normal(size=(size, size)) * 10.0 ** rng.integers(-3, 4) + 3 * np.eye(size)
    radius = abs(matrix) * float(rng.choice([0.0, 1e-12, 0.02]))
    right = Balls(rng.normal(size=size), np.full(size, float(rng.choice([0.0, 1e-9, 0.5]))))
    try:
        solution = solve(Balls(matrix, radius), right)
    except ValueError:
        pytest.skip("too wide to be regular for certain")
    for _ in range(8):
        signs, sides = rng.choice([-1, 1], (size, size)), rng.choice([-1, 1], size)
        exact = [
            [Fraction(m) + int(s) * Fraction(r) for m, s, r in zip(*map(list, row))]
            for row in zip(matrix, signs, radius)
        ]
        vector = [Fraction(m) + int(s) * Fraction(r) for m, s, r in zip(right.middle, sides, right.radius)]
        assert holds(solution, _eliminated(exact, vector))


def _eliminated(matrix, right):
    """The solution of a system of fractions, by Gauss and Jordan."""
    rows = [[*row, value] for row, value in zip(matrix, right)]
    for k in range(len(rows)):
        pivot = next(row for row in rows[k:] if row[k])
        rows.remove(pivot)
        rows.insert(k, [value / pivot[k] for value in pivot])
        for i in range(len(rows)):
            if i != k:
                rows[i] = [value - rows[i][k] * other for value, other in zip(rows[i], rows[k])]
    return [row[-1] for row in rows]


def test_systems_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"a matrix \[n, n\] and a right side \[n\], got \(2, 3\) and \(2,\)"):
        solve(as_balls(np.ones((2, 3))), as_balls(np.ones(2)))


def test_stacks_and_parts_are_the_same_balls():
    x, exact = drawn((4, 3), seed=9)
    assert holds(stack([x[0], x[2]]), exact[[0, 2]]) and holds(x.T, exact.T)
    assert floats(3) == floats(3)
