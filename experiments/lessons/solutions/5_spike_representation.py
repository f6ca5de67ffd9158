"""Solutions of the exercises of lesson 5."""

from fractions import Fraction

from exercises import lesson

lesson_5 = lesson("5_spike_representation")

# SR's gradient is a column of errors times a row of rates. So in every row the ratio is that of the inputs' rates.
# With the newest step first, the inputs are 1, 0, 1, 1 and 1, 1, 1, 0, with the weights 1, 1/2, 1/4, 1/8.
lesson_5.exercise_1(Fraction(8 + 2 + 1, 8 + 4 + 2))

# With w = 5/4 the neuron fires in every step. z = 5/4 is above 1, where σ is flat, so SR's slope is 0. The potential
# goes from 5/4 towards 3/2, less than 1 above the threshold, so ψ is not 0.
lesson_5.exercise_2(Fraction(5, 4))
