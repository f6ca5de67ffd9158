"""The claims of the theory as programs: `python -m proofs` checks each on random networks and prints one table.

claims/            one module per claim: statement, hypotheses, source, check, strategy, counterexamples
claim.py           what a claim is
cases.py           random networks, drawn by Hypothesis
equality.py        two sides compared exactly over fractions, and in floats against a rigorous rounding bound
summed.py          gradients as sums over the paths of ottt_ref.paths, as sides
number_systems/    the numbers that the kernels run on to establish different things
search.py          run a claim on many cases, shrink what refutes it
report.py          the table, the counterexample, the JSON file
"""
