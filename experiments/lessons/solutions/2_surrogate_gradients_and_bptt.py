"""Solutions of the exercises of lesson 2."""

from fractions import Fraction

from exercises import lesson

lesson_2 = lesson("2_surrogate_gradients_and_bptt")

# With w = 0 the potential stays 0, a distance of 1 from the threshold, where ψ is 0.
lesson_2.exercise_1(0)

# u = (1, 0, 1), s = e = (1, 0, 1), ψ = (1, 0, 1). Detached: δ[3] = 1, δ[2] = 1/2, δ[1] = 1 + 1/4, and
# δ[1] x[1] + δ[3] x[3] = 9/4. Kept: in step 1 ψ is 1, so 1 - V_th ψ is 0, δ[1] is 1 alone, and the gradient is 1 + 1.
lesson_2.exercise_2((Fraction(9, 4), 2))
