"""What `experiments lessons` does: run the lessons, as scripts, and their solutions."""

import sys
from pathlib import Path

from ottt_ref import console
from ottt_ref.console import folder, needs

from . import exercises

NAMES = tuple(sorted(path.stem for path in exercises.HERE.glob("[1-9]_*.py")))
EXAMPLES = ("", "--lesson 1_lif_neuron", "--solutions")


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.notes = "The lessons are scripts in percent format: Jupytext opens them as notebooks."
    parser.set_defaults(command=run)
    console.names(parser, "--lesson", NAMES, f"run these alone, of {', '.join(NAMES)}; all if not given")
    parser.add_argument("--solutions", action="store_true", help="answer the exercises by the solutions")
    parser.add_argument(
        "--output", metavar="DIR", type=folder, default=Path("results"), help="the folder to write to (%(default)s)"
    )


def run(options):
    """Run each lesson: what it asserts holds, or it stops with an AssertionError. Its pictures are written."""
    sys.path.insert(0, str(exercises.HERE))  # the lessons import `pictures` and `exercises` as a student's script does
    with needs("experiments"):
        import pictures

    pictures.FOLDER = options.output / "lessons"
    for name in dict.fromkeys(options.lesson or NAMES):
        print(f"\n== {name}")
        exercises.run(exercises.HERE / f"{name}.py")
        if options.solutions:
            exercises.run(exercises.HERE / "solutions" / f"{name}.py")
