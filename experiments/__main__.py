"""`python -m experiments NAME`: run one experiment; the exit status: 0 if it ran to its end, 2 for a wrong argument,
130 if it was interrupted.
"""

import argparse
import importlib
import sys

EXPERIMENTS = {
    "digits": "train a dense, convolutional or feedback network on handwritten digits with each method",
    "directions": "measure how far the methods' gradients agree over decay, depth, T, surrogate, rate and training",
}
EXTRA = ("sklearn", "matplotlib", "rich")


def main(argv=None):
    """Parse the command line and run the experiment that it names."""
    parser = argparse.ArgumentParser(prog="python -m experiments", description="Train, measure and draw.")
    commands = parser.add_subparsers(title="experiments", metavar="NAME", required=True)
    for name, description in EXPERIMENTS.items():
        command = commands.add_parser(name, help=description, description=description)
        module = _load(name)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(argv)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"{parser.prog}: cannot make {options.output}: {error.strerror}", file=sys.stderr)
        return 2
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print("interrupted: no file is left half-written", file=sys.stderr)
        return 130


def _load(name):
    try:
        return importlib.import_module(f"experiments.{name}.command")
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.split(".")[0] not in EXTRA:
            raise
        sys.stderr.write(
            f"python -m experiments needs {missing.name}: install the extra with  pip install -e '.[experiments]'\n"
        )
        raise SystemExit(2) from None


if __name__ == "__main__":
    sys.exit(main())
