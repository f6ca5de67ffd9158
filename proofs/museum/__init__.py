"""The counterexample museum: for a theorem and a hypothesis dropped, the smallest network where the conclusion fails.

`exhibits/*.json` are the networks, readable as they stand; `exhibit` loads and checks them exactly; `hall` prints them
with all that happens in them; `hunts` is how they were found, every network of a space from the smallest on.
"""
