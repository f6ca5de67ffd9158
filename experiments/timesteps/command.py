"""What `experiments timesteps` does."""

from ottt_ref.console import positive

from ..output import screen
from ..sweep import command
from ..sweep.runs import Job
from . import picture, report

COLUMNS = ("digits-dense", "digits-conv", "mnist-5000")
RULES = ("bptt", "ottt-a", "ottt-o")
LEARNED, TESTED = (1, 2, 4, 6, 10), (1, 2, 4, 6, 10, 20)
EXAMPLES = (
    "--folder results/wheels",
    "--column digits-dense --rule ottt-a --learned 6 --tested 1 2 3 4 5 6",
    "--column digits-dense --seeds 2 --epochs 2 --output results/quick",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples, parser.notes = EXAMPLES, command.NOTES
    parser.set_defaults(command=run)
    command.add_columns_and_rules(parser, COLUMNS, RULES)
    words = {"metavar": "T", "type": positive, "nargs": "+"}
    parser.add_argument("--learned", **words, default=LEARNED, help=f"numbers to learn with ({_shown(LEARNED)})")
    parser.add_argument("--tested", **words, default=TESTED, help=f"numbers to test with ({_shown(TESTED)})")
    command.add_rest(parser, "results/timesteps")


def _shown(numbers):
    return " ".join(map(str, numbers))


def run(options):
    """Train what is missing, write JSON, Markdown and pictures, print the matrices and what they say."""
    columns, left_out = command.columns_of(options, COLUMNS)
    rules = tuple(dict.fromkeys(options.rule or RULES))
    learned, tested = (tuple(sorted(set(numbers))) for numbers in (options.learned, options.tested))
    configs = {
        (name, rule, steps): column.config(rule, options.folder, options.epochs).changed({"training.time_steps": steps})
        for name, column in columns.items()
        for rule in rules
        for steps in learned
    }
    command.try_data(configs[name, rules[0], learned[0]] for name in columns)
    jobs = {
        (*cell, seed): Job(_name(*cell), config, seed, tuple(sorted({*tested, cell[2]})))
        for seed in range(options.seeds)
        for cell, config in configs.items()
    }
    results, seconds = command.results_of(jobs, options)
    found = report.matrices(results, tested)
    settings = {"columns": list(columns), "rules": rules, "learned": learned, "tested": tested}
    settings |= {"seeds": options.seeds, "epochs": options.epochs}
    said = [*report.findings(found), *left_out]
    content = {"matrices": found, "findings": said, **seconds}
    command.write(options.output, "timesteps", settings, content, report.markdown(found), lambda: picture.draw(found))
    for matrix in found:
        screen().print(report.table(matrix))
    print("\n".join(said))
    command.say_end(options.output, "timesteps", len(jobs), seconds)


def _name(column, rule, steps):
    return f"{column}--{rule}--T{steps}"
