"""Exercises: what makes of a check a function that a student calls with an answer."""

import contextlib
import functools
import io
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).parent


def exercise(check):
    """The function that a student calls with an answer: it prints whether the answer is right, and returns that.

    check  a function of an answer that asserts what a right one fulfils, by assertions with messages

    `...` is no answer yet: None is returned. Any error but an AssertionError is raised: the answer has a mistake.
    """

    @functools.wraps(check)
    def ask(answer):
        if answer is ...:
            print(f"{check.__name__}: put your answer in the place of the dots")
            return None
        try:
            check(answer)
        except AssertionError as failure:
            print(f"{check.__name__}: not yet. {failure}")
            return False
        print(f"{check.__name__}: right")
        return True

    ask.is_exercise = True
    return ask


@functools.cache
def lesson(name):
    """The names of a lesson, which is run once for it, without pictures: `lesson("1_lif_neuron").exercise_1`."""
    import pictures  # matplotlib, which those who only ask for the lessons' names do without

    with contextlib.redirect_stdout(io.StringIO()), pictures.none():
        return SimpleNamespace(**run(HERE / f"{name}.py"))


def run(path):
    """Run a lesson, or its solutions, as if it were started by its name; the names that it leaves."""
    folder = str(HERE)
    sys.path.insert(0, folder)  # where `pictures` and `exercises` are
    try:
        return runpy.run_path(str(path))
    finally:
        sys.path.remove(folder)
