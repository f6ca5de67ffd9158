"""Solutions of the exercises of lesson 3."""

from exercises import lesson

lesson_3 = lesson("3_from_bptt_to_ottt")

# BPTT: t0 <= t1 <= t2 <= t3 out of four steps, 35 ways. OTTT: t0 <= t1 = t2 = t3, 10 ways.
lesson_3.exercise_1((35, 10))

# A spike in the last step alone has no time to wait.
lesson_3.exercise_2([0, 0, 1])

# Without waiting, the trace is the input of the same step.
lesson_3.exercise_3(lambda g, x: sum(each * value for each, value in zip(g, x)))
