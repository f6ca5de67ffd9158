"""The page: one HTML file with everything in it, which asks no host for anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

LARGEST_PAGE = 5_000_000  # bytes
#: The parts of the script, in an order in which each knows those before it.
SCRIPT = ("parts", "numbers", "paths", "neuron", "network", "controls", "tables", "form", "start")


class TooLarge(ValueError):
    """A page of more bytes than it may have."""


def page(network: Mapping[str, Any], *, edit: Mapping[str, Any] | None = None) -> bytes:
    """The page of what `page_data` gave, in UTF-8.

    edit  the network as the form of `--live` begins with it; None for a page that stands alone

    Raises TooLarge, a ValueError, where it would have more than 5 MB.

    >>> from ottt_ref.explain.data import page_data
    >>> from ottt_ref.explain.example import example
    >>> from ottt_ref.explain.shown import Shown
    >>> found = example()
    >>> made = page(page_data(Shown(found.network, found.inputs, found.targets), grid="none")).decode()
    >>> made.startswith("<!doctype html>"), "connect-src 'none'" in made
    (True, True)
    """
    filled = {
        "css": _text("page.css"),
        "js": _script(),
        "connect": "'self'" if edit else "'none'",
        "data": _json({"network": network, **({"edit": edit} if edit else {})}),
    }
    before, *rest = _text("page.html").split("{{")
    made = before
    for part in rest:  # what is filled in is never searched for names to fill in
        name, after = part.split("}}", 1)
        made += filled[name] + after
    content = made.encode(errors="replace")  # a file's name may be no Unicode
    if len(content) > LARGEST_PAGE:
        raise TooLarge(f"the page must have at most {LARGEST_PAGE} bytes, got {len(content)}: take a smaller network")
    return content


def _script():
    """One function, so that its names are nobody else's."""
    parts = "\n\n".join(_text(f"script/{name}.js") for name in SCRIPT)
    return f'"use strict";\n(function () {{\n{parts}\n}}());'


def _text(name):
    return (resources.files(__package__) / name).read_text(encoding="utf-8").rstrip("\n")


def _json(data):
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
