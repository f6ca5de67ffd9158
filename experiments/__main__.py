"""`python -m experiments NAME`: run one experiment; the exit status: 0 if it ran to its end, 2 for a wrong argument,
130 if it was interrupted.
"""

import sys

PROGRAM = f"python -m {__package__}"

try:
    from ottt_ref import console

    from . import command
except KeyboardInterrupt:  # it takes a second, and `console` says this otherwise
    print(f"{PROGRAM}: interrupted; no file is left half-written", file=sys.stderr)
    sys.exit(130)


def main(argv=None):
    """Carry out the command line; the exit status."""
    return console.run(PROGRAM, build_parser, argv)


def build_parser():
    """The parser of the program on its own; `ottt-ref experiment` has the same experiments."""
    parser = console.Parser(prog=PROGRAM)
    parser.add_version()
    command.add_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
