"""`python -m proofs --html FILE`: everything about the claims on one page that needs nothing else."""
