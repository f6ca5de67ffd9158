"""What `experiments ablation` does."""

from ottt_ref import console

from ..output import screen
from ..sweep import command
from ..sweep.columns import COLUMNS as ALL
from ..sweep.runs import Job
from . import picture, report
from .variants import BASE, FACTORS

COLUMNS = {"digits-dense": 20, "digits-conv": 6, "mnist-5000": 3}  # with epochs: fewer than the table's, of many runs
USUAL = ("digits-dense", "digits-conv")
RULES = ("bptt", "ottt-a")
EXAMPLES = (
    "--factor decay width",
    "--column mnist-5000 --factor standardisation --folder results/wheels",
    "--column digits-dense --factor dialect --seeds 2 --epochs 2 --output results/quick",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples, parser.notes = EXAMPLES, command.NOTES
    parser.set_defaults(command=run)
    command.add_columns_and_rules(parser, COLUMNS, RULES, USUAL)
    console.names(parser, "--factor", tuple(FACTORS), f"change these alone, of {', '.join(FACTORS)}; each if not given")
    command.add_rest(parser, "results/ablation")


def run(options):
    """Train what is missing, write JSON, Markdown and pictures, print the table and what it says."""
    columns, lines = command.columns_of(options, USUAL)
    rules = tuple(dict.fromkeys(options.rule or RULES))
    factors = tuple(dict.fromkeys(options.factor or FACTORS))
    defaults = {
        (name, rule): column.config(rule, options.folder, options.epochs or COLUMNS[name])
        for name, column in columns.items()
        for rule in rules
    }
    command.try_data(defaults[name, rules[0]] for name in columns)
    configs, left_out = _configs(defaults, factors)
    jobs = {
        (*cell, seed): Job("--".join(cell), config, seed)
        for seed in range(options.seeds)
        for cell, config in configs.items()
    }
    results, seconds = command.results_of(jobs, options)
    found = report.summaries(results)
    settings = {"columns": list(columns), "rules": rules, "factors": factors}
    settings |= {"seeds": options.seeds, "epochs": options.epochs}
    said = [*report.findings(found), *report.shortened(left_out, ALL), *lines]
    content = {"summaries": found, "left_out": left_out, "findings": said, **seconds}
    command.write(
        options.output, "ablation", settings, content, report.markdown(found, said), lambda: picture.draw(found)
    )
    screen().print(report.table(found))
    print("\n".join(said))
    command.say_end(options.output, "ablation", len(jobs), seconds)


def _configs(defaults, factors):
    """A config by column, rule and variant, and what is left out of each column and rule, with why."""
    configs, left_out = {}, []
    for (column, rule), default in defaults.items():
        for variant in (BASE, *(each for factor in factors for each in FACTORS[factor])):
            why = variant.left_out(default)
            if why is None:
                configs[column, rule, variant.name] = default.changed(variant.changes)
            else:
                left_out.append({"column": column, "rule": rule, "variant": variant.name, "why": why})
    return configs, left_out
