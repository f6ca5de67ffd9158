"""Provenance numbers remember what a result was made of."""

from fractions import Fraction

import numpy as np
import pytest

from proofs.number_systems.provenance import Provenance, variable, variables_of

a, b = variable("a"), variable("b", 1)


@pytest.mark.parametrize("result", [a + b, a - b, a * b, a / b, -(a * b), 2 * a + b, 1 - a / b, 3 / (a + b)])
def test_results_are_made_of_their_operands(result):
    assert variables_of(result) == {("a",), ("b", 1)}


def test_constants_add_nothing():
    assert variables_of(3.0) == frozenset()
    assert variables_of(2 * (a + 1) - 4) == variables_of(a * 1) == {("a",)}


def test_a_product_with_zero_is_made_of_nothing():
    assert variables_of(a * 0) == variables_of(0 * a) == frozenset()
    assert variables_of(a * 0 + b) == {("b", 1)}


def test_lives_in_object_arrays():
    total = np.array([a, b], dtype=object).sum()
    assert isinstance(total, Provenance)
    assert variables_of(total) == {("a",), ("b", 1)}


def test_what_a_result_does_not_name_it_does_not_depend_on():
    """Expressions drawn at random: a change of a variable that is not among the result's leaves the value alone."""
    rng = np.random.default_rng(0)
    depends = 0
    for _ in range(300):
        program = [(int(rng.integers(0, 5)), *map(int, rng.integers(0, 4 + k, 2))) for k in range(5)]
        made = variables_of(computed(program, [variable(name) for name in "abc"]))
        values = [Fraction(int(k), 7) for k in rng.integers(1, 50, 3)]
        for k, name in enumerate("abc"):
            changed = [value + (k == j) for j, value in enumerate(values)]
            if computed(program, values) != computed(program, changed):
                depends += 1
                assert (name,) in made
    assert depends > 100


def computed(program, variables):
    """The last of the numbers that the program makes of three variables and 0."""
    numbers = [*variables, 0]
    for kind, i, j in program:
        x, y = numbers[i], numbers[j]
        numbers.append([x + y, x - y, x * y, -x, x * 3 - y][kind])
    return numbers[-1]


def test_decisions_by_numbers_without_a_value_are_refused():
    for decide in (lambda: a == 0, lambda: a != b, lambda: bool(a), lambda: a < 1, lambda: float(a), lambda: int(a)):
        with pytest.raises(TypeError):
            decide()


def test_quotients_are_made_of_both():
    assert variables_of(a / 2) == variables_of(2 / a) == {("a",)} and variables_of(0 / b) == {("b", 1)}
