"""Faults seeded into the source, one at a time: the claims, or else the tests, must kill each of them.

`catalogue` lists them, across every kernel and method; `score` applies each to a scratch copy of the checkout, runs the
claims there on few cases until one fails, and the tests if none does.
"""
