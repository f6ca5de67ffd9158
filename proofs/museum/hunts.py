"""How the exhibits were found: every network of a space, from the smallest on, until the first that is one.

`python -m proofs.museum.hunts [NAME ...]` hunts anew and says whether it finds what is stored; `--write` stores it. The
order is: fewest neurons, fewest time steps, then the numbers: a network costs the sum over its decay, weights and
inputs of numerator and denominator.
"""

import sys
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, product

from ottt_ref import console, workers
from ottt_ref.files.storage import write_bytes

from .exhibit import FOLDER, Exhibit, load, text

PROGRAM = f"python -m {__package__}.hunts"
EXAMPLES = ("", "rate-gap ottt-bptt-apart")
QUARTERS = tuple(Fraction(k, 4) for k in range(1, 9))
DECAYS = (Fraction(1), Fraction(1, 2))
BINARY = (Fraction(0), Fraction(1))


@dataclass(frozen=True)
class Hunt:
    """What to look for.

    spaces   (sizes, T) from the smallest on
    loops    numbers tried for a recurrent weight of the first layer; none if empty
    decays, weights, inputs, targets   the numbers tried
    readout, soft, layer               of the exhibits
    """

    theorem: str
    dropped: str
    says: str
    left: str
    right: str
    relation: str
    spaces: tuple
    reset: str = "soft"
    loops: tuple = ()
    readout: str = "spiking"
    soft: bool = False
    layer: int = 0
    decays: tuple = DECAYS
    weights: tuple = QUARTERS
    inputs: tuple = BINARY
    targets: tuple = BINARY


