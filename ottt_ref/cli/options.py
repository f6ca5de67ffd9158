"""Options as the commands write them: words of the library, with dashes for underscores."""


def add_choice(parser, option, choices, meaning, default=None):
    """Add an option that is one of the library's words; None if not given and there is no default."""
    parser.add_argument(
        flag(option),
        choices=[dashed(choice) for choice in choices],
        default=default,
        help=f"{meaning} ({default or dashed(choices[0])})",
    )


def flag(option):
    """The option as it is written: --reset-gradient."""
    return f"--{dashed(option)}"


def dashed(name):
    """A name of the library as the command line has it."""
    return name.replace("_", "-")
