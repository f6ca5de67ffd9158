"""A small network as a lecturer writes it on a blackboard: every potential, spike, trace, error and gradient term.

`quantities` names and computes them, for the museum of counterexamples too; `description` reads networks that people
write by hand; `board` puts all of it in one table.
"""
