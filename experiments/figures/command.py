"""What `experiments figures` does."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import matplotlib

from ottt_ref import console
from ottt_ref.console import folder
from ottt_ref.files.storage import write_bytes

from ..output import write_json
from . import agreement, lattice, memory, methods, rates, traces
from .style import FORMATS, save

FIGURES = {picture.NAME: picture for picture in (methods, lattice, traces, memory, agreement, rates)}
DATA, CAPTIONS = "figures.json", "figures.txt"
EXAMPLES = ("", "--figure methods lattice --format svg", "--seed 1 --output lecture")


@dataclass(frozen=True)
class Settings:
    """What was asked for: which pictures, and the seed of what is drawn by chance."""

    figures: tuple
    seed: int


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.set_defaults(command=run)
    option = parser.add_argument
    console.names(parser, "--figure", tuple(FIGURES), f"draw these alone, of {', '.join(FIGURES)}; all if not given")
    console.names(parser, "--format", FORMATS, f"write these alone, of {', '.join(FORMATS)}; both if not given")
    option("--seed", metavar="N", type=whole, default=0, help="of networks, inputs and batches (%(default)s)")
    option("--output", metavar="DIR", type=folder, default=Path("results"), help="the folder to write to (%(default)s)")


def whole(text):
    """A whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text!r}")
    return int(text)


def run(options):
    """Measure and draw; write pictures, data and captions."""
    names = tuple(dict.fromkeys(options.figure or FIGURES))
    formats = tuple(dict.fromkeys(options.format or FORMATS))
    options.output.mkdir(parents=True, exist_ok=True)
    found, written = {}, []
    for name in names:
        picture = FIGURES[name]
        found[name] = picture.measure(options.seed)
        written += save(picture, found[name], options.output, formats)
        print(f"{name}: {picture.TITLE}")
    content = {"figures": {name: {"title": FIGURES[name].TITLE, "data": data} for name, data in found.items()}}
    versions = {"matplotlib": matplotlib.__version__}
    write_json(options.output / DATA, "figures", Settings(names, options.seed), content, versions)
    write_bytes(options.output / CAPTIONS, captions(names).encode())
    print(f"wrote {', '.join(str(options.output / name) for name in (*written, DATA, CAPTIONS))}")


def captions(names):
    """Title and caption of each picture, as plain text."""
    parts = [f"{name}\n{FIGURES[name].TITLE}\n\n{fill(FIGURES[name].CAPTION, 100)}\n" for name in names]
    return "\n".join(["Pictures of ottt_ref, CC BY 4.0: name ottt_ref where you show them.\n", *parts])
