"""How the documentation is built: `python -m sphinx -W docs results/docs`, with the extra `docs`."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_extensions")]

import ottt_ref  # noqa: E402

project = "ottt_ref"
author = "the authors of ottt_ref"
copyright = "text and figures CC BY 4.0, code BSD-3-Clause"
version = release = ottt_ref.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "mathml", "claims", "docstrings", "pictures"]
include_patterns = ["*.md", "lessons/[1-9]_*.py"]
smartquotes = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # of a cell; one that compiles takes long where much else runs
html_math_renderer = "mathml"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = "ottt_ref"
html_static_path = ["_static"]
html_css_files = ["ottt_ref.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False  # the reference is one page, and every page is searched


def to_lessons(app, docname, source):
    """Let links to the lessons' scripts, which readers of the repository follow, lead to the pages that they become."""
    source[0] = re.sub(r"\]\(\.\./experiments/lessons/(\w+)\.py\)", r"](lessons/\1)", source[0])


def setup(app):
    app.connect("source-read", to_lessons)
