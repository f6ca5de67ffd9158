"""Solutions of the exercises of lesson 1."""

from fractions import Fraction

from exercises import lesson

lesson_1 = lesson("1_lif_neuron")

# The potential stays below I / (1 - λ) = 4 I. With I = 1/4 it comes near to the threshold and never reaches it.
lesson_1.exercise_1(Fraction(5, 16))

# The last current has the largest weight, 32/63, and fills the membrane almost to the threshold.
lesson_1.exercise_2([0, 0, 0, 0, 0, Fraction(99, 100)])
