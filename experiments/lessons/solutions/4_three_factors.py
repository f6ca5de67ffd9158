"""Solutions of the exercises of lesson 4."""

from fractions import Fraction

from exercises import lesson

lesson_4 = lesson("4_three_factors")

# The potential is 3/4: ψ = 3/4, the error 0 - 1, the trace 1/2, the learning rate 1/2.
lesson_4.exercise_1(Fraction(3, 16))

# A trace for each presynaptic neuron; a number for each pair of an input and a neuron.
lesson_4.exercise_2((100, 5000))


def errors_below(w, g):
    return [sum(w[i][j] * g[i] for i in range(len(w))) for j in range(len(w[0]))]


lesson_4.exercise_3(errors_below)
