"""Where results go: the screen, JSON files, pictures."""

import io
import json
import platform
import re
from dataclasses import asdict, is_dataclass
from importlib.metadata import version

import matplotlib
from rich.table import Table

from ottt_ref import __version__, console
from ottt_ref.files.storage import write_bytes

PACKAGES = ("numpy", "numba", "scipy", "scikit-learn")


def screen():
    """Where the table goes."""
    return console.screen(110)


def write_json(path, experiment, settings, content, versions=()):
    """Write settings (a dataclass or a mapping), versions and what the mapping `content` holds, atomically.

    versions  of further packages, a mapping by name
    """
    whole = {
        "experiment": experiment,
        "settings": asdict(settings) if is_dataclass(settings) else dict(settings),
        "versions": {
            "ottt_ref": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
            **dict(versions),
        },
        **content,
    }
    write_bytes(path, (json.dumps(whole, indent=1, allow_nan=False) + "\n").encode())


def markdown(header, rows, left=1):
    """A Markdown table: the first columns to the left, as many as `left` says, the others to the right."""
    lines = [header, [*["---"] * left, *["---:"] * (len(header) - left)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def markdown_list(lines):
    """A list in Markdown, of texts."""
    return "".join(f"- {line}\n" for line in lines)


def grid(title, header, rows):
    """The same table for the screen."""
    result = Table(title=title)
    for k, name in enumerate(header):
        result.add_column(name, justify="right" if k else "left")
    for row in rows:
        result.add_row(*row)
    return result


def write_text(path, text):
    """Write a text file, atomically."""
    write_bytes(path, text.encode())


def save(figure, folder, name):
    """Write folder/name.png and folder/name.svg, atomically."""
    for kind in ("png", "svg"):
        write_bytes(folder / f"{name}.{kind}", content(figure, kind))


def content(figure, kind, dpi=160, **words):
    """The bytes of a figure as "png" or "svg", the same ones every time; `words` are its metadata."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "ottt_ref"}):
        if kind == "png":
            figure.savefig(buffer, format=kind, dpi=dpi, metadata=words)
            return buffer.getvalue()
        figure.savefig(buffer, format=kind, metadata={**words, "Date": None})
    return name_clips(buffer.getvalue().decode()).encode()


def name_clips(text):
    """The text of an SVG with clip paths named by their order: matplotlib's names hang on the layout's last bits."""
    found = dict.fromkeys(re.findall(r'<clipPath id="(\w+)"', text))
    names = {name: f"clip{k}" for k, name in enumerate(found)}
    return re.sub(r'(?<=<clipPath id=")\w+|(?<=url\(#)\w+', lambda match: names.get(match[0], match[0]), text)
