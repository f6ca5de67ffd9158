"""What `python -m experiments` and `ottt-ref experiment` do: run one of EXPERIMENTS."""

from ottt_ref import console

EXPERIMENTS = {
    "digits": "train a dense, convolutional or feedback network on handwritten digits with each method",
    "training": "train a network as a config says, on any data set, to be stopped and gone on with anywhere",
    "table": "train by every rule on eight data sets, five seeds each, and compare with BPTT seed by seed",
    "timesteps": "train with several numbers of time steps, and test each network with several others",
    "ablation": "change one thing at a time: decay, surrogate, dialect, readout, reset, weight standardisation",
    "data": "list the data sets, or say what a folder holds of one, and check it",
    "directions": "measure how far the methods' gradients agree over decay, depth, T, surrogate, rate and training",
    "online": "learn a stream through a drift half way, by rules that update each time step or each sample",
    "lessons": "run the seven lessons on OTTT, which are notebooks too, and check their exercises",
    "figures": "draw the pictures of the README, the documentation and lectures from what the library computes",
    "memory": "measure how much memory training takes against the number of time steps, and fit how it grows",
    "firing": "train a network by each method, and measure how often each layer fires in each time step",
    "energy": "count the multiply-accumulates and accumulates of an inference and an update of each method",
    "benchmark": "time training steps of this library and of others, after checking that they compute the same",
}
EXAMPLES = (
    "digits",
    "digits --model conv --method ottt-a bptt --seeds 1 --epochs 5",
    "training digits --epochs 5",
    "directions --factor decay time_steps --seeds 3",
    "figures --figure methods lattice --format svg",
    "benchmark --workload digits --sweep none",
)


def add_arguments(parser):
    """The experiments as commands; the options of each come when they are asked for."""
    parser.description = "Train, measure, draw and teach: what is found is printed, and written as JSON, PNG and SVG."
    parser.examples, parser.notes = EXAMPLES, "NAME --help says what an experiment takes."
    commands = parser.add_commands("experiments", "NAME")
    for name, about in EXPERIMENTS.items():
        commands.add_parser(
            name,
            help=about,
            description=f"{about[0].upper()}{about[1:]}.",
            fill=console.filled_by(f"{__package__}.{name}.command", "experiments"),
        )
