"""Seven lessons on OTTT, as scripts in percent format, which Jupytext opens as notebooks; `solutions` has the answers.

`pictures` draws what the lessons show, `exercises` checks answers. `python -m experiments lessons` runs all of them.
"""
