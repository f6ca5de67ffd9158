"""`python -m proofs`: check the claims, print the table, exit 1 if one fails."""

import sys

PROGRAM = f"python -m {__package__}"

try:
    from ottt_ref import console
except KeyboardInterrupt:  # it takes a second, and `console` says this otherwise
    print(f"{PROGRAM}: interrupted; no file is left half-written", file=sys.stderr)
    sys.exit(130)


def main(argv=None):
    """Carry out the command line; the exit status: 0 if all claims hold, 1 if one fails, 2 for a wrong argument."""
    return console.run(PROGRAM, build_parser, argv)


def build_parser():
    """The parser of the program on its own; `ottt-ref prove` has the same options."""
    parser = console.Parser(prog=PROGRAM, fill=console.filled_by(f"{__package__}.command", "proofs"))
    parser.add_version()
    return parser


if __name__ == "__main__":
    sys.exit(main())
