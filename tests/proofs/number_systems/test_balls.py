"""Balls hold the exact result of every operation, and are hardly wider than rounding makes them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.number_systems.balls import Balls, as_balls, solve, stack
from proofs.number_systems.interval import Interval, exp

numbers = st.floats(min_value=-1000, max_value=1000)
radii = st.sampled_from([0.0, 1e-12, 0.25])


@st.composite
def matrices(draw, rows, columns):
    """Balls [rows, columns], and numbers in them, Fractions."""
    middle = np.array(draw(st.lists(numbers, min_size=rows * columns, max_size=rows * columns))).reshape(rows, columns)
    radius = np.full((rows, columns), draw(radii))
    share = Fraction(draw(st.integers(-4, 4)), 4)
    inside = [[Fraction(m) + share * Fraction(r) for m, r in zip(*row)] for row in zip(middle, radius)]
    return Balls(middle, radius), np.array(inside, dtype=object)


def holds(balls, exact):
    pairs = zip(balls.middle.flat, balls.radius.flat, np.asarray(exact).flat)
    return all(abs(Fraction(value) - Fraction(float(m))) <= Fraction(float(r)) for m, r, value in pairs)


@given(matrices(2, 3), matrices(2, 3), matrices(3, 2))
def test_every_operation_holds_the_exact_result(a, b, c):
    (x, exact_x), (y, exact_y), (z, exact_z) = a, b, c
    assert holds(x, exact_x)
    assert holds(x + y, exact_x + exact_y) and holds(x - y, exact_x - exact_y) and holds(-x, -exact_x)
    assert holds(x * y, exact_x * exact_y) and holds(x @ z, exact_x @ exact_z) and holds(x.T, exact_x.T)
    assert holds(abs(x), abs(exact_x)) and holds(x.sum(axis=0), exact_x.sum(axis=0)) and holds(x[1], exact_x[1])
    assert holds(2 * x - 1, 2 * exact_x - 1) and holds(1 - x, 1 - exact_x)
    assert holds(np.eye(2) * x[:, :2], np.array(np.eye(2), dtype=int) * exact_x[:, :2])
    if np.all(abs(y.middle) - y.radius > 1e-150):
        assert holds(x / y, exact_x / exact_y) and holds(1 / y, 1 / exact_y)
    assert holds(stack([x, y])[1], exact_y)


@given(st.floats(min_value=-700, max_value=600), st.sampled_from([0.0, 1e-9, 0.01]))
def test_the_exponential_holds_that_of_the_interval(middle, radius):
    ball = Balls(np.array([middle]), np.array([radius])).exp()
    interval = exp(Interval(middle - radius, middle + radius))
    margin = 1e-12 * interval.high  # the ball is a little wider than the interval, which is a little wider than it must
    assert ball.middle[0] - ball.radius[0] <= interval.low + margin
    assert interval.high - margin <= ball.middle[0] + ball.radius[0]
    if radius == 0 and middle > -500:
        assert interval.low <= ball.middle[0] + ball.radius[0] and ball.middle[0] - ball.radius[0] <= interval.high
        assert ball.radius[0] <= 1e-13 * ball.middle[0] * (1 + abs(middle))


def test_the_solution_of_a_system_is_held():
    rng = np.random.default_rng(0)
    for _ in range(20):
        matrix, solution = rng.integers(-5, 6, (4, 4)), rng.integers(-9, 10, 4)
        if abs(np.linalg.det(matrix)) < 0.5:
            continue
        got = solve(as_balls(matrix), as_balls(matrix @ solution))
        assert holds(got, [Fraction(int(value)) for value in solution]) and got.radius.max() < 1e-11


def test_a_singular_system_is_refused():
    singular = np.array([[1.0, 2.0], [2.0, 4.0]])
    with pytest.raises(ValueError, match="may be singular"):
        solve(as_balls(singular), as_balls(np.ones(2)))
    with pytest.raises(ValueError, match="may be singular"):
        solve(Balls(np.eye(2), np.full((2, 2), 0.6)), as_balls(np.ones(2)))


def test_signs_are_certain_or_not_told():
    balls = Balls(np.array([1.0, -1.0, 0.5, 0.0]), np.array([0.5, 0.5, 0.5, 0.0]))
    assert balls.positive().tolist() == [True, False, False, False]
    assert balls.negative().tolist() == [False, True, False, False]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ZeroDivisionError, match="holds 0"):
        1 / Balls(np.array([0.5]), np.array([0.5]))
    with pytest.raises(ValueError, match="at most 600"):
        as_balls(np.array([601.0])).exp()
    with pytest.raises(ValueError, match="to within"):
        Balls(np.array([0.0]), np.array([0.5])).exp()