CHAINS = (((1, 1, 1), 1), ((1, 1, 1), 2), ((1, 1, 2), 1), ((1, 1, 2), 2))
ONE_NEURON = (((1, 1), 1), ((1, 1), 2), ((1, 1), 3))
TWO_NEURONS = (((1, 1, 1), 1), ((1, 1, 1), 2), ((1, 1, 1), 3))
SIGNED = (Fraction(0), Fraction(1), Fraction(-1))
UNIT, HALF = (Fraction(1),), (Fraction(1, 2),)
EIGHTHS = tuple(Fraction(k, 8) for k in range(8))
APART, VANISHES = "point apart", "the first vanishes, the second does not"
HUNTS = {
    "ottt-zero-bptt-not": Hunt(
        "E1", "it is the last layer", "a hidden layer's OTTT gradient vanishes, BPTT's does not",
        "ottt", "bptt", VANISHES, CHAINS,
    ),
    "ottt-bptt-apart": Hunt(
        "E2", "the dropped paths weigh little", "in a hidden layer OTTT and BPTT point apart",
        "ottt", "bptt", APART, CHAINS,
    ),
    "ottt-sr-apart": Hunt(
        "D1", "the errors resemble the rates' error", "in a hidden layer OTTT and SR point apart",
        "ottt", "sr", APART, CHAINS,
    ),
    "ottt-sr-apart-recurrent": Hunt(
        "D2", "μ < 1", "a neuron that excites itself: OTTT and SR point apart",
        "ottt", "sr", APART, ONE_NEURON, loops=QUARTERS,
    ),
    "ottt-bptt-apart-recurrent": Hunt(
        "E1", "the layer sends nothing back", "a neuron that hears itself: OTTT and BPTT point apart",
        "ottt", "bptt", APART, ONE_NEURON, loops=tuple(sign * q for q in QUARTERS for sign in (1, -1)),
    ),
    "hard-reset": Hunt(
        "E1", "the reset is soft or unleaked", "under a hard reset the membrane forgets what the trace remembers",
        "ottt", "bptt", "differ", ONE_NEURON, reset="hard",
    ),
    "authors-dialect": Hunt(
        "E1", "the dialect is derivation", "the authors' dialect forgets an input that waits in the membrane",
        "ottt-authors", "bptt", VANISHES, ONE_NEURON,
    ),
    "sltt-zero-ottt-not": Hunt(
        "E3", "T = 1", "without a trace nothing is learned of an input that waits in the membrane",
        "sltt", "ottt", VANISHES, ONE_NEURON,
    ),
    "reset-gradient": Hunt(
        "E5", "the reset's gradient is detached", "BPTT's gradient vanishes with the reset's gradient, and not without",
        "bptt-kept", "bptt", VANISHES, (*ONE_NEURON, ((1, 1, 1), 2), ((1, 1, 1), 3)),
    ),
    "sltt-ottt-apart": Hunt(
        "E4", "λ = 0", "with a memory that SLTT ignores, it points away from OTTT",
        "sltt", "ottt", APART, CHAINS,
    ),
    "stateless-readout": Hunt(
        "Q1", "the readout leaks", "the traced gradient of a stateless readout points away from the exact one",
        "ottt", "bptt", APART, TWO_NEURONS, readout="linear", layer=1,
    ),
    "detached-derivative": Hunt(
        "E7", "the reset's gradient is kept", "with the reset detached, BPTT is not the derivative of the soft network",
        "bptt", "derivative", "differ", ONE_NEURON, soft=True,
    ),
    "negative-input": Hunt(
        "D0", "inputs >= 0", "an input that changes its sign: OTTT and SR point apart at the output layer",
        "ottt", "sr", APART, (((1, 1), 1), ((1, 1), 2), ((2, 1), 1), ((2, 1), 2)), inputs=SIGNED,
    ),
    "target-between": Hunt(
        "D0", "the target is 0/1", "a spike is too much for its step, the rate too little: OTTT and SR point apart",
        "ottt", "sr", APART, ONE_NEURON, targets=HALF,
    ),
    "below-the-output": Hunt(
        "D0", "it is the output layer", "one layer below the output, OTTT and SR point apart",
        "ottt", "sr", APART, CHAINS,
    ),
    "chain-target-between": Hunt(
        "D3", "the target is 0 or 1", "a chain whose spike is too much for its step, and whose rate is too little",
        "bptt", "sr", APART, TWO_NEURONS, targets=HALF,
    ),
    "two-to-choose-between": Hunt(
        "D3", "one neuron per layer", "two output neurons pull apart, and SLTT and BPTT weigh them otherwise",
        "sltt", "bptt", APART, CHAINS,
    ),
    "hard-reset-rate": Hunt(
        "R1", "the reset is soft", "a hard reset throws away what is above the threshold",
        "rate", "balance", "differ", ONE_NEURON, reset="hard", targets=BINARY[:1],
    ),
    "negative-current": Hunt(
        "R2", "0 <= I[t] <= V_th", "a current that changes its sign: the rate is above what the mapping says",
        "mapping", "rate", "the first is below the second", ONE_NEURON, inputs=SIGNED, targets=BINARY[:1],
    ),
    "rate-gap": Hunt(
        "R2", "the bound is 1/Λ_T, and not smaller (tightness)",
        "nothing fires, and the membrane ends 1/8 below the threshold: the gap is 7/8 of the bound, and (1 - ε)/Λ_T "
        "for a membrane that ends at 1 - ε",
        "mapping", "rate", "differ by 7/8 of 1/Λ_T", (((1, 1), 2), ((1, 1), 3)),
        decays=HALF, weights=UNIT, inputs=EIGHTHS, targets=BINARY[:1],
    ),
}  # fmt: skip


def cost(numbers):
    """How large the numbers are, in sum: numerator and denominator of each."""
    return sum(abs(number.numerator) + number.denominator for number in numbers)


def candidates(hunt, sizes, time_steps):
    """Every exhibit of the space, without values, from the smallest numbers on."""
    shapes = list(zip(sizes, sizes[1:]))
    weights = sum(fan_in * fan_out for fan_in, fan_out in shapes)
    found = []
    for decay, loop in product(hunt.decays, hunt.loops or (None,)):
        for numbers in product(hunt.weights, repeat=weights):
            for inputs in product(hunt.inputs, repeat=time_steps * sizes[0]):
                if any(inputs):
                    looped = () if loop is None else (loop,)
                    found.append((cost((decay, *numbers, *inputs, *looped)), decay, numbers, inputs, looped))
    found.sort()
    for _, decay, numbers, inputs, looped in found:
        for targets in product(hunt.targets, repeat=sizes[-1]):
            yield _exhibit(hunt, sizes, decay, numbers, inputs, targets, looped)


