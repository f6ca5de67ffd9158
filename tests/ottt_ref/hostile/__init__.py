"""Hostile calls: every public callable with right, nearly right and foreign arguments, against an oracle.

values      arguments that are nearly right, and arguments from elsewhere
door        the public callables, by name
catalogue   by callable, arguments that are right, and the oracle of the result; its parts are the modules *_calls
running     the calls, in a process of their own, so that a crash or a hang is found and named

    python -m tests.ottt_ref.hostile --calls 10000 [--seed 0] [--only NAME] [--call NUMBER]
"""
