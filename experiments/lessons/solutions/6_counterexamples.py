"""Solutions of the exercises of lesson 6."""

from fractions import Fraction

from exercises import lesson

lesson_6 = lesson("6_counterexamples")

# Without memory no path waits, in any method.
lesson_6.exercise_1(0)

# The neuron that should fire has the smaller weight. OTTT is -5/256, BPTT 13/256.
lesson_6.exercise_2([Fraction(1, 2), Fraction(3, 4)])

# With 5/4 the first neuron keeps 1/4 after its spike: u = 1/8 in step 2, where ψ is 1/8.
lesson_6.exercise_3(Fraction(5, 4))