def _exhibit(hunt, sizes, decay, numbers, inputs, targets, looped):
    numbers, rows = iter(numbers), []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        rows.append(tuple(tuple(next(numbers) for _ in range(fan_in)) for _ in range(fan_out)))
    return Exhibit(
        name="",
        theorem=hunt.theorem,
        dropped=hunt.dropped,
        says=hunt.says,
        decay=decay,
        reset=hunt.reset,
        readout=hunt.readout,
        soft=hunt.soft,
        weights=tuple(rows),
        loops=tuple((0, 0, ((weight,),)) for weight in looped),
        inputs=tuple(inputs[k : k + sizes[0]] for k in range(0, len(inputs), sizes[0])),
        targets=targets,
        layer=hunt.layer,
        left=hunt.left,
        right=hunt.right,
        relation=hunt.relation,
        values=(),
        search="",
    )


def run(name):
    """The first exhibit of the named hunt, with its values and what was searched; LookupError if there is none."""
    hunt, number = HUNTS[name], count(1)
    for sizes, time_steps in hunt.spaces:
        for candidate in candidates(hunt, sizes, time_steps):
            examined = next(number)
            try:
                values = tuple(candidate.value(quantity) for quantity in (hunt.left, hunt.right))
            except ValueError as error:
                if "singular" not in str(error):  # of SR's equation: no gradient to compare
                    raise
                continue
            if candidate.related(values):
                space = ", ".join(f"{'-'.join(map(str, s))} with T = {T}" for s, T in hunt.spaces)
                search = (
                    f"network {examined} of all those of {space}, in this order and by the size of their numbers: "
                    f"decay {_listed(hunt.decays)}, weights {_listed(hunt.weights)}, inputs {_listed(hunt.inputs)}, "
                    f"targets {_listed(hunt.targets)}"
                )
                fields = {field: getattr(candidate, field) for field in Exhibit.__dataclass_fields__}
                return Exhibit(**{**fields, "name": name, "values": values, "search": search})
    raise LookupError(f"{name}: none among {next(number) - 1} networks")


def _listed(numbers):
    """Some numbers in words: the first few and the last of many."""
    texts = [str(number) for number in numbers]
    if len(texts) > 4:
        texts = [*texts[:3], "...", texts[-1]]
        return ", ".join(texts)
    return " or ".join(texts)


def main(argv=None):
    """Hunt; 0 if what is stored was found (or written), 1 otherwise, 2 for a wrong argument."""
    return console.run(PROGRAM, build_parser, argv)


def build_parser():
    """The parser."""
    parser = console.Parser(prog=PROGRAM, description="Hunt for the exhibits anew.", examples=EXAMPLES)
    parser.set_defaults(command=hunt)
    parser.add_version()
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(HUNTS)}; all if none is given")
    parser.add_argument("--write", action="store_true", help="store what is found among the exhibits")
    workers.add_options(parser.add_argument)
    return parser


def hunt(options):
    """Run the named hunts, or all."""
    unknown = set(options.names) - set(HUNTS)
    if unknown:
        raise console.CommandError(f"NAME must be one of {', '.join(HUNTS)}, got {', '.join(sorted(unknown))}")
    same = True
    with workers.engine(*workers.chosen(options)) as pool:
        names = list(dict.fromkeys(options.names or HUNTS))
        pending = [pool.submit(run, name) for name in names]
        found = [future.result() for future in pending]
    for name, exhibit in zip(names, found):
        path = FOLDER / f"{name}.json"
        if options.write:
            write_bytes(path, text(exhibit).encode())
        print(f"{name}: {exhibit.search.partition(' of ')[0]}, values {', '.join(map(str, exhibit.values))}")
        if not path.exists() or load(path) != exhibit:
            same = False
            print(f"{name}: {path} holds another")
    return 0 if same else 1


if __name__ == "__main__":
    from proofs.museum import hunts  # by the name that worker processes import it by

    sys.exit(hunts.main())
