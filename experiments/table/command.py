"""What `experiments table` does."""

from ..output import screen
from ..sweep import command
from ..sweep.columns import COLUMNS, RULES
from ..sweep.runs import Job
from . import picture, report

EXAMPLES = (
    "--folder results/wheels",
    "--column digits-dense digits-conv --rule bptt ottt-a",
    "--column digits-dense --seeds 2 --epochs 2 --output results/quick",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples, parser.notes = EXAMPLES, command.NOTES
    parser.set_defaults(command=run)
    command.add_columns_and_rules(parser, COLUMNS, RULES)
    command.add_rest(parser, "results/table")


def run(options):
    """Train what is missing, write JSON, Markdown and pictures, print the table."""
    columns, left_out = command.columns_of(options, COLUMNS)
    rules = tuple(dict.fromkeys(options.rule or RULES))
    configs = {
        (name, rule): column.config(rule, options.folder, options.epochs)
        for name, column in columns.items()
        for rule in rules
    }
    command.try_data(configs[name, rules[0]] for name in columns)
    jobs = {
        (name, rule, seed): Job(f"{name}--{rule}", config, seed)
        for seed in range(options.seeds)
        for (name, rule), config in configs.items()
    }
    results, seconds = command.results_of(jobs, options)
    places = [(name, rule) for name in columns for rule in rules]
    found = sorted(report.summaries(results), key=lambda each: places.index((each["column"], each["rule"])))
    settings = {"columns": list(columns), "rules": rules, "seeds": options.seeds, "epochs": options.epochs}
    content = {"summaries": found, **seconds}
    command.write(options.output, "table", settings, content, report.markdown(found), lambda: picture.draw(found))
    screen().print(report.table(found))
    print("\n".join([*report.findings(found), *left_out]))
    command.say_end(options.output, "table", len(jobs), seconds)
