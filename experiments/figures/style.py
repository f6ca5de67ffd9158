"""How the pictures look: one style for all, on paper and on a dark page, in colour and in grey.

Colours are Okabe and Ito's, which those who confuse red and green can tell apart. No two lines differ by colour alone:
each has a dash, a width or a mark of its own, for print without colour.
"""

from contextlib import contextmanager

import matplotlib

from ottt_ref.files.storage import write_bytes

from ..output import content

PAPER, INK, MUTED, GRID = "#ffffff", "#1a1a1a", "#767676", "#dcdcdc"
BLUE, VERMILLION, GREEN, AMBER = "#0072b2", "#d55e00", "#009e73", "#e69f00"
# What an SVG shows instead where the reader's system is set to dark. The paper changes too, so that it is legible on
# any page.
DARK = {
    PAPER: "#131416",
    INK: "#ececec",
    MUTED: "#a0a0a0",
    GRID: "#3a3b3f",
    BLUE: "#56b4e9",
    VERMILLION: "#f28c45",
    GREEN: "#34c79c",
}
METHODS = {  # colour, dash and mark, the same in every picture
    "BPTT": (INK, ":", "s"),
    "OTTT": (BLUE, "-", "o"),
    "SLTT": (AMBER, "-.", "D"),
    "SR": (GREEN, (0, (5, 1, 1, 1, 1, 1)), "^"),
    "RTRL": (VERMILLION, "--", "v"),
}
LICENCE = "ottt_ref, CC BY 4.0"
FORMATS = ("svg", "png")
SETTINGS = {
    # Its letters are wide: what fits with them fits with the fonts that a reader has instead.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12.5,  # large enough for a slide, and for a phone as wide as the picture
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.facecolor": PAPER,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 11.5,
    "lines.linewidth": 2,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",  # letters stay letters: they can be searched, read aloud, and changed
}


@contextmanager
def settings():
    """Matplotlib as these pictures want it, whatever the user has set: for what draws, and for what writes."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def rendered(picture, data, kind):
    """The bytes of the picture as "svg" or "png": the same data give the same bytes."""
    with settings():
        return written(picture.draw(data), kind, picture.TITLE, picture.CAPTION)


@settings()
def written(figure, kind, title, caption):
    """The bytes of a figure that was drawn within `settings()`, as "svg" or "png", which bear title and caption."""
    words = {"Title": title, "Description": caption}
    if kind == "png":
        return content(figure, kind, dpi=200, **words, Copyright=LICENCE, Software=None)
    drawn = content(figure, kind, **words, Rights=LICENCE, Creator="ottt_ref")
    return _for_dark_pages(drawn.decode()).encode()


def save(picture, data, folder, kinds):
    """Write folder/NAME.KIND of each kind, atomically; the names of the files."""
    names = [f"{picture.NAME}.{kind}" for kind in kinds]
    for name, kind in zip(names, kinds):
        write_bytes(folder / name, rendered(picture, data, kind))
    return names


def _for_dark_pages(text):
    """The SVG with rules for a dark page: matplotlib writes colours into elements, so that rules go by these."""
    rules = "".join(
        f'[style*="{part}: {light}"]{{{part}:{dark} !important}}'
        for light, dark in DARK.items()
        for part in ("fill", "stroke")
    )
    before, end, after = text.partition("</style>")
    return f"{before}@media (prefers-color-scheme: dark){{{rules}}}{end}{after}"


def label(axes, x, y, text, colour, place="center"):
    """A line's name beside its end, in its colour; `place` is "center", or "bottom" for above, "top" for below."""
    look = {"color": colour, "fontweight": "bold", "va": place}
    axes.annotate(text, (x, y), xytext=(7, 0), textcoords="offset points", **look)
