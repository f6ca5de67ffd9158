"""Solutions of the exercises of lesson 5."""

from fractions import Fraction

from exercises import lesson

lesson_5 = lesson("5_spike_representation")

# SR's gradient is a column of errors times a row of rates. So in every row the ratio is that of the inputs' rates.
# With the newest step first, the inputs are 1, 0, 1, 1 and 1, 1, 1, 0, with the weights 1, 1/2, 1/4, 1/8.
lesson_5.exercise_1(Fraction(8 + 2 + 1, 8 + 4 + 2))

# With w = 1 the neuron fires in every step. SR's slope is 0 there, where σ is cut off; ψ is 1, at the threshold.
lesson_5.exercise_2(1)
